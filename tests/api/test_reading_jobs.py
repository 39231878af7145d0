"""Jobs, projects and environments as dbt Cloud's Admin API lists and shows them."""

from typing import Any

import httpx
import pytest

from tests.support.api import ORIGIN, Api, data_of, new_run, told

BOTH = ["v2", "v3"]
MADE = "created_at"


def at(path: str, *, version: str = "v3", account_id: int = 1) -> str:
    return f"{ORIGIN}/api/{version}/accounts/{account_id}{path}"


async def names_at(client: httpx.AsyncClient, path: str, **query: object) -> list[str]:
    """The names that a list shows."""
    answer = await client.get(at(path), params={key: str(one) for key, one in query.items()})
    return [one["name"] for one in data_of(answer)]


@pytest.fixture
async def run(admin: httpx.AsyncClient) -> Any:
    """The only run of the nightly job, beside other jobs, environments and projects."""
    await new_run(admin, job_name="hourly", project_name="shop", environment_name="production")
    nightly = await new_run(admin, project_name="shop", environment_name="production")
    await new_run(admin, project_name="shop", environment_name="staging")
    await new_run(admin, job_name="monthly", project_name="bank", environment_name="production")
    return nightly


@pytest.mark.parametrize("version", BOTH)
async def test_a_job_has_every_key_in_its_type(
    admin: httpx.AsyncClient, run: dict[str, Any], version: str
):
    shown = data_of(await admin.get(at(f"/jobs/{run['job_id']}/", version=version)))

    made = shown.pop(MADE)
    assert shown.pop("updated_at") == made
    assert made.startswith("20")
    assert made.endswith("+00:00")
    assert shown == {
        "execution": {"timeout_seconds": 0},
        "generate_docs": False,
        "run_generate_sources": False,
        "run_compare_changes": False,
        "id": run["job_id"],
        "account_id": 1,
        "project_id": run["project_id"],
        "environment_id": run["environment_id"],
        "name": "nightly",
        "description": "",
        "dbt_version": None,
        "raw_dbt_version": None,
        "execute_steps": [],
        "state": 1,
        "deactivated": False,
        "run_failure_count": 0,
        "deferring_job_definition_id": None,
        "deferring_environment_id": None,
        "lifecycle_webhooks": False,
        "lifecycle_webhooks_url": None,
        "triggers": {
            "github_webhook": False,
            "git_provider_webhook": False,
            "custom_branch_only": False,
            "schedule": False,
            "on_merge": False,
        },
        "settings": {"threads": 0, "target_name": ""},
        "schedule": {
            "cron": "0 * * * *",
            "date": {"type": "every_day"},
            "time": {"type": "every_hour", "interval": 1},
        },
        "is_deferrable": False,
        "job_type": "other",
        "triggers_on_draft_pr": False,
        "job_completion_trigger_condition": None,
        "generate_sources": False,
        "cron_humanized": "",
        "next_run": None,
        "next_run_humanized": None,
        "most_recent_run": None,
        "most_recent_completed_run": None,
        "project_name": "shop",
        "environment_name": "production",
    }


@pytest.mark.parametrize("version", BOTH)
async def test_a_project_has_every_key_in_its_type(
    admin: httpx.AsyncClient, run: dict[str, Any], version: str
):
    shown = data_of(await admin.get(at(f"/projects/{run['project_id']}/", version=version)))

    assert shown.pop(MADE) == shown.pop("updated_at")
    assert shown == {
        "id": run["project_id"],
        "account_id": 1,
        "name": "shop",
        "description": "",
        "connection_id": None,
        "repository_id": None,
        "semantic_layer_config_id": None,
        "skipped_setup": False,
        "state": 1,
        "dbt_project_subdirectory": None,
        "docs_job_id": None,
        "freshness_job_id": None,
        "type": 0,
        "connection": None,
        "environments": None,
        "repository": None,
        "group_permissions": [],
        "docs_job": None,
        "freshness_job": None,
    }


@pytest.mark.parametrize("version", BOTH)
async def test_an_environment_has_every_key_in_its_type_and_its_project(
    admin: httpx.AsyncClient, run: dict[str, Any], version: str
):
    path = f"/environments/{run['environment_id']}/"

    shown = data_of(await admin.get(at(path, version=version)))

    below = f"/projects/{run['project_id']}{path}"
    assert data_of(await admin.get(at(below, version=version))) == shown
    assert shown.pop(MADE) == shown.pop("updated_at")
    project = shown.pop("project")
    assert (project["id"], project["name"]) == (run["project_id"], "shop")
    assert shown == {
        "id": run["environment_id"],
        "account_id": 1,
        "project_id": run["project_id"],
        "connection_id": None,
        "credentials_id": None,
        "repository_id": None,
        "extended_attributes_id": None,
        "name": "production",
        "dbt_version": "",
        "type": "deployment",
        "deployment_type": None,
        "use_custom_branch": False,
        "custom_branch": None,
        "supports_docs": False,
        "state": 1,
        "repository": None,
        "connection": None,
        "credentials": None,
        "jobs": None,
        "custom_environment_variables": None,
    }


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("path", "total"), [("/jobs", 4), ("/projects", 2), ("/environments", 3)])
@pytest.mark.usefixtures("run")
async def test_lists_have_dbt_clouds_envelope(
    admin: httpx.AsyncClient, version: str, path: str, total: int
):
    count = min(2, total - 1)
    for end in ("", "/"):
        query = f"{path}{end}?limit=2&offset=1&order_by=-name"
        answer = await admin.get(at(query, version=version))

        assert len(data_of(answer)) == count
        assert answer.json()["extra"] == {
            "filters": {"limit": 2, "offset": 1, "account_id": 1},
            "order_by": "-name",
            "pagination": {"count": count, "total_count": total},
        }


