"""Published clients of dbt Cloud, unmodified, do with this service what their users do."""

import json

from tests.clients.conftest import MANIFEST, RESULTS, Cloud
from tests.support.running import TOKEN

FILES = ["manifest.json", "run_results.json"]
REFUSED = "Runhook does not start runs."


def test_dbtc(cloud: Cloud):
    seen = cloud.seen_by("clients", "with_dbtc.py")

    assert (seen["accounts"], seen["projects"], seen["environments"]) == ([1], ["shop"], ["prod"])
    assert (seen["jobs"], seen["runs"]) == (["nightly"], [cloud.run["id"]])
    assert [step["logs"] for step in seen["steps"]] == ["Installed", "Database Error"]
    assert (sorted(seen["artifacts"]), seen["results"]) == (FILES, RESULTS)
    assert (seen["secret"], seen["renamed"], seen["tested"]) == ("whsec_", "renamed", "201")
    assert (seen["deleted"], seen["webhook"]) == (True, 404)
    assert (seen["users"], seen["audit_log"]) == (200, "webhook.deleted")
    assert seen["triggered"]["code"] == 501
    assert seen["triggered"]["user_message"].startswith(REFUSED)
    # `trigger_job_from_failure` reads a run out of any answer, and fails on one without.
    assert "NoneType" in seen["rerun"]


def test_dbt_cloud_cli(cloud: Cloud):
    told = {
        "DBT_CLOUD_HOST": cloud.place,
        "DBT_CLOUD_API_TOKEN": TOKEN,
        "DBT_CLOUD_ACCOUNT_ID": "1",
        "DBT_CLOUD_PROJECT_ID": str(cloud.run["project_id"]),
    }
    run, job = ["--run-id", str(cloud.run["id"])], ["--job-id", str(cloud.run["job_id"])]

    def dbt_cloud(*words: str, code: int = 0) -> str:
        command = ["dbt-cloud", *words]
        done = cloud.run_client("clients", command, **told)
        assert done.returncode == code, done.stderr
        return done.stdout

    def listed(what: str) -> list[str]:
        return [one["name"] for one in json.loads(dbt_cloud(what, "list"))["data"]]

    assert (listed("job"), listed("project"), listed("environment")) == (
        ["nightly"],
        ["shop"],
        ["prod"],
    )
    assert json.loads(dbt_cloud("run", "get", *run))["data"]["status"] == 20
    artifact = ["--path", "run_results.json", "--file", "results.json"]
    dbt_cloud("run", "get-artifact", *run, *artifact)
    assert json.loads((cloud.folder / "results.json").read_text()) == RESULTS
    assert json.loads(dbt_cloud("audit-log", "get"))["data"]
    assert REFUSED in dbt_cloud("job", "run", *job, code=1)


JOBS = """
account_id: 1
jobs:
  weekly:
    account_id: 1
    project_id: {project_id}
    environment_id: {environment_id}
    name: weekly
    execute_steps: [dbt build]
    run_generate_sources: false
    generate_docs: false
    settings: {{threads: 4, target_name: default}}
    schedule: {{cron: "0 6 * * *"}}
    triggers: {{github_webhook: false, git_provider_webhook: false, schedule: false}}
"""


def test_dbt_jobs_as_code(cloud: Cloud):
    told = {"DBT_BASE_URL": f"https://{cloud.place}", "DBT_API_KEY": TOKEN}
    (cloud.folder / "jobs.yml").write_text(JOBS.format(**cloud.run))

    imported = cloud.run_client(
        "clients", ["dbt-jobs-as-code", "import-jobs", "--account-id", "1"], **told
    )
    synced = cloud.run_client("clients", ["dbt-jobs-as-code", "sync", "jobs.yml"], **told)

    assert "name: nightly" in imported.stdout
    assert imported.returncode == 0
    assert "Runhook does not schedule jobs" in synced.stderr
    assert synced.returncode == 1


