"""What a user of dbtc does: look, make a webhook and take it away, and try to start a run."""

import json
import os

from dbtc import dbtCloudClient

account, run, job = 1, int(os.environ["RUN_ID"]), int(os.environ["JOB_ID"])
cloud = dbtCloudClient(service_token=os.environ["TOKEN"], host=os.environ["PLACE"]).cloud

webhook = cloud.create_webhook(
    account,
    {
        "name": "of dbtc",
        "client_url": os.environ["ENDPOINT"],
        "event_types": ["job.run.completed"],
        "active": True,
    },
)["data"]
changed = {**webhook, "name": "renamed", "job_ids": [job]}
seen = {
    "accounts": [one["id"] for one in cloud.list_accounts()["data"]],
    "projects": [one["name"] for one in cloud.list_projects(account)["data"]],
    "environments": [one["name"] for one in cloud.list_environments_by_account(account)["data"]],
    "jobs": [one["name"] for one in cloud.list_jobs(account, order_by="-id")["data"]],
    "runs": [one["id"] for one in cloud.list_runs(account, status=["error"], limit=5)["data"]],
    "steps": cloud.get_run(account, run, include_related=["run_steps"])["data"]["run_steps"],
    "artifacts": cloud.list_run_artifacts(account, run)["data"],
    "results": cloud.get_run_artifact(account, run, "run_results.json"),
    "secret": webhook["hmac_secret"][:6],
    "renamed": cloud.update_webhook(account, webhook["id"], changed)["data"]["name"],
    "tested": cloud.test_webhook(account, webhook["id"])["data"]["verification_status_code"],
    "deleted": cloud.delete_webhook(account, webhook["id"])["status"]["is_success"],
    "webhook": cloud.get_webhook(account, webhook["id"])["status"]["code"],
    "users": cloud.list_users(account)["status"]["code"],
    "audit_log": cloud.list_audit_logs(account)["data"][0]["event_type"],
    "triggered": cloud.trigger_job(account, job, {"cause": "by hand"})["status"],
}
try:
    cloud.trigger_job_from_failure(account, job)
except TypeError as error:
    seen["rerun"] = str(error)
print(json.dumps(seen))