async def test_jobs_are_chosen_and_sorted(admin: httpx.AsyncClient, run: dict[str, Any]):
    assert await names_at(admin, "/jobs") == ["hourly", "nightly", "nightly", "monthly"]
    assert await names_at(admin, "/jobs", order_by="name") == [
        *("hourly", "monthly", "nightly", "nightly")
    ]
    assert await names_at(admin, "/jobs", project_id=run["project_id"], order_by="-id") == [
        *("nightly", "nightly", "hourly")
    ]
    in_project = [run["project_id"]]
    assert await names_at(admin, "/jobs", project_id__in=in_project, limit=1) == ["hourly"]
    assert await names_at(admin, "/jobs", environment_id=run["environment_id"]) == [
        *("hourly", "nightly")
    ]
    assert await names_at(admin, "/jobs", name="nightly", limit=1) == ["nightly"]
    assert await names_at(admin, "/jobs", name__icontains="TH") == ["monthly"]
    assert await names_at(admin, "/jobs", name__icontains="%") == []


async def test_projects_are_chosen_and_sorted(admin: httpx.AsyncClient, run: dict[str, Any]):
    assert await names_at(admin, "/projects") == ["shop", "bank"]
    assert await names_at(admin, "/projects", order_by="name") == ["bank", "shop"]
    assert await names_at(admin, "/projects", name__icontains="SHO", include_related="x") == [
        "shop"
    ]
    assert await names_at(admin, "/projects", pk__in=[run["project_id"]]) == ["shop"]
    assert await names_at(admin, "/projects", id__in=f"{run['project_id']},0") == ["shop"]


async def test_environments_are_chosen_and_sorted(admin: httpx.AsyncClient, run: dict[str, Any]):
    in_shop = f"/projects/{run['project_id']}/environments"
    assert await names_at(admin, "/environments") == ["production", "staging", "production"]
    assert await names_at(admin, "/environments", project_id=run["project_id"]) == [
        *("production", "staging")
    ]
    assert await names_at(admin, in_shop, order_by="-name", type="deployment") == [
        *("staging", "production")
    ]
    assert await names_at(admin, "/environments", name="staging") == ["staging"]


@pytest.mark.parametrize("path", ["/jobs", "/projects", "/environments"])
async def test_nothing_is_deleted_so_the_deleted_are_none(
    admin: httpx.AsyncClient, run: dict[str, Any], path: str
):
    everything = await names_at(admin, path)

    for state in ("1", "active", "all", ""):
        assert await names_at(admin, path, state=state) == everything
    for state in ("2", "deleted"):
        assert await names_at(admin, path, state=state) == []


async def test_jobs_show_their_newest_runs_when_asked(
    admin: httpx.AsyncClient, run: dict[str, Any]
):
    await admin.post(f"/runs/{run['id']}/finish", json={"status": "error"})
    newer = await new_run(admin, project_name="shop", environment_name="production")
    query = {"include_related": "['most_recent_run','most_recent_completed_run']"}

    job = data_of(await admin.get(at(f"/jobs/{run['job_id']}/", version="v2"), params=query))
    jobs = data_of(await admin.get(at("/jobs/", version="v2"), params=query))

    assert job["most_recent_run"]["id"] == newer["id"]
    assert job["most_recent_completed_run"]["id"] == run["id"]
    assert job["most_recent_completed_run"]["status_humanized"] == "Error"
    assert job in jobs
    assert [one["most_recent_completed_run"] for one in jobs].count(None) == 3


@pytest.mark.parametrize(
    "path",
    ["/jobs/{job_id}", "/projects/{project_id}", "/environments/{environment_id}"],
)
async def test_another_account_sees_none_of_it(
    api: Api, admin: httpx.AsyncClient, run: dict[str, Any], path: str
):
    theirs = await api.add_other_account()
    one = path.format(**run)
    listed = path.rpartition("/")[0]

    for version in BOTH:
        data_of(await admin.get(at(one, version=version)))
        told(await theirs.get(at(one, version=version)), 404)
        told(await theirs.get(at(one, version=version, account_id=2)), 404)
        told(await theirs.get(at(listed, version=version)), 404)
        assert data_of(await theirs.get(at(listed, version=version, account_id=2))) == []


@pytest.mark.parametrize("path", ["/jobs", "/projects", "/environments"])
async def test_an_id_that_nothing_has_is_404(admin: httpx.AsyncClient, path: str):
    for number in (0, 404, 2**63, "9" * 40):
        told(await admin.get(at(f"{path}/{number}")), 404)


async def test_an_environment_is_in_no_other_project(admin: httpx.AsyncClient, run: dict[str, Any]):
    other = (await new_run(admin, project_name="bank"))["project_id"]

    told(await admin.get(at(f"/projects/{other}/environments/{run['environment_id']}")), 404)
