"""The guide's assets, materialised by Dagster's own command."""

import signal

import pytest

from tests.support.station import LAST, LONG

QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes"}


@pytest.fixture
def place(place_with):
    return place_with("dagster").with_variables(**QUIET)


def test_an_asset_that_runs_dbt_is_told_of(place, station, install_snippet):
    file = install_snippet(place, "dagster", "define_asset_job")

    executed = place.run("dagster", "job", "execute", "--python-file", file, "--job", "nightly")

    assert executed.returncode == 0, executed.stderr
    started, completed = station.events_of(place.project)
    assert (started.type, completed.type) == ("job.run.started", "job.run.completed")
    assert (completed.job, completed.reason) == ("shop", "Triggered via Dagster")
    # Dagster names its run in each line that it logs.
    assert station.run(completed.run_id)["trigger"]["external_id"] in executed.stderr


def test_dbts_failure_is_the_assets(place, station, install_snippet):
    file = install_snippet(place, "dagster", "define_asset_job", **{'"build"': '"fail"'})

    executed = place.run("dagster", "job", "execute", "--python-file", file, "--job", "nightly")

    assert "dbt ended with 1" in executed.stderr
    assert station.events_of(place.project)[-1].status == "Errored"


def test_an_interrupt_cancels_dbt(place, station, install_snippet):
    file = install_snippet(place, "dagster", "define_asset_job", **{'"build"': '"wait"'})

    with place.started(
        "dagster", "job", "execute", "--python-file", file, "--job", "nightly"
    ) as executing:
        station.wait_for_start(place.project)
        executing.send_signal(signal.SIGINT)
        executing.wait(LONG)

    assert station.events_of(place.project)[-1].type == "job.run.canceled"


def test_a_run_can_be_told_of_around_dagster_dbt(place, station, install_snippet):
    file = install_snippet(place, "dagster", "runhook.run")

    executed = place.run(
        "dagster", "asset", "materialize", "--python-file", file, "--select", "shop_in_steps"
    )

    assert executed.returncode == 0, executed.stderr
    completed = station.events_of(place.project)[-1]
    assert completed.type in LAST
    assert [step["name"] for step in station.run(completed.run_id)["run_steps"]] == ["dbt build"]
