"""What dagster-dbt's workspace and its sensor ask for, and the run that it tries to start."""

import json
import os
from datetime import UTC, datetime, timedelta

from dagster import Failure
from dagster_dbt.cloud_v2.resources import DbtCloudCredentials, DbtCloudWorkspace

run, job = int(os.environ["RUN_ID"]), int(os.environ["JOB_ID"])
project, environment = int(os.environ["PROJECT_ID"]), int(os.environ["ENVIRONMENT_ID"])
workspace = DbtCloudWorkspace(
    credentials=DbtCloudCredentials(
        account_id=1, token=os.environ["TOKEN"], access_url=f"https://{os.environ['PLACE']}"
    ),
    project_id=project,
    environment_id=environment,
    request_max_retries=0,
)
client = workspace.get_client()
now = datetime.now(UTC)
day = timedelta(days=1)
runs, total = client.get_runs_batch(project, environment, now - day, now + day)
seen = {
    "jobs": [one["name"] for one in client.list_jobs(project, environment)],
    "commands": client.get_job_details(job)["execute_steps"],
    "runs": [one["id"] for one in runs],
    "total": total,
    "active": [*client.get_active_job_ids(project, environment, [job])],
    "polled": client.poll_run(run)["status_humanized"],
    "logs": client.get_run_logs(run, max_retries=1),
    "artifacts": client.list_run_artifacts(run),
    "results": client.get_run_results_json(run),
    "manifest": client.get_run_manifest_json(run),
    "project": client.get_project_details(project)["name"],
    "environment": client.get_environment_details(environment)["name"],
}
try:
    client.trigger_job_run(job, steps_override=["dbt build"])
except Failure as failure:
    seen["triggered"] = str(failure)
print(json.dumps(seen))
