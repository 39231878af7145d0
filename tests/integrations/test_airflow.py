"""The guide's DAGs, run by Airflow's own command, with its database in a folder of the test's."""

import pytest

from tests.support.running import TOKEN
from tests.support.station import LONG

SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW_CONN_RUNHOOK": f'{{"conn_type": "generic", "password": "{TOKEN}"}}',
}
STOPPED_AS_AIRFLOW_DOES = """
import signal, sys
from airflow.dag_processing.dagbag import DagBag

[dag] = DagBag(sys.argv[1]).dags.values()
[task] = dag.tasks
signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
shell = ["bash", "-c", task.bash_command]
print("ended with", task.subprocess_hook.run_command(shell, cwd=task.cwd).exit_code)
"""
"""Airflow runs a task, and heeds SIGTERM meanwhile, in just this way."""


@pytest.fixture
def place(place_with):
    found = place_with("airflow")
    found.folder.joinpath("dags").mkdir()
    airflow = found.with_variables(AIRFLOW_HOME=str(found.folder), **SETTINGS)
    migrated = airflow.run("airflow", "db", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    return airflow


def test_a_task_that_runs_dbt_is_told_of(place, station, install_snippet):
    """The token is in the connection only, and neither in the log nor in the rendered fields."""
    install_snippet(place, "airflow", "append_env", **{"dbt deps": "dbt warn"}).rename(
        place.folder / "dags" / "shop.py"
    )
    without_token = place.without("RUNHOOK_TOKEN")

    tested = without_token.run("airflow", "dags", "test", "shop")

    assert tested.returncode == 0, tested.stderr
    started, completed = station.events_of(place.project)
    assert (started.type, completed.type) == ("job.run.started", "job.run.completed")
    reason = "Triggered via Apache Airflow by task 'build' in the shop DAG."
    assert (completed.job, completed.reason) == ("shop.build", reason)
    trigger = station.run(completed.run_id)["trigger"]
    assert (trigger["system"], trigger["attempt"]) == ("airflow", 1)
    assert trigger["external_id"].startswith("manual__")
    assert TOKEN.encode() not in (place.folder / "airflow.db").read_bytes()


@pytest.mark.parametrize("how", ["build", "fail"])
def test_a_dag_tells_of_its_end(place, station, install_snippet, how):
    own = {"dbt build --select revenue": f"cd {place.folder} && dbt {how}"}
    install_snippet(place, "airflow", "on_success_callback", **own).rename(
        place.folder / "dags" / "shop_models.py"
    )

    place.run("airflow", "dags", "test", "shop_models")

    started, *_, ended = station.events_of(place.project)
    assert (started.type, started.job) == ("job.run.started", "shop_models")
    assert started.reason.startswith("Airflow's manual__")
    assert ended.status == ("Success" if how == "build" else "Errored")


def test_dbt_cancels_its_queries_when_airflow_stops_the_task(place, station, install_snippet):
    steps = {"--step 'dbt deps' --step 'dbt build'": "--job shop.build -- dbt wait"}
    file = install_snippet(place, "airflow", "append_env", **steps)

    with place.started("python", "-c", STOPPED_AS_AIRFLOW_DOES, file) as running:
        station.wait_for_start(place.project)
        running.terminate()
        said, _ = running.communicate(timeout=LONG)

    assert "ended with 2" in said
    assert station.events_of(place.project)[-1].type == "job.run.canceled"
