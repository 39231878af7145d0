"""The guide's DAG of Cosmos' tasks, run by Airflow's own command, with the dbt of `.venv-dbt`."""

import pytest

from tests.docs.documents import REPOSITORY
from tests.integrations.project import a_small_project
from tests.integrations.test_airflow import SETTINGS


@pytest.fixture
def place(place_with, install_snippet):
    """A project that dbt has parsed, with the guide's script in the place of dbt."""
    found = place_with("airflow")
    a_small_project(found.folder, found.project)
    airflow = found.with_variables(
        PATH=f"{REPOSITORY}/.venv-airflow/bin:{REPOSITORY}/.venv-dbt/bin:/usr/bin:/bin",
        AIRFLOW_HOME=str(found.folder),
        AIRFLOW__COSMOS__ENABLE_TELEMETRY="False",
        DBT_SEND_ANONYMOUS_USAGE_STATS="0",
        **SETTINGS,
    )
    for command in (["dbt", "parse"], ["airflow", "db", "migrate"]):
        done = airflow.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    found.folder.joinpath("dags").mkdir()
    install_snippet(airflow, "cosmos", "DbtTaskGroup").rename(found.folder / "dags" / "shop.py")
    install_snippet(airflow, "cosmos", "#!/bin/sh", language="sh").rename(
        found.folder / "reported-dbt"
    )
    return airflow


def test_a_dag_of_models_is_one_run(place, station):
    tested = place.run("airflow", "dags", "test", "shop")

    assert tested.returncode == 0, tested.stdout
    started, *_, ended = station.events_of(place.project)
    reason = "Triggered via Apache Airflow by task 'start' in the shop DAG."
    assert (started.job, started.reason, ended.status) == ("shop", reason, "Success")
    run = station.run(ended.run_id)
    assert len(run["run_steps"]) == len(["raw_orders", "orders", "revenue"])
    assert run["results"]["counts"] == {"success": 3, "pass": 1}


def test_a_models_failure_is_the_runs_and_the_dags(place, station):
    """Though the task after it, which ends the run, succeeds."""
    (place.folder / "models" / "revenue.sql").write_text("select nothing from {{ ref('orders') }}")

    tested = place.run("airflow", "dags", "test", "shop")

    assert tested.returncode != 0
    ended = station.events_of(place.project)[-1]
    assert ended.status == "Errored"
    [failed] = station.run(ended.run_id)["results"]["failed"]
    assert failed["unique_id"].endswith(".revenue")