def test_tap_dbt(cloud: Cloud):
    config = {"api_key": TOKEN, "account_ids": ["1"], "base_url": f"https://{cloud.place}/api/v2"}
    (cloud.folder / "tap.json").write_text(json.dumps(config))

    # It sends by a way on which requests looks at no variable, and trusts what certifi has.
    (cloud.folder / "certifi.py").write_text(f"def where(): return {cloud.bundle!r}\n")

    copied = cloud.run_client(
        "clients", ["tap-dbt", "--config", "tap.json"], PYTHONPATH=str(cloud.folder)
    )

    assert copied.returncode == 0, copied.stderr
    lines = [json.loads(line) for line in copied.stdout.splitlines()]
    records = [(one["stream"], one["record"]) for one in lines if one["type"] == "RECORD"]
    assert {"accounts", "jobs", "projects", "runs", "audit_logs"} <= {name for name, _ in records}
    assert [one["path"] for name, one in records if name == "run_artifacts"] == FILES


def test_airflow(cloud: Cloud):
    connection = {"conn_type": "dbt_cloud", "host": cloud.place, "login": "1", "password": TOKEN}
    seen = cloud.seen_by(
        "airflow",
        "with_airflow.py",
        AIRFLOW_HOME=str(cloud.folder),
        AIRFLOW_CONN_DBT_CLOUD_DEFAULT=json.dumps(connection),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
    )

    assert seen["connected"] == [True, "Successfully connected to dbt Cloud."]
    assert (seen["account"], seen["by_name"]) == (1, cloud.run["job_id"])
    assert (seen["runs"], seen["status"]) == ([cloud.run["id"]], 20)
    assert (seen["artifacts"], seen["jobs"]) == (FILES, [cloud.run["job_id"]])
    assert json.loads((cloud.folder / "results.json").read_text()) == RESULTS
    assert seen["sensed"] == f"Job run {cloud.run['id']} has failed."
    assert seen["triggered"].startswith("501:")
    assert REFUSED in seen["log"]


def test_dagster(cloud: Cloud):
    seen = cloud.seen_by("dagster", "with_dagster.py", DAGSTER_DISABLE_TELEMETRY="yes")

    assert (seen["jobs"], seen["commands"]) == (["nightly"], ["dbt deps", "dbt build"])
    assert (seen["runs"], seen["total"], seen["active"]) == ([cloud.run["id"]], 1, [])
    assert seen["polled"] == "Error"
    assert "Database Error" in seen["logs"]
    assert (sorted(seen["artifacts"]), seen["results"]) == (FILES, RESULTS)
    assert (seen["manifest"], seen["project"], seen["environment"]) == (MANIFEST, "shop", "prod")
    assert "exceeded with url" in seen["triggered"]
    assert REFUSED in seen["log"]


def test_prefect(cloud: Cloud):
    home = {"PREFECT_HOME": str(cloud.folder / "prefect"), "DO_NOT_TRACK": "1"}
    seen = cloud.seen_by("prefect", "with_prefect.py", **home)

    assert (seen["job"], seen["jobs"]) == ("nightly", ["nightly"])
    assert [step["status_humanized"] for step in seen["steps"]] == ["Success", "Error"]
    assert (sorted(seen["artifacts"]), seen["results"]) == (FILES, RESULTS)
    assert seen["manifest"] == MANIFEST
    assert seen["triggered"].startswith(REFUSED)


def test_dbt_mcp(cloud: Cloud):
    seen = cloud.seen_by("mcp", "with_mcp.py")

    assert "trigger_job_run" in seen["tools"]
    assert '"shop"' in seen["projects"]
    assert all('"nightly"' in seen[name] for name in ("jobs", "job"))
    assert all(f'"id": {cloud.run["id"]}' in seen[name] for name in ("runs", "run"))
    assert seen["artifacts"].split() == FILES
    assert "failed_steps" in seen["error"]
    # It shows the status of an answer, and not what the answer says.
    assert "API request failed (501)" in seen["triggered"]
