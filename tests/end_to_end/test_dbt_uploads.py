"""The real dbt uploads its artifacts to the real service, with nothing of ours beside it."""

import asyncio
import os
from pathlib import Path

import httpx

from tests.support.certificates import Authority
from tests.support.patience import PATIENCE
from tests.support.program import Finished, Service
from tests.support.running import TOKEN

DBT = Path(__file__).resolve().parents[2] / ".venv-dbt" / "bin" / "dbt"
PROJECT = """\
name: shop
profile: shop
config-version: 2
flags: {{send_anonymous_usage_stats: false}}
dbt-cloud: {{tenant_hostname: "{place}"}}
"""
PROFILE = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n"
GROUPS = "groups: [{name: sales, owner: {name: Sales team}}]"
MODELS = {
    "good.sql": "select 1 as id",
    "bad.sql": "{{ config(group='sales', tags=['core']) }} select 1 from nowhere",
    "behind.sql": "select * from {{ ref('bad') }}",
}


def write_project(folder: Path, place: str) -> None:
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT.format(place=place))
    (folder / "profiles.yml").write_text(PROFILE)
    for name, query in MODELS.items():
        (folder / "models" / name).write_text(query)
    (folder / "models" / "groups.yml").write_text(GROUPS)


async def run_dbt(folder: Path, bundle: Path) -> Finished:
    process = await asyncio.create_subprocess_exec(
        DBT,
        "run",
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DBT_UPLOAD_TO_ARTIFACTS_INGEST_API": "1",
            "DBT_CLOUD_TOKEN": TOKEN,
            "DBT_CLOUD_ACCOUNT_ID": "1",
            "DBT_CLOUD_ENVIRONMENT_ID": "prod",
            "DBT_ENV_CUSTOM_ENV_RUNHOOK_JOB": "nightly",
            "REQUESTS_CA_BUNDLE": str(bundle),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(4 * PATIENCE):
        out, err = await process.communicate()
    return Finished(process.returncode or 0, out.decode(), err.decode())


async def test_a_failed_command_is_a_run_with_the_nodes_that_failed(tmp_path: Path):
    """To a service that speaks TLS itself, as dbt uploads by nothing else."""
    authority = Authority(tmp_path)
    environment = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_TLS_CERT": str(authority.pem_of_server()),
    }
    async with Service(folder=tmp_path, environment=environment) as service:
        place = f"localhost:{httpx.URL(service.url).port}"
        write_project(tmp_path / "shop", place)

        finished = await run_dbt(tmp_path / "shop", authority.bundle())

        async with httpx.AsyncClient(
            base_url=f"https://{place}/api/v3/accounts/1/",
            verify=authority.trusted(),
            timeout=PATIENCE,
            headers={"Authorization": f"Token {TOKEN}"},
        ) as client:
            [run] = (await client.get("runs")).json()["data"]
            [job] = (await client.get("jobs")).json()["data"]

    assert finished.code == 1, finished.out
    assert (run["status_message"], run["is_error"]) == ("1 of 3 nodes failed: bad", True)
    [bad] = run["results"]["failed"]
    assert bad["owners"] == [{"name": "Sales team", "group": "sales"}]
    assert (bad["tags"], bad["path"], bad["package"]) == (["core"], "models/bad.sql", "shop")
    assert (job["name"], job["project_name"], job["environment_name"]) == (
        "nightly",
        "shop",
        "prod",
    )
