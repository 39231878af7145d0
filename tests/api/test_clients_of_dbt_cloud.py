"""The requests that clients of dbt Cloud make, in the very words of their source.

Of the PyPI package `dbtc`, of dbt Labs' `dbt-mcp` and Terraform provider, and of the receivers in
dbt's guides. Their own pins, of pandas and others, keep them out of this environment.
"""

from typing import Any

import httpx
import pytest

from tests.support.api import ORIGIN, data_of, new_run

QUOTED = "['most_recent_run','most_recent_completed_run']"
LISTS = [
    # dbtc
    "v2/accounts/1/runs?include_related=run_steps%2Ctrigger&order_by=-id&limit=5",
    "v2/accounts/1/runs?include_related=&status__in=%5B20%2C+10%5D&project_id__in=%5B{project_id}%5D",
    "v2/accounts/1/jobs/?project_id__in=%5B{project_id}%5D&order_by=-id",
    "v3/accounts/1/projects?pk__in=%5B{project_id}%5D&state=1",
    "v3/accounts/1/projects/{project_id}/environments/?type=deployment&state=1",
    "v3/accounts/1/environments/",
    # dbt-mcp
    f"v2/accounts/1/jobs/?include_related={QUOTED}&limit=50",
    "v2/accounts/1/runs/?include_related=['job']&job_definition_id={job_id}&status=20",
    # the Terraform provider
    'v3/accounts/1/projects/?limit=100&order_by=name&include_related=["repository","connection"]',
    "v3/accounts/1/environments/?project_id={project_id}",
    "v2/accounts/1/runs/?status_in=20&trigger_id=5&pull_request_id=7",
]
SINGLE = [
    # dbtc
    "v2/accounts/1/runs/{id}?include_related=run_steps",
    "v2/accounts/1/jobs/{job_id}/?include_related=account%2Cproject%2Cenvironment",
    "v3/accounts/1/projects/{project_id}",
    "v3/accounts/1/projects/{project_id}/environments/{environment_id}",
    # dbt-mcp
    "v2/accounts/1/runs/{id}/?include_related=['run_steps','debug_logs']",
    f"v2/accounts/1/jobs/{{job_id}}/?include_related={QUOTED}",
    # the Terraform provider
    "v3/accounts/1/projects/{project_id}/environments/{environment_id}/",
    # the receivers in dbt's guides
    'v2/accounts/1/runs/{id}/?include_related=["run_steps"]',
    "v2/accounts/1/runs/{id}/?include_related=%5B'run_steps'%5D",
]


@pytest.fixture
async def run(admin: httpx.AsyncClient) -> Any:
    """A failed run with its results."""
    started = await new_run(admin)
    await admin.post(f"/runs/{started['id']}/finish", json={"status": "error"})
    path = f"/runs/{started['id']}/artifacts/run_results.json"
    await admin.put(path, content=b'{"results": []}')
    return started


@pytest.mark.parametrize("request_line", LISTS)
async def test_a_list_that_a_client_asks_for_has_one_row(
    admin: httpx.AsyncClient, run: dict[str, Any], request_line: str
):
    answer = await admin.get(f"{ORIGIN}/api/{request_line.format(**run)}")

    assert len(data_of(answer)) == 1
    assert answer.json()["extra"]["pagination"] == {"count": 1, "total_count": 1}


@pytest.mark.parametrize("request_line", SINGLE)
async def test_what_a_client_asks_for_is_there(
    admin: httpx.AsyncClient, run: dict[str, Any], request_line: str
):
    answer = await admin.get(f"{ORIGIN}/api/{request_line.format(**run)}")

    assert data_of(answer)["account_id"] == 1


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
async def test_the_results_of_a_run_can_be_read(
    admin: httpx.AsyncClient, run: dict[str, Any], accept: str
):
    path = f"{ORIGIN}/api/v2/accounts/1/runs/{run['id']}/artifacts"

    results = await admin.get(f"{path}/run_results.json?step=1", headers={"Accept": accept})

    assert results.json() == {"results": []}
    assert data_of(await admin.get(f"{path}/")) == ["run_results.json"]
