"""Jobs, environments and projects are deleted as long as nothing refers to them."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.permissions import PermissionSet
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import environments, jobs, projects, runs
from tests.support.accounts import rows_of
from tests.support.api import ORIGIN, Api, data_of, new_run, new_webhook, told

NAMES = {"job_name": "weekly", "project_name": "shop", "environment_name": "prod"}


async def new_job(client: httpx.AsyncClient, **names: str) -> dict[str, int]:
    """Name a job, and return its id and those of what it is in, by the names of paths."""
    job = data_of(await client.post("/jobs", json={**NAMES, **names}), 201)
    return {
        "jobs": job["id"],
        "environments": job["environment_id"],
        "projects": job["project_id"],
    }


async def test_a_job_goes_and_then_what_it_was_in(store: Store, admin: httpx.AsyncClient):
    ids = await new_job(admin)

    for place in ("jobs", "environments", "projects"):
        path = f"/{place}/{ids[place]}"
        assert data_of(await admin.delete(path)) == {"id": ids[place]}
        told(await admin.get(path), 404)
        told(await admin.delete(path), 404)

    for table in (jobs, environments, projects):
        assert await rows_of(store, table) == []
    entries = data_of(await admin.get("/audit-log", params={"limit": 3}))
    assert [(one["action"], one["before"], one["after"]) for one in entries] == [
        ("project.deleted", {"name": "shop"}, None),
        ("environment.deleted", {"name": "prod"}, None),
        ("job.deleted", {"name": "weekly"}, None),
    ]


async def test_what_is_in_a_scope_keeps_it(admin: httpx.AsyncClient):
    ids = await new_job(admin)
    await new_job(admin, job_name="hourly")
    await new_job(admin, job_name="hourly", environment_name="staging")

    in_environment = told(await admin.delete(f"/environments/{ids['environments']}"), 409)
    in_project = told(await admin.delete(f"/projects/{ids['projects']}"), 409)

    assert "The environment `prod` is still referred to by 2 jobs." in in_environment
    assert "The project `shop` is still referred to by 2 environments." in in_project


async def test_a_jobs_runs_webhooks_and_expectation_keep_it(admin: httpx.AsyncClient):
    ids = await new_job(admin)
    path = f"/jobs/{ids['jobs']}"
    for key in ("first", "second"):
        await new_run(admin, run_key=key, **NAMES)
    webhook = await new_webhook(admin, job_ids=[ids["jobs"]])
    data_of(await admin.put(f"{path}/expectation", json={"every": "1 day"}))

    message = told(await admin.delete(path), 409)
    data_of(await admin.put(f"{path}/expectation", json={"every": None}))
    data_of(await admin.delete(f"/webhooks/subscription/{webhook['id']}"))
    later = told(await admin.delete(path), 409)

    assert "by 2 runs, 1 webhook narrowed to it and 1 expectation." in message
    assert "by 2 runs." in later


@pytest.mark.parametrize("place", ["jobs", "environments", "projects"])
async def test_a_webhook_keeps_whatever_it_is_narrowed_to_until_it_no_longer_is(
    admin: httpx.AsyncClient, place: str
):
    ids = await new_job(admin)
    other = await new_job(admin, job_name="other", project_name="another")
    key = f"{place.removesuffix('s')}_ids"
    # Narrowed to a job, too, by which alone events find it.
    narrowed = {"job_ids": [other["jobs"]], key: [ids[place]]}
    webhook = await new_webhook(admin, **narrowed)
    for inner in ("jobs", "environments"):
        if place not in ("jobs", inner):
            data_of(await admin.delete(f"/{inner}/{ids[inner]}"))

    message = told(await admin.delete(f"/{place}/{ids[place]}"), 409)
    path = f"/webhooks/subscription/{webhook['id']}"
    data_of(await admin.put(path, json={key: [other[place]]}))
    freed = await admin.delete(f"/{place}/{ids[place]}")

    assert "1 webhook narrowed to it" in message
    assert freed.status_code == 200
    told(await admin.put(path, json={key: [ids[place]]}), 400)


async def test_a_deleted_jobs_id_never_means_another_job(admin: httpx.AsyncClient):
    first = await new_job(admin)
    for place in ("jobs", "environments", "projects"):
        data_of(await admin.delete(f"/{place}/{first[place]}"))

    again = await new_job(admin)

    assert all(again[place] > first[place] for place in first)


async def test_dbt_clouds_clients_delete_at_the_paths_of_v2_too(admin: httpx.AsyncClient):
    ids = await new_job(admin)

    for place in ("jobs", "environments", "projects"):
        path = f"{ORIGIN}/api/v2/accounts/1/{place}/{ids[place]}/"
        assert data_of(await admin.delete(path)) == {"id": ids[place]}


async def test_reports_that_come_while_a_job_is_deleted_are_taken(
    api: Api, admin: httpx.AsyncClient
):
    """A job that goes in that moment is made anew, with what it is in."""
    for attempt in range(5):
        ids = await new_job(admin, project_name=f"shop {attempt}")
        names = {**NAMES, "project_name": f"shop {attempt}"}
        answers = await asyncio.gather(
            *(admin.delete(f"/{place}/{ids[place]}") for place in ids),
            *(admin.post("/runs", json={**names, "run_key": f"{attempt}/{one}"}) for one in "ab"),
            *(admin.delete(f"/{place}/{ids[place]}") for place in ids),
            admin.post("/runs", json={**names, "run_key": f"{attempt}/c"}),
        )

        assert [one.status_code for one in answers if one.request.method == "POST"] == [201] * 3
        assert {one.status_code for one in answers} <= {200, 201, 404, 409}
    known = {row.id for row in await rows_of(api.store, jobs)}
    assert {row.job_id for row in await rows_of(api.store, runs)} <= known


async def test_who_may_not_change_jobs_deletes_none(api: Api, admin: httpx.AsyncClient):
    ids = await new_job(admin)
    machine = await api.client_with(PermissionSet.JOB_RUNNER)

    told(await machine.delete(f"/jobs/{ids['jobs']}"), 403)


async def test_a_run_within_the_retention_keeps_its_job_after_its_end(
    api: Api, admin: httpx.AsyncClient
):
    run = await new_run(admin)
    data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": "success"}))
    api.clock.advance(timedelta(days=1))

    assert "by 1 run." in told(await admin.delete(f"/jobs/{run['job_id']}"), 409)
