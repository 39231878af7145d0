"""The requests that clients of dbt Cloud make, in the very words of their source.

Of the PyPI package `dbtc`, of dbt Labs' `dbt-mcp` and Terraform provider, and of the receivers in
dbt's guides. Their own pins, of pandas and others, keep them out of this environment.
"""

from typing import Any

import httpx
import pytest

from runhook.domain.people.permissions import Role
from tests.support.api import ORIGIN, Api, data_of, new_run, new_webhook, told

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


async def test_a_list_that_a_client_asks_for_has_one_row(
    admin: httpx.AsyncClient, run: dict[str, Any], subtests: pytest.Subtests
):
    for request_line in LISTS:
        with subtests.test(request_line=request_line):
            answer = await admin.get(f"{ORIGIN}/api/{request_line.format(**run)}")

            assert len(data_of(answer)) == 1
            assert answer.json()["extra"]["pagination"] == {"count": 1, "total_count": 1}


async def test_what_a_client_asks_for_is_there(
    admin: httpx.AsyncClient, run: dict[str, Any], subtests: pytest.Subtests
):
    for request_line in SINGLE:
        with subtests.test(request_line=request_line):
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


async def test_a_client_that_tries_its_connection_at_the_root_gets_what_its_token_may_see(
    api: Api, admin: httpx.AsyncClient
):
    (account,) = data_of(await admin.get(f"{ORIGIN}/"))
    refused = await api.client("Token wrong").get(f"{ORIGIN}/", headers={"Accept": "text/html"})

    assert account["id"] == 1
    assert "Send a valid token" in told(refused, 401)


async def test_whoami_names_the_token_and_its_account(admin: httpx.AsyncClient):
    for version in ("v2", "v3"):
        who = data_of(await admin.get(f"{ORIGIN}/api/{version}/whoami/"))
        assert who["token"]["name"] == "a test's"
        assert [account["id"] for account in who["accounts"]] == [1]


async def test_users_are_shown_in_dbt_clouds_shape(api: Api, admin: httpx.AsyncClient):
    await api.client_of(Role.OWNER, email="ada@example.com")
    viewer = await api.client_of(Role.VIEWER, email="grace@example.com")

    for version in ("v2", "v3"):
        ada, grace = data_of(await admin.get(f"{ORIGIN}/api/{version}/accounts/1/users/"))
        one = data_of(await viewer.get(f"{ORIGIN}/api/{version}/accounts/1/users/{grace['id']}/"))
        assert (ada["email"], ada["permissions"][0]["license_type"]) == (
            "ada@example.com",
            "developer",
        )
        assert one == grace
        assert one["licenses"]["1"]["license_type"] == "read_only"
        assert f"{one['first_name']} {one['last_name']}".strip() == one["fullname"]
    told(await admin.get("users/404"), 404)


async def test_the_audit_log_is_shown_in_dbt_clouds_shape(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)

    newest, *_ = data_of(await admin.get("audit-logs/"))
    day = newest["created_at"][:10]
    of_day = {"logged_at_start": day, "logged_at_end": day}
    found = data_of(await admin.get("audit-logs", params=of_day))
    none = data_of(await admin.get("audit-logs", params={"logged_at_end": "2020-01-01"}))
    wrong = await admin.get("audit-logs", params={"logged_at_start": "yesterday"})

    assert (newest["event_type"], newest["event_label"]) == ("webhook.created", "Webhook created")
    assert newest["actor"]["actor_name"] == "a test's"
    assert newest["event_context"]["subject_id"] == webhook["id"]
    assert newest in found
    assert none == []
    assert told(wrong, 400).startswith("logged_at_start: give a date or a time")


NOT_DONE = [
    ("v2/accounts/1/jobs/{job_id}/run/", "Runhook does not start runs"),
    ("v3/accounts/1/jobs/{job_id}/run", "Runhook does not start runs"),
    ("v2/accounts/1/jobs/{job_id}/rerun/", "Runhook does not start runs"),
    ("v2/accounts/1/runs/{id}/retry/", "Runhook does not start runs"),
    ("v2/accounts/1/jobs/", "Runhook does not schedule jobs"),
    ("v2/accounts/1/jobs/{job_id}/", "Runhook does not schedule jobs"),
]


async def test_calls_that_start_runs_are_told_what_to_do_instead(
    admin: httpx.AsyncClient, run: dict[str, Any], subtests: pytest.Subtests
):
    for path, said in NOT_DONE:
        with subtests.test(path=path):
            answer = await admin.post(f"{ORIGIN}/api/{path.format(**run)}", json={"cause": "x"})

            assert told(answer, 501).startswith(said)


@pytest.mark.parametrize("path", ["/graphql", "/beta/graphql", "/api/graphql", "/graphql/"])
async def test_the_discovery_api_is_told_what_to_do_instead(api: Api, path: str):
    answer = await api.client().post(f"{ORIGIN}{path}", json={"query": "{ metrics { name } }"})

    assert told(answer, 501).startswith("Runhook has no Discovery API")


async def test_a_job_has_the_commands_of_its_last_run_and_a_valid_schedule(
    admin: httpx.AsyncClient,
):
    run = await new_run(admin)
    steps = [
        {"name": "dbt deps && true", "status": "success"},
        {"name": "Invoke dbt with `dbt build --select a`", "status": "success"},
    ]
    await admin.post(f"runs/{run['id']}/finish", json={"status": "success", "steps": steps})

    (listed,) = data_of(await admin.get("jobs"))
    job = data_of(await admin.get(f"jobs/{run['job_id']}"))
    ended = data_of(await admin.get(f"runs/{run['id']}?include_related=job,run_steps"))
    step = data_of(await admin.get(f"steps/{ended['run_steps'][1]['id']}"))

    for one in (listed, job, ended["job"]):
        assert one["execute_steps"] == ["dbt build --select a"]
        assert one["schedule"]["cron"] == "0 * * * *"
    assert step == ended["run_steps"][1]
    told(await admin.get(f"steps/{step['id'] + 1}"), 404)


@pytest.mark.parametrize(
    "path",
    ["groups", "connections", "projects/1/connections", "projects/1/repositories"],
)
async def test_clients_that_copy_a_whole_account_find_empty_lists(
    admin: httpx.AsyncClient, run: dict[str, Any], path: str
):
    path = path.replace("1", str(run["project_id"]))
    assert data_of(await admin.get(f"{path}/")) == []


async def test_clients_that_ask_what_a_job_overrides_find_an_empty_object(
    admin: httpx.AsyncClient, run: dict[str, Any]
):
    path = f"projects/{run['project_id']}/environment-variables/job/"
    answer = await admin.get(path, params={"job_definition_id": run["job_id"]})

    assert data_of(answer) == {}
    told(await admin.get("projects/404/environment-variables/job/"), 404)


@pytest.mark.parametrize("path", ["runs", "jobs", "users", "webhooks/subscriptions", "audit-logs"])
async def test_a_limit_above_a_hundred_is_taken_as_a_hundred(admin: httpx.AsyncClient, path: str):
    answer = await admin.get(path, params={"limit": 5_000})

    data_of(answer)
    assert answer.json()["extra"]["filters"]["limit"] == 100
