"""The guide's flow, run by Prefect with a server of its own, which it starts on loopback."""

import signal

import pytest

from tests.support.station import LONG

QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


@pytest.fixture
def place(place_with):
    found = place_with("prefect")
    return found.with_variables(PREFECT_HOME=str(found.folder / "prefect"), **QUIET)


def test_a_flow_that_runs_dbt_is_told_of(place, station, install_snippet):
    file = install_snippet(place, "prefect", "@flow")

    run = place.run("python", file)

    assert run.returncode == 0, run.stderr
    started, completed = station.events_of(place.project)
    assert (started.type, completed.type) == ("job.run.started", "job.run.completed")
    assert (completed.job, completed.reason) == ("shop", "Triggered via Prefect")
    assert len(station.run(completed.run_id)["trigger"]["external_id"]) == len("a UUID") * 6


def test_an_interrupt_cancels_dbt(place, station, install_snippet):
    file = install_snippet(place, "prefect", "@flow", **{'"build"': '"wait"'})

    with place.started("python", file) as running:
        station.wait_for_start(place.project)
        running.send_signal(signal.SIGINT)
        running.wait(LONG)

    assert station.events_of(place.project)[-1].type == "job.run.canceled"
