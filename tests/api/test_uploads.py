"""dbt Core's own upload of artifacts: three requests, and a run."""

import json
from datetime import timedelta

import httpx

from runhook.domain.people.permissions import PermissionSet
from runhook.operations.runs.ingest import LIFETIME
from runhook.storage.engine.tables import deliveries, runs
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_run, new_webhook, told
from tests.support.archives import an_upload, archive

INGESTS = "/api/private/accounts/1/environments/{}/ingests/"


async def place(client: httpx.AsyncClient, environment: object = "prod") -> dict[str, str]:
    """Ask for a place as dbt does."""
    answer = await client.post(f"http://runhook.test{INGESTS.format(environment)}")
    return data_of(answer)


async def upload(api: Api, client: httpx.AsyncClient, content: bytes) -> httpx.Response:
    """Upload as dbt does: the archive itself without a token."""
    given = await place(client)
    answer = await api.client().put(given["upload_url"], content=content)
    ended = await client.patch(
        f"http://runhook.test{INGESTS.format('prod')}{given['id']}/",
        json={"upload_status": "SUCCESS"},
    )
    assert (ended.status_code, ended.content) == (204, b"")
    return answer


async def test_an_upload_is_a_run_that_is_told_of_once_however_often_it_comes(
    api: Api, admin: httpx.AsyncClient
):
    await new_webhook(admin, event_types=["job.run.started", "job.run.completed"])
    machine = await api.client_with(PermissionSet.JOB_RUNNER)
    content = an_upload("success", "error", tags={"RUNHOOK_JOB": "nightly"})

    answers = [data_of(await upload(api, machine, content)) for _ in range(2)]

    [run] = await rows_of(api.store, runs)
    assert answers == [{"run_id": run.id}] * 2
    told_of = [json.loads(row.body) for row in await rows_of(api.store, deliveries)]
    completed = next(one for one in told_of if one["event_type"] == "job.run.completed")
    assert len(told_of) == 2
    assert (
        completed["data"]
        | {
            "job_name": "nightly",
            "environment_name": "prod",
            "project_name": "shop",
            "run_status": "failed",
            "run_started_at": "2026-03-01 04:06:31",
            "run_finished_at": "2026-03-01 04:07:31",
        }
        == completed["data"]
    )


async def test_the_same_invocation_with_other_facts_is_refused(api: Api, admin: httpx.AsyncClient):
    data_of(await upload(api, admin, an_upload("success")))

    message = told(await upload(api, admin, an_upload("error")), 409)

    assert "already ended" in message


async def test_an_invocation_that_dbt_has_uploaded_is_not_taken_under_other_names(
    api: Api, admin: httpx.AsyncClient
):
    data_of(await upload(api, admin, an_upload("success")))
    (known,) = data_of(await admin.get("/runs"))

    again = {"run_key": known["run_key"], "job_name": "weekly", "project_name": "shop"}
    message = told(await admin.post("/runs", json=again), 409)

    assert message == (
        f"run_key: `{known['run_key']}` is already run {known['id']} of the job "
        f"`{known['job_name']}` (project `{known['project_name']}`, environment `prod`), "
        "which was reported with other facts."
    )
    assert [run["job_name"] for run in data_of(await admin.get("/runs"))] == [known["job_name"]]


async def test_an_archive_that_is_refused_leaves_nothing(api: Api, admin: httpx.AsyncClient):
    for content, code in (
        (b"no archive", 400),
        (archive({"../run_results.json": b"{}"}), 400),
        (archive({"run_results.json": b"{"}), 400),
        (bytes(api.largest_artifact + 1), 413),
    ):
        told(await upload(api, admin, content), code)

    assert await rows_of(api.store, runs) == []


async def test_a_place_is_good_for_some_minutes_and_cannot_be_made_up(
    api: Api, admin: httpx.AsyncClient
):
    given = await place(admin)
    url = given["upload_url"]
    nobody = api.client()
    for wrong in (url[:-3], url.replace(given["id"], "x"), url.replace(given["id"], "x" * 5_000)):
        told(await nobody.put(wrong, content=an_upload()), 404)

    api.clock.advance(LIFETIME + timedelta(seconds=1))

    assert "is not valid" in told(await nobody.put(url, content=an_upload()), 404)
    assert await rows_of(api.store, runs) == []


async def test_an_environment_is_one_of_the_accounts_or_a_name(api: Api, admin: httpx.AsyncClient):
    run = await new_run(admin, environment_name="stage")
    url = (await place(admin, run["environment_id"]))["upload_url"]

    run_id = data_of(await api.client().put(url, content=an_upload()))["run_id"]

    assert data_of(await admin.get(f"/runs/{run_id}"))["environment_id"] == run["environment_id"]
    for unknown in (run["environment_id"] + 1, 0, 10**30):
        told(await admin.post(f"http://runhook.test{INGESTS.format(unknown)}"), 404)
    assert "255" in told(await admin.post(f"http://runhook.test{INGESTS.format('x' * 256)}"), 400)


async def test_the_place_is_where_people_reach_the_service_or_else_where_dbt_asked_by_https(
    api: Api, admin: httpx.AsyncClient
):
    public = Api(store=api.store, clock=api.clock, public_url="https://runhook.example.com")
    elsewhere = public.client(admin.headers["Authorization"])

    urls = [(await place(client))["upload_url"] for client in (admin, elsewhere)]

    odd = await admin.post(
        f"http://runhook.test{INGESTS.format('stage')}", headers={"Host": "[::1"}
    )
    assert odd.status_code == 200
    assert urls[0].startswith("https://runhook.test/api/private/uploads/")
    assert urls[1].startswith("https://runhook.example.com/api/private/uploads/")
