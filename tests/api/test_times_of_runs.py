"""When runs began and ended, as reporters tell it and as it is kept."""

import httpx
import pytest

from tests.support.api import data_of, new_run, told

SENSELESS = [
    "2026-03-01T11:00:00",
    "2026-03-01",
    "2026-02-30T11:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1999-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "10000-01-01T00:00:00Z",
    1e300,
    -1e300,
    True,
    "",
    "now",
]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-03-01T11:00:00Z", "2026-03-01T11:00:00Z"),
        ("2026-03-01T11:00:00z", "2026-03-01T11:00:00Z"),
        ("2026-03-01T13:00:00+02:00", "2026-03-01T11:00:00Z"),
        ("2026-03-01T00:30:00-10:30", "2026-03-01T11:00:00Z"),
        ("2026-03-01T11:00:00.123456Z", "2026-03-01T11:00:00.123456Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
    ],
)
async def test_times_are_kept_and_shown_in_utc(admin: httpx.AsyncClient, given: str, shown: str):
    run = await new_run(admin, started_at=given, run_key="k")
    again = await admin.post(
        "/runs", json={"job_name": "nightly", "started_at": shown, "run_key": "k"}
    )

    assert run["started_at"] == shown
    assert data_of(again) == run


async def test_a_time_without_a_zone_or_sense_is_refused(admin: httpx.AsyncClient):
    run = await new_run(admin)

    for given in SENSELESS:
        start = await admin.post("/runs", json={"job_name": "nightly", "started_at": given})
        ending = await admin.post(
            f"/runs/{run['id']}/finish", json={"status": "success", "finished_at": given}
        )
        assert told(start, 400).startswith("started_at: ")
        assert told(ending, 400).startswith("finished_at: ")


async def test_a_run_does_not_end_before_it_began(admin: httpx.AsyncClient):
    run = await new_run(admin, started_at="2026-03-01T11:00:00Z")
    report = {"status": "success", "finished_at": "2026-03-01T10:00:00Z"}

    finished = data_of(await admin.post(f"/runs/{run['id']}/finish", json=report))
    again = data_of(await admin.post(f"/runs/{run['id']}/finish", json=report))

    assert finished["finished_at"] == "2026-03-01T11:00:00Z"
    assert again == finished
