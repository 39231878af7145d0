"""The walk through consumers is typed as it stands, with curl and nothing of ours."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import REPOSITORY, block_with
from tests.support.running import TOKEN
from tests.support.station import LONG, Station, a_station

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
