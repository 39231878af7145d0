"""What prefect-dbt's client and its tasks ask for, and the run that one tries to start."""

import asyncio
import json
import os

from prefect.logging import disable_run_logger
from prefect_dbt.cloud import DbtCloudCredentials
from prefect_dbt.cloud.exceptions import DbtCloudJobRunTriggerFailed
from prefect_dbt.cloud.jobs import get_dbt_cloud_job_info, trigger_dbt_cloud_job_run
from prefect_dbt.cloud.runs import (
    get_dbt_cloud_run_artifact,
    get_dbt_cloud_run_info,
    list_dbt_cloud_run_artifacts,
)

run, job = int(os.environ["RUN_ID"]), int(os.environ["JOB_ID"])
credentials = DbtCloudCredentials(
    api_key=os.environ["TOKEN"], account_id=1, domain=os.environ["PLACE"]
)


async def look() -> dict[str, object]:
    info = await get_dbt_cloud_run_info.fn(credentials, run, include_related=["run_steps"])
    async with credentials.get_administrative_client() as client:
        of_job = await client.get_job_artifact(job, "manifest.json")
        listed = await client.call_endpoint("GET", "/jobs/")
    seen = {
        "job": (await get_dbt_cloud_job_info.fn(credentials, job))["name"],
        "jobs": [one["name"] for one in listed.json()["data"]],
        "steps": info["run_steps"],
        "artifacts": await list_dbt_cloud_run_artifacts.fn(credentials, run),
        "results": await get_dbt_cloud_run_artifact.fn(credentials, run, "run_results.json"),
        "manifest": of_job.json(),
    }
    try:
        await trigger_dbt_cloud_job_run.fn(credentials, job)
    except DbtCloudJobRunTriggerFailed as failed:
        seen["triggered"] = str(failed)
    return seen


with disable_run_logger():
    found = asyncio.run(look())
print(json.dumps(found))
