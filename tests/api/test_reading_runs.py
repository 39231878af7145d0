"""What consumers read back of a run, as dbt Cloud's Admin API answers."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.api import ORIGIN, Api, data_of, new_run, told

BOTH = ["v2", "v3"]
RESULTS = {
    "counts": {"success": 3, "error": 1},
    "failed_total": 1,
    "failed": [
        {
            "unique_id": "model.shop.orders",
            "resource_type": "model",
            "status": "error",
            "message": "Database Error in model orders (models/orders.sql)\n  no such column",
        }
    ],
}


def runs(version: str = "v2", rest: str = "", *, account_id: int = 1) -> str:
    return f"{ORIGIN}/api/{version}/accounts/{account_id}/runs{rest}"


async def listed(client: httpx.AsyncClient, query: str = "") -> list[int]:
    """The ids of the runs that a query lists."""
    return [run["id"] for run in data_of(await client.get(runs(rest=f"/?{query}")))]


async def ended_run(api: Api, client: httpx.AsyncClient, **finish: object) -> dict[str, Any]:
    """Report a run that took 83 seconds, and return what its finish was answered with."""
    run = await new_run(client, run_reason="scheduled", dbt_version="1.10.2")
    api.clock.advance(timedelta(seconds=83))
    answer = await client.post(f"/runs/{run['id']}/finish", json={"status": "error", **finish})
    return data_of(answer)


@pytest.mark.parametrize("version", BOTH)
async def test_a_run_has_every_key_of_dbt_clouds_in_its_type_and_ours_behind(
    api: Api, admin: httpx.AsyncClient, version: str
):
    run = await ended_run(api, admin, status_message="1 of 4 failed", results=RESULTS)
    api.clock.advance(timedelta(hours=2))

    shown = data_of(await admin.get(runs(version, f"/{run['id']}/")))

    assert shown == {
        "id": run["id"],
        "trigger_id": run["id"],
        "account_id": 1,
        "environment_id": run["environment_id"],
        "project_id": run["project_id"],
        "job_definition_id": run["job_id"],
        "status": 20,
        "dbt_version": "1.10.2",
        "git_branch": None,
        "git_sha": None,
        "status_message": "1 of 4 failed",
        "owner_thread_id": None,
        "executed_by_thread_id": None,
        "deferring_run_id": None,
        "artifacts_saved": False,
        "artifact_s3_path": None,
        "has_docs_generated": False,
        "has_sources_generated": False,
        "notifications_sent": False,
        "blocked_by": [],
        "scribe_enabled": False,
        "created_at": "2026-03-01 12:00:00.000000+00:00",
        "updated_at": "2026-03-01 12:01:23.000000+00:00",
        "dequeued_at": "2026-03-01 12:00:00.000000+00:00",
        "started_at": "2026-03-01 12:00:00.000000+00:00",
        "finished_at": "2026-03-01 12:01:23.000000+00:00",
        "last_checked_at": None,
        "last_heartbeat_at": "2026-03-01 12:00:00.000000+00:00",
        "should_start_at": None,
        "trigger": None,
        "job": None,
        "environment": None,
        "repository": None,
        "run_steps": [],
        "status_humanized": "Error",
        "in_progress": False,
        "is_complete": True,
        "is_success": False,
        "is_error": True,
        "is_cancelled": False,
        "is_running": False,
        "duration": "00:01:23",
        "queued_duration": "00:00:00",
        "run_duration": "00:01:23",
        "duration_humanized": "1 minute, 23 seconds",
        "queued_duration_humanized": "0 minutes",
        "run_duration_humanized": "1 minute, 23 seconds",
        "created_at_humanized": "2 hours, 1 minute ago",
        "finished_at_humanized": "2 hours ago",
        "retrying_run_id": None,
        "can_retry": False,
        "retry_not_supported_reason": None,
        "job_id": run["job_id"],
        "href": f"{ORIGIN}/deploy/1/projects/{run['project_id']}/runs/{run['id']}/",
        "used_repo_cache": None,
        "run_key": run["run_key"],
        "job_name": "nightly",
        "environment_name": "default",
        "project_name": "default",
        "run_reason": "scheduled",
        "outcome": "errored",
        "results": RESULTS,
        "cancelable": False,
        "cancel_requested": False,
        "late": False,
    }


async def test_a_run_that_goes_on_takes_as_long_as_it_has_so_far(
    api: Api, admin: httpx.AsyncClient
):
    run = await new_run(admin)
    api.clock.advance(timedelta(days=1, seconds=36))

    shown = data_of(await admin.get(runs(rest=f"/{run['id']}/")))

    assert (shown["duration"], shown["duration_humanized"]) == ("24:00:36", "1 day")
    assert (shown["finished_at"], shown["finished_at_humanized"]) == (None, "0 minutes from now")
    states = ("in_progress", "is_running", "is_complete", "is_success", "is_error", "is_cancelled")
    assert [shown[one] for one in states] == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("status", "word", "flag"),
    [
        ("success", "Success", "is_success"),
        ("error", "Error", "is_error"),
        ("canceled", "Cancelled", "is_cancelled"),
    ],
)
async def test_a_runs_end_is_told_in_dbt_clouds_words(
    api: Api, admin: httpx.AsyncClient, status: str, word: str, flag: str
):
    run = await ended_run(api, admin, status=status)

    shown = data_of(await admin.get(runs(rest=f"/{run['id']}/")))

    assert shown["status_humanized"] == word
    flags = ("is_success", "is_error", "is_cancelled")
    assert [one for one in flags if shown[one]] == [flag]


@pytest.mark.parametrize(
    "related",
    [
        '["run_steps"]',
        "['run_steps']",
        "['run_steps', 'debug_logs']",
        "run_steps",
        "trigger,run_steps,nonsense,repository",
    ],
)
async def test_steps_are_shown_when_asked_for_in_whatever_spelling(
    api: Api, admin: httpx.AsyncClient, related: str
):
    run = await ended_run(
        api,
        admin,
        steps=[
            {
                "name": "dbt deps",
                "status": "success",
                "started_at": "2026-03-01T12:00:00Z",
                "finished_at": "2026-03-01T12:00:05Z",
            },
            {"name": "dbt build", "status": "error", "logs": "1 of 4 ERROR"},
        ],
    )

    answer = await admin.get(runs(rest=f"/{run['id']}/"), params={"include_related": related})

    first, second = data_of(answer)["run_steps"]
    assert first == {
        "id": run["id"] * 100 + 1,
        "run_id": run["id"],
        "account_id": 1,
        "index": 1,
        "status": 10,
        "name": "dbt deps",
        "logs": "",
        "debug_logs": None,
        "truncated_debug_logs": None,
        "log_location": "db",
        "log_path": None,
        "debug_log_path": None,
        "log_archive_type": "db",
        "created_at": "2026-03-01 12:00:00.000000+00:00",
        "updated_at": "2026-03-01 12:00:05.000000+00:00",
        "started_at": "2026-03-01 12:00:00.000000+00:00",
        "finished_at": "2026-03-01 12:00:05.000000+00:00",
        "status_color": "green",
        "status_humanized": "Success",
        "duration": "00:00:05",
        "duration_humanized": "5 seconds",
        "run_step_command": None,
    }
    assert (second["index"], second["name"], second["logs"]) == (2, "dbt build", "1 of 4 ERROR")
    assert (second["status_humanized"], second["started_at"]) == ("Error", None)
    assert (second["duration"], second["duration_humanized"]) == ("00:00:00", "0 minutes")


async def test_a_run_whose_reporter_told_of_no_steps_is_one_step_with_its_failed_nodes(
    api: Api, admin: httpx.AsyncClient
):
    run = await ended_run(api, admin, results=RESULTS)

    query = {"include_related": '["run_steps"]'}
    (step,) = data_of(await admin.get(runs(rest=f"/{run['id']}/"), params=query))["run_steps"]

    assert (step["name"], step["status_humanized"]) == ("Invoke dbt", "Error")
    assert (step["duration"], step["duration_humanized"]) == ("00:01:23", "1 minute, 23 seconds")
    assert "Database Error in model orders (models/orders.sql)" in step["logs"]


async def test_what_is_related_to_a_run_is_shown_when_asked_for(api: Api, admin: httpx.AsyncClient):
    run = await ended_run(api, admin)

    query = {"include_related": "trigger,job,environment"}
    shown = data_of(await admin.get(runs(rest=f"/{run['id']}/"), params=query))

    assert (shown["trigger"]["id"], shown["trigger"]["cause"]) == (run["id"], "scheduled")
    assert (shown["job"]["id"], shown["job"]["name"]) == (run["job_id"], "nightly")
    assert shown["environment"]["id"] == run["environment_id"]
    assert shown["environment"]["name"] == "default"
    assert shown["run_steps"] == []


async def test_a_trigger_shows_what_the_reporter_knew(admin: httpx.AsyncClient):
    trigger = {
        "system": "github_actions",
        "external_id": "812",
        "attempt": 2,
        "category": "github_pull_request",
        "pull_request": 7,
        "link": "https://github.example/shop/actions/runs/812",
        "commit": "0a1b2c",
    }
    run = data_of(await admin.post("/runs", json={"job_name": "ci", "trigger": trigger}), 201)

    query = {"include_related": "trigger"}
    shown = data_of(await admin.get(runs(rest=f"/{run['id']}/"), params=query))["trigger"]

    assert (shown["git_sha"], shown["github_pull_request_id"]) == ("0a1b2c", 7)
    ours = ("system", "external_id", "attempt", "category", "link")
    assert {key: shown[key] for key in ours} == {key: trigger[key] for key in ours}


async def test_links_lead_to_the_public_address_if_there_is_one(api: Api, admin: httpx.AsyncClient):
    run = await new_run(admin)
    public = Api(store=api.store, clock=api.clock, public_url="https://hooks.example.com/dbt")
    client = public.client(f"Token {await public.token()}")

    shown = data_of(await client.get(runs(rest=f"/{run['id']}/")))

    assert shown["href"].startswith("https://hooks.example.com/dbt/deploy/1/projects/")


@pytest.mark.parametrize("version", BOTH)
async def test_a_list_has_dbt_clouds_envelope(admin: httpx.AsyncClient, version: str):
    ids = [(await new_run(admin))["id"] for _ in range(3)]

    answer = await admin.get(runs(version, "/?limit=2&offset=1&order_by=-id"))

    assert [run["id"] for run in data_of(answer)] == [ids[1], ids[0]]
    assert answer.json()["extra"] == {
        "filters": {"limit": 2, "offset": 1, "account_id": 1},
        "order_by": "-id",
        "pagination": {"count": 2, "total_count": 3},
    }


async def test_a_list_is_long_unless_told_otherwise_and_begins_with_the_oldest(
    admin: httpx.AsyncClient,
):
    ids = [(await new_run(admin))["id"] for _ in range(12)]

    assert await listed(admin) == ids


async def test_runs_are_chosen_by_what_they_belong_to(admin: httpx.AsyncClient):
    hourly = await new_run(admin, job_name="hourly", project_name="shop")
    nightly = await new_run(admin, job_name="nightly", project_name="shop")
    other = await new_run(admin, job_name="nightly", project_name="bank")

    async def chosen(**query: object) -> list[int]:
        answer = await admin.get(runs(), params={name: str(one) for name, one in query.items()})
        return [run["id"] for run in data_of(answer)]

    job, project, environment = nightly["job_id"], nightly["project_id"], other["environment_id"]
    assert await chosen(job_definition_id=job) == [nightly["id"]]
    assert await chosen(job_definition_id__in=[job, hourly["job_id"]]) == [
        hourly["id"],
        nightly["id"],
    ]
    assert await chosen(project_id=project) == [hourly["id"], nightly["id"]]
    assert await chosen(project_id__in=[other["project_id"]]) == [other["id"]]
    assert await chosen(environment_id=environment) == [other["id"]]
    assert await chosen(environment_id__in=f"({environment})") == [other["id"]]
    assert await chosen(project_id=project, environment_id=environment) == []
    assert await chosen(job_definition_id="9" * 40) == []
    assert await chosen(job_definition_id="") == [hourly["id"], nightly["id"], other["id"]]


BY_STATUS = [
    ("status=10", ["success"]),
    ("status=success", ["success"]),
    ("status=Error", ["error"]),
    ("status__in=[20, 30]", ["error", "canceled"]),
    ("status__in=['success','cancelled']", ["success", "canceled"]),
    ("status_in=3", ["running"]),
    ("status=1", []),
]


async def test_runs_are_chosen_by_their_status(admin: httpx.AsyncClient, subtests: pytest.Subtests):
    ids = {"running": (await new_run(admin))["id"]}
    for status in ("success", "error", "canceled"):
        run = await new_run(admin)
        await admin.post(f"/runs/{run['id']}/finish", json={"status": status})
        ids[status] = run["id"]
    for query, expected in BY_STATUS:
        with subtests.test(query=query):
            assert await listed(admin, query) == [ids[status] for status in expected]


async def test_runs_are_chosen_by_their_times(api: Api, admin: httpx.AsyncClient):
    early = (await ended_run(api, admin))["id"]
    api.clock.advance(timedelta(days=1))
    late = (await ended_run(api, admin))["id"]
    going_on = (await new_run(admin))["id"]

    first_day = "['2026-03-01', '2026-03-02']"
    assert await listed(admin, f"created_at__range={first_day}") == [early]
    assert await listed(admin, f"started_at__range={first_day}") == [early]
    to_the_second = '["2026-03-02T12:02:46Z","2026-03-02T13:02:46%2B01:00"]'
    assert await listed(admin, f"finished_at__range={to_the_second}") == [late]
    assert await listed(admin, "finished_at__range=2000-01-01,2200-01-01") == [early, late]
    assert await listed(admin, "created_at__range=0001-01-01,9999-12-31T23:59:59Z") == [
        early,
        late,
        going_on,
    ]


async def test_runs_are_sorted_as_asked_and_those_without_an_end_are_the_latest(
    api: Api, admin: httpx.AsyncClient
):
    first, second, third = [(await new_run(admin))["id"] for _ in range(3)]
    for run_id in (third, first):
        api.clock.advance(timedelta(minutes=1))
        await admin.post(f"/runs/{run_id}/finish", json={"status": "success"})

    assert await listed(admin, "order_by=finished_at") == [third, first, second]
    assert await listed(admin, "order_by=-finished_at") == [second, first, third]
    assert await listed(admin, "order_by=-created_at") == [third, second, first]
    assert await listed(admin, "order_by=-started_at") == [third, second, first]
    assert await listed(admin, "order_by=nonsense") == [first, second, third]


UNREADABLE = [
    ("job_definition_id=nightly", "job_definition_id"),
    ("project_id__in=[1,x]", "project_id"),
    ("environment_id=-1", "environment_id"),
    ("status=finished", "status"),
    ("status=11", "status"),
    ("created_at__range=2026-03-01", "created_at__range"),
    ("created_at__range=a,b", "created_at__range"),
    ("finished_at__range=0001-01-01T00:00:00%2B10:00,2026-03-01", "finished_at__range"),
    ("limit=0", "limit"),
    ("offset=-1", "offset"),
    ("status=%00", "status"),
]


async def test_a_filter_that_cannot_be_read_is_refused_by_its_name(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for query, name in UNREADABLE:
        with subtests.test(query=query):
            assert told(await admin.get(runs(rest=f"/?{query}")), 400).startswith(f"{name}: ")


@pytest.mark.parametrize("version", BOTH)
async def test_another_account_sees_none_of_it(api: Api, admin: httpx.AsyncClient, version: str):
    run = await new_run(admin)
    theirs = await api.add_other_account()

    for rest in (f"/{run['id']}", "", f"/{run['id']}/artifacts"):
        told(await theirs.get(runs(version, rest)), 404)
    told(await theirs.get(runs(version, f"/{run['id']}", account_id=2)), 404)
    told(await theirs.get(runs(version, f"/{run['id']}/artifacts", account_id=2)), 404)
    told(await theirs.post(runs("v2", f"/{run['id']}/cancel/", account_id=2)), 404)
    by_job = f"?job_definition_id={run['job_id']}&project_id={run['project_id']}"
    assert data_of(await theirs.get(runs(version, by_job, account_id=2))) == []


async def test_a_cancellation_can_be_asked_for_at_dbt_clouds_path(admin: httpx.AsyncClient):
    run = await new_run(admin, cancelable=True)

    shown = data_of(await admin.post(runs(rest=f"/{run['id']}/cancel/")))

    assert (shown["id"], shown["cancel_requested"], shown["is_cancelled"]) == (
        run["id"],
        True,
        False,
    )
    heartbeat = data_of(await admin.post(f"/runs/{run['id']}/heartbeat"))
    assert heartbeat == {"cancel_requested": True}


async def test_an_id_that_no_run_can_have_is_404(admin: httpx.AsyncClient):
    for run_id in (0, 2**63, "9" * 40):
        told(await admin.get(runs(rest=f"/{run_id}/")), 404)
