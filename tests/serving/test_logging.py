"""What the service logs: one JSON object a line for machines, text for people, never a secret."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE

PROGRAM = """
import logging
import sys
from runhook.telemetry.events import DUTY_TAKEN, REQUEST_FAILED, SENDING_HELD_UP
from runhook.telemetry.logs import configure_logging
configure_logging("info", as_json=sys.argv[1] == "json")
"""
FAIL = """
def check(token):
    raise ValueError("the reason")
try:
    check("a-token-that-must-not-be-logged")
except ValueError as error:
    REQUEST_FAILED.say(route="/api", exc_info=error)
"""
HOSTILE = (
    "a\\nb",
    "a\\r\\nb",
    "\\x1b[31mred\\x1b[0m",
    "\\x9b31m",
    "a\\u2028b\\x85c",
    "\\x07\\x08\\x7f",
    "\\u202ereversed",
    "\\ud800",
    "\\u200bnothing",
    'quoted" level=error',
    "a=b",
    "",
)
FORMATS = ["json", "text"]


def logged(form: str, code: str) -> str:
    """What a program writes, beside nothing on its standard output."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM + code, form],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert finished.stdout == ""
    return finished.stderr


def at_terminal(code: str, **environment: str) -> str:
    """What a program writes to a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", PROGRAM + code, "text"],
        stderr=theirs,
        check=True,
        timeout=PATIENCE,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the end, as Linux tells it
            piece = b""
        if not piece:
            os.close(ours)
            return written.decode()
        written += piece


def test_a_line_for_machines_is_one_json_object_with_the_traceback():
    (line,) = logged("json", FAIL).splitlines()

    entry = json.loads(line)
    assert list(entry)[:4] == ["timestamp", "level", "event", "message"]
    assert (entry["event"], entry["level"]) == ("request.failed", "error")
    assert entry["route"] == "/api"
    assert entry["timestamp"].endswith("Z")
    assert "ValueError: the reason" in entry["exception"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_traceback_does_not_show_what_the_variables_held(form: str):
    text = logged(form, FAIL)

    assert "ValueError: the reason" in text
    assert "must-not-be-logged" not in text.replace('check("a-token-that-must-not-be-logged")', "")


def test_a_line_for_people_has_its_columns_and_quotes_what_could_be_taken_for_another_field():
    text = logged("text", 'DUTY_TAKEN.say(duty="run watcher")\nDUTY_TAKEN.say(duty="pruner")')

    first, second = text.splitlines()
    assert first.index("duty.taken") == second.index("duty.taken")
    assert first.endswith('duty="run watcher"')
    assert second.endswith("duty=pruner")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_line_begins_another_one_or_reaches_a_terminal(form: str, text: str):
    say = f"""
text = '{text}'
SENDING_HELD_UP.say(reason=text, )
DUTY_TAKEN.say(duty=[text])
logging.getLogger("other").warning("%s", text)
try:
    raise ValueError(text)
except ValueError as error:
    SENDING_HELD_UP.say(exc_info=error)
"""
    written = logged(form, say)

    assert written.replace("\n", "").isprintable()
    begun = [line for line in written.split("\n") if line and not line.startswith("    ")]
    assert len(begun) == 4
    if form == "json":
        for line in begun:
            assert isinstance(json.loads(line), dict)


@pytest.mark.parametrize("form", FORMATS)
def test_what_libraries_say_has_the_same_form_and_is_heard_when_something_is_wrong(form: str):
    written = logged(
        form,
        'logging.getLogger("uvicorn.error").warning("it is %s", "odd")\n'
        'logging.getLogger("uvicorn.error").info("hello")',
    )

    (odd,) = written.splitlines()
    assert "it is odd" in odd
    assert "uvicorn.error" in odd
    if form == "json":
        assert json.loads(odd)["event"] == "library"


@pytest.mark.parametrize("form", FORMATS)
def test_secrets_in_what_others_say_are_taken_out(form: str):
    written = logged(
        form,
        """
reason = "could not connect to postgresql://me:planted-password@db/runhook"
SENDING_HELD_UP.say(reason=reason)
logging.getLogger("other").error("Authorization: Bearer planted-password")
try:
    raise ValueError(reason)
except ValueError as error:
    SENDING_HELD_UP.say(exc_info=error)
""",
    )

    assert written.count("could not connect") == 2
    assert "planted-password" not in written.replace('me:planted-password@db/runhook"', "")


CLOSED = "exec 2>&-"
ON_A_FULL_DISK = "exec 2>/dev/full"
WITHOUT_A_READER = "exec 2> >(exec true); wait $!"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("stream", [CLOSED, ON_A_FULL_DISK, WITHOUT_A_READER])
def test_what_is_done_goes_on_where_no_line_can_be_written(form: str, stream: str):
    say = """
for _ in range(1_000):
    DUTY_TAKEN.say(duty="x" * 500)
    logging.getLogger("other").warning("it is odd")
print("done")
"""
    finished = subprocess.run(
        ["bash", "-c", f'{stream}; exec "$@"', "-", sys.executable, "-c", PROGRAM + say, form],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert (finished.stdout, finished.stderr) == ("done\n", "")


def test_what_is_long_is_cut_off():
    written = logged("json", 'SENDING_HELD_UP.say(reason="x y " * 100_000)')

    assert len(written) < 1_500


def test_colors_are_for_terminals_whose_users_want_them():
    say = 'DUTY_TAKEN.say(duty="pruner")'

    assert "\x1b[" in at_terminal(say)
    assert "\x1b[" not in at_terminal(say, NO_COLOR="1")
    assert "\x1b[" not in at_terminal(say, TERM="dumb")
    assert "\x1b[" not in logged("text", say)


def test_only_a_few_lines_a_minute_are_written_of_what_strangers_bring_about():
    say = """
from runhook.telemetry.events import TOKEN_REFUSED, Seldom
seldom = Seldom(TOKEN_REFUSED, most=3)
for _ in range(100):
    seldom.say(answer="unknown", client="192.0.2.1")
seldom._since = float("-inf")
seldom.say(answer="unknown", client="192.0.2.1")
"""
    lines = [json.loads(line) for line in logged("json", say).splitlines()]

    assert [line.get("not_shown") for line in lines] == [None, None, None, 97]


@pytest.mark.parametrize(("given", "starts"), [("json", "{"), ("text", "2"), ("auto", "{")])
def test_the_form_is_a_setting(tmp_path: Path, given: str, starts: str):
    (tmp_path / "runhook.toml").write_text('log_level = "warning"\n')
    finished = subprocess.run(
        [Path(sys.executable).parent / "runhook", "serve", "--port", "0", "--host", "192.0.2.1"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
        env={"RUNHOOK_LOG_FORMAT": given, "RUNHOOK_PORTT": "1", "PATH": os.environ["PATH"]},
        check=False,
    )

    assert finished.returncode != 0
    line = finished.stderr.splitlines()[0]
    assert line.startswith(starts)
    assert "RUNHOOK_PORTT" in line
