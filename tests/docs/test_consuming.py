"""What the page says of consumers is typed as it stands: with our commands, and with curl alone."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runhook.domain.webhooks.signature import Secret
from tests.docs.documents import REPOSITORY, block_with
from tests.docs.terminal import a_terminal, wait_for_line
from tests.support.patience import look_until
from tests.support.ports import free_ports
from tests.support.running import TOKEN
from tests.support.station import LONG, SCRIPTS, Station, a_station

RECEIVING = (REPOSITORY / "docs" / "receiving.md").read_text()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with a_station(tmp_path) as station:
        yield station


def typed(station: Station, words: str, **values: str) -> Any:
    """What the block with these words prints, as JSON."""
    command = block_with(RECEIVING, "sh", words)
    for shown, value in values.items():
        command = command.replace(f"{shown}_...", value)
    done = subprocess.run(
        ["sh", "-c", command],
        check=False,
        env={**os.environ, "RUNHOOK_URL": station.url, "RUNHOOK_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_event_is_fetched_and_acknowledged_with_curl(station: Station):
    typed(station, '"consume:mine"')
    run = station.ask("/api/v3/accounts/1/runs", {"job_name": "nightly"})
    station.ask(f"/api/v3/accounts/1/runs/{run['id']}/finish", {"status": "success"})

    (event,) = typed(station, "events?wait=20")["data"]
    acknowledged = typed(station, "consumers/mine/acknowledge", wev=event["id"])

    assert event["event_type"] == "job.run.completed"
    assert acknowledged["data"] == {"acknowledged": 1}
    assert station.ask("/api/v3/accounts/1/consumers/mine/events") == []


def test_what_is_triggered_is_passed_on_and_a_sample_is_printed(station: Station, tmp_path: Path):
    [port] = free_ports(1)
    own = {"3000": str(port), "whsec_...": Secret.from_bytes(bytes(range(32))).reveal()}
    terminal = a_terminal(tmp_path, own, programs=[SCRIPTS])
    terminal.environ |= {"RUNHOOK_URL": station.url, "RUNHOOK_TOKEN": TOKEN}
    forwarding = block_with(RECEIVING, "sh", "--forward")

    with terminal.running("runhook listen --port 3000") as receiver:
        wait_for_line(receiver, "listening on")
        with terminal.running(forwarding) as passing:
            look_until(lambda: station.ask("/api/v3/accounts/1/consumers/") != [])
            printed = terminal.output_of(block_with(RECEIVING, "sh", "runhook trigger"))
            passed = wait_for_line(passing, "job.run.errored")

    assert " 200 in " in passed
    assert passed.endswith(" test")
    assert "webhook-signature: v1," in printed
    assert '"eventType": "job.run.errored"' in printed.replace('":"', '": "')
