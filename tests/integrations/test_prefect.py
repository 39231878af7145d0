"""The guide's flow, run by Prefect with a server of its own, which it starts on loopback."""

import signal

import pytest

from tests.docs.documents import REPOSITORY
from tests.integrations.project import a_small_project
from tests.support.station import LONG

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(LONG),
}


@pytest.fixture
def place(place_with):
    found = place_with("prefect")
    return found.with_variables(PREFECT_HOME=str(found.folder / "prefect"), **SETTINGS)


def test_a_flow_that_runs_dbt_is_told_of(place, station, install_snippet):
    file = install_snippet(place, "prefect", "subprocess")

    run = place.run("python", file)

    assert run.returncode == 0, run.stderr
    started, completed = station.events_of(place.project)
    assert (started.type, completed.type) == ("job.run.started", "job.run.completed")
    assert (completed.job, completed.reason) == ("shop", "Triggered via Prefect")
    assert len(station.run(completed.run_id)["trigger"]["external_id"]) == len("a UUID") * 6


def test_an_interrupt_cancels_dbt(place, station, install_snippet):
    file = install_snippet(place, "prefect", "subprocess", **{'"build"': '"wait"'})

    with place.started("python", file) as running:
        station.wait_for_start(place.project)
        running.send_signal(signal.SIGINT)
        running.wait(LONG)

    assert station.events_of(place.project)[-1].type == "job.run.canceled"


@pytest.mark.parametrize("words", ["PrefectDbtRunner", "DbtCoreOperation"])
def test_what_prefect_dbt_runs_is_told_with_its_nodes(place, station, install_snippet, words):
    path = f"{REPOSITORY}/.venv-prefect/bin:{place.environ['PATH']}"
    place = place.with_variables(PATH=path, DBT_SEND_ANONYMOUS_USAGE_STATS="0")
    a_small_project(place.folder, place.project)
    parsed = place.run("dbt", "parse")
    assert parsed.returncode == 0, parsed.stdout

    run = place.run("python", install_snippet(place, "prefect", words))

    assert run.returncode == 0, run.stderr
    completed = station.events_of(place.project)[-1]
    assert (completed.job, completed.reason) == ("shop", "Triggered via Prefect")
    assert station.run(completed.run_id)["results"]["counts"] == {"success": 3, "pass": 1}
