"""What the service logs: one JSON object a line for machines, text for people, never a secret."""

import json
import subprocess
import sys

import pytest

from tests.support.patience import PATIENCE

FAIL = """
import sys
import structlog
from runhook.telemetry import configure_logging
configure_logging("info", as_json=sys.argv[1] == "json")
def check(token):
    raise ValueError("the reason")
try:
    check("a-token-that-must-not-be-logged")
except ValueError:
    structlog.get_logger().exception("request failed", path="/api")
structlog.get_logger().debug("a detail")
"""


def logged(form: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", FAIL, form],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert finished.stdout == ""
    return finished.stderr


def test_a_line_for_machines_is_one_json_object_with_the_traceback():
    (line,) = logged("json").splitlines()

    entry = json.loads(line)
    assert entry["event"] == "request failed"
    assert entry["level"] == "error"
    assert entry["path"] == "/api"
    assert entry["timestamp"].endswith("Z")
    assert "ValueError: the reason" in entry["exception"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_does_not_show_what_the_variables_held(form: str):
    text = logged(form)

    assert "ValueError: the reason" in text
    assert "must-not-be-logged" not in text
