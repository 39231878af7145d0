"""The guide's assets, materialised by Dagster's own command."""

import signal

import pytest

from tests.docs.documents import REPOSITORY
from tests.integrations.project import a_small_project
from tests.support.station import LAST, LONG

QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes"}


@pytest.fixture
def place(place_with):
    return place_with("dagster").with_variables(**QUIET)


def test_an_asset_that_runs_dbt_is_told_of(place, station, install_snippet):
    file = install_snippet(place, "dagster", "subprocess")

    executed = place.run("dagster", "job", "execute", "--python-file", file, "--job", "nightly")

    assert executed.returncode == 0, executed.stderr
    started, completed = station.events_of(place.project)
    assert (started.type, completed.type) == ("job.run.started", "job.run.completed")
    assert (completed.job, completed.reason) == ("shop", "Triggered via Dagster")
    # Dagster names its run in each line that it logs.
    assert station.run(completed.run_id)["trigger"]["external_id"] in executed.stderr


def test_dbts_failure_is_the_assets(place, station, install_snippet):
    file = install_snippet(place, "dagster", "subprocess", **{'"build"': '"fail"'})

    executed = place.run("dagster", "job", "execute", "--python-file", file, "--job", "nightly")

    assert "dbt ended with 1" in executed.stderr
    assert station.events_of(place.project)[-1].status == "Errored"


def test_an_interrupt_cancels_dbt(place, station, install_snippet):
    file = install_snippet(place, "dagster", "subprocess", **{'"build"': '"wait"'})

    with place.started(
        "dagster", "job", "execute", "--python-file", file, "--job", "nightly"
    ) as executing:
        station.wait_for_start(place.project)
        executing.send_signal(signal.SIGINT)
        executing.wait(LONG)

    assert station.events_of(place.project)[-1].type == "job.run.canceled"


@pytest.fixture
def parsed(place, install_snippet):
    """A project of two models and a seed, parsed by the real dbt, which is before the stub."""
    found = place.with_variables(
        PATH=f"{REPOSITORY}/.venv-dagster/bin:{place.environ['PATH']}",
        DBT_SEND_ANONYMOUS_USAGE_STATS="0",
    )
    a_small_project(found.folder, found.project)
    parsed = found.run("dbt", "parse")
    assert parsed.returncode == 0, parsed.stdout
    return found


def test_the_script_in_dbts_place_tells_of_a_run_with_its_nodes(parsed, station, install_snippet):
    install_snippet(parsed, "dagster", "#!/bin/sh", language="sh").rename(
        parsed.folder / "reported-dbt"
    )
    file = install_snippet(parsed, "dagster", "shop_models")

    executed = parsed.run("dagster", "job", "execute", "--python-file", file, "--job", "nightly")

    assert executed.returncode == 0, executed.stderr
    started, completed = station.events_of(parsed.project)
    assert (started.run_id, started.job) == (completed.run_id, "shop")
    assert completed.reason == "Triggered via Dagster"
    assert station.run(completed.run_id)["results"]["counts"] == {"success": 3, "pass": 1}


def test_commands_of_dagster_dbt_are_steps_of_a_run(parsed, station, install_snippet):
    own = {'project="shop"': f'project="{parsed.project}"'}
    file = install_snippet(parsed, "dagster", "shop_in_steps", **own)

    executed = parsed.run("dagster", "job", "execute", "--python-file", file, "--job", "in_steps")

    assert executed.returncode == 0, executed.stderr
    completed = station.events_of(parsed.project)[-1]
    assert completed.type in LAST
    run = station.run(completed.run_id)
    assert [step["name"] for step in run["run_steps"]] == ["dbt seed", "dbt run", "dbt test"]
    assert run["results"]["counts"] == {"success": 3, "pass": 1}
