"""What Airflow's provider asks for: hook, sensor and operators, without a scheduler."""

import json
import os
from types import SimpleNamespace

from airflow.exceptions import AirflowException
from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook, DbtCloudJobRunException
from airflow.providers.dbt.cloud.operators.dbt import (
    DbtCloudGetJobRunArtifactOperator,
    DbtCloudListJobsOperator,
    DbtCloudRunJobOperator,
)
from airflow.providers.dbt.cloud.sensors.dbt import DbtCloudJobRunSensor

run, job = int(os.environ["RUN_ID"]), int(os.environ["JOB_ID"])
hook = DbtCloudHook()
names = {"project_name": "shop", "environment_name": "prod", "job_name": "nightly"}
task = SimpleNamespace(try_number=1, xcom_push=lambda **_: None)
seen = {
    "connected": hook.test_connection(),
    "account": hook.get_account().json()["data"]["id"],
    "by_name": hook.get_job_by_name(**names)["id"],
    "runs": [one["id"] for page in hook.list_job_runs() for one in page.json()["data"]],
    "status": hook.get_job_run_status(run),
    "artifacts": hook.list_job_run_artifacts(run).json()["data"],
    "jobs": DbtCloudListJobsOperator(task_id="list").execute({"ti": task}),
    "downloaded": DbtCloudGetJobRunArtifactOperator(
        task_id="get", run_id=run, path="run_results.json", output_file_name="results.json"
    ).execute({"ti": task}),
}
try:
    DbtCloudJobRunSensor(task_id="wait", run_id=run).poke({"ti": task})
except DbtCloudJobRunException as failed:
    seen["sensed"] = str(failed)
try:
    DbtCloudRunJobOperator(task_id="run", job_id=job, trigger_reason="by hand").execute(
        {"ti": task}
    )
except AirflowException as refused:
    seen["triggered"] = str(refused)
print(json.dumps(seen))
