"""How often a job is expected to run, said and shown by the API."""

from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.permissions import PermissionSet
from tests.support.api import Api, data_of, new_run, told

NOTHING = {"every": None, "grace": None, "overdue_at": None, "missed_runs": 0}


async def test_a_job_is_expected_as_it_was_said_until_it_is_not(api: Api, admin: httpx.AsyncClient):
    job_id = (await new_run(admin))["job_id"]
    path = f"/jobs/{job_id}/expectation"

    before = data_of(await admin.get(path))
    said = data_of(await admin.put(path, json={"every": "24 hours", "grace": "90 minutes"}))
    shown = data_of(await admin.get(path))
    ended = data_of(await admin.put(path, json={"every": None}))

    overdue_at = api.clock.now() + timedelta(hours=25, minutes=30)
    assert before == ended == {"job_id": job_id, **NOTHING}
    assert (
        said
        == shown
        == {
            "job_id": job_id,
            "every": "1 day",
            "grace": "90 minutes",
            "overdue_at": overdue_at.isoformat().replace("+00:00", "Z"),
            "missed_runs": 0,
        }
    )
    entries = data_of(await admin.get("/audit-log", params={"action": "job.expectation_changed"}))
    changes = [(one["before"], one["after"]) for one in entries]
    set_up, none = {"every": "1 day", "grace": "90 minutes"}, {"every": None, "grace": None}
    assert changes == [(set_up, none), (none, set_up)]


async def test_a_job_can_be_named_and_expected_before_it_runs(api: Api, admin: httpx.AsyncClient):
    names = {"job_name": "weekly", "project_name": "shop", "environment_name": "prod"}

    named = data_of(await admin.post("/jobs", json=names), 201)
    again = data_of(await admin.post("/jobs", json=names))
    data_of(await admin.put(f"/jobs/{named['id']}/expectation", json={"every": "1 week"}))
    other = await new_run(admin, job_name="weekly")
    run = await new_run(admin, **names)

    assert named == again == data_of(await admin.get(f"/jobs/{named['id']}"))
    assert (named["name"], named["id"]) == ("weekly", run["job_id"])
    assert other["job_id"] != run["job_id"]
    (entry,) = data_of(await admin.get("/audit-log", params={"action": "job.named"}))
    assert (entry["subject_id"], entry["after"]) == (str(named["id"]), names)


async def test_a_job_is_named_as_a_report_could_and_by_who_may_change_jobs(
    api: Api, admin: httpx.AsyncClient
):
    machine = await api.client_with(PermissionSet.JOB_RUNNER)

    assert "job_name" in told(await admin.post("/jobs", json={}), 400)
    assert "job_name" in told(await admin.post("/jobs", json={"job_name": "x" * 256}), 400)
    told(await machine.post("/jobs", json={"job_name": "weekly"}), 403)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "every"),
        ({"every": "daily"}, "every: `daily` is not a span of time such as `1 day`"),
        ({"every": "1 day", "grace": "1 year"}, "grace: `1 year` is not a span"),
        ({"every": "1 minute"}, "every: `1 minute` is not from 5 minutes to 366 days"),
        ({"every": "1 day", "graze": "1 hour"}, "unknown key `graze`; did you mean `grace`?"),
    ],
)
async def test_what_cannot_be_expected_is_refused_by_its_key(
    admin: httpx.AsyncClient, body: dict[str, object], message: str
):
    job_id = (await new_run(admin))["job_id"]

    assert message in told(await admin.put(f"/jobs/{job_id}/expectation", json=body), 400)


async def test_a_job_that_is_not_there_cannot_be_expected_nor_one_by_a_machine(
    api: Api, admin: httpx.AsyncClient
):
    job_id = (await new_run(admin))["job_id"]
    machine = await api.client_with(PermissionSet.JOB_RUNNER)
    body = {"every": "1 day"}

    told(await admin.put(f"/jobs/{job_id + 1}/expectation", json=body), 404)
    told(await admin.get(f"/jobs/{job_id + 1}/expectation"), 404)
    told(await machine.put(f"/jobs/{job_id}/expectation", json=body), 403)
