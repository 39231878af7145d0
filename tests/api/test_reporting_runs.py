"""Runs start and finish: idempotently, with everything that follows committed before the 2xx."""

from datetime import timedelta

import httpx
import pytest

from runhook.storage.runs.rows import find_runs_by_key
from tests.support.api import CREATED, SUCCESS, Api, data_of, new_run, new_webhook, told

EVERY_FIELD = {
    "run_key": "nightly-2026-03-01",
    "job_name": "nightly",
    "project_name": "shop",
    "environment_name": "production",
    "run_reason": "scheduled",
    "dbt_version": "1.10.2",
    "started_at": "2026-03-01T11:59:30Z",
}
FINISHES = {
    "success": (10, "Success", "complete"),
    "error": (20, "Error", "errored"),
    "canceled": (30, "Cancelled", None),
}
REFUSED_AT_START = {
    "job_name": ["", None, 5, ["nightly"], "x" * 256, "half\0way"],
    "run_key": ["", 5, "x" * 256, "half\0way"],
    "project_name": ["", None],
    "environment_name": ["x" * 256, None],
    "run_reason": ["x" * 2_001, "half\0way"],
    "dbt_version": ["x" * 65, 1.10],
    "started_at": ["yesterday", {}],
    "heartbeats": [None, "sometimes", []],
    "cancelable": [None, "sometimes", []],
    "give_up_after": [3600, "soon", "8 days", ""],
    "late": ["yes", 2],
    "trigger": ["airflow", 5],
}
REFUSED_AT_FINISH = {
    "status": [None, 10],
    "status_message": [5, "x" * 10_001, "half\0way"],
    "outcome": [5],
    "results": [[], "none"],
    "dbt_version": ["x" * 65],
    "finished_at": ["soon"],
    "late": ["yes", 2],
}
REFUSED_STEPS = {
    "steps": [{}, "dbt build", [{"name": "dbt build", "status": "success"}] * 51],
    "steps: the logs": [[{"name": "dbt build", "status": "success", "logs": "x" * 50_001}] * 2],
    "steps[0]": [
        [{"name": "dbt build"}],
        [{"name": "", "status": "success"}],
        [{"name": "dbt build", "status": "running"}],
        [{"name": "dbt build", "status": "success", "started_at": "2026-03-01T12:00:00"}],
        [{"name": "dbt build", "status": "success", "command": "dbt build"}],
    ],
    "steps[1].finished_at: ": [
        [
            {"name": "dbt deps", "status": "success"},
            {"name": "dbt build", "status": "success", "finished_at": "0001-01-01T00:00:00Z"},
        ]
    ],
}


async def events_of(client: httpx.AsyncClient, webhook: dict[str, str]) -> list[str]:
    """A webhook's event types, the newest first."""
    answer = await client.get(f"/webhooks/subscription/{webhook['id']}/events?limit=100")
    return [event["trigger_event_type"] for event in data_of(answer)]


async def finish(client: httpx.AsyncClient, run: dict[str, int], **body: object) -> httpx.Response:
    return await client.post(f"/runs/{run['id']}/finish", json=body)


async def test_a_started_run_has_every_key_in_its_type(admin: httpx.AsyncClient):
    answer = await admin.post("/runs", json=EVERY_FIELD)

    assert answer.status_code == 201
    assert answer.json()["status"] == CREATED
    run = answer.json()["data"]
    ids = [run.pop(name) for name in ("id", "job_id", "environment_id", "project_id")]
    assert all(type(one) is int and one > 0 for one in ids)
    assert run == {
        "account_id": 1,
        "run_key": "nightly-2026-03-01",
        "job_name": "nightly",
        "environment_name": "production",
        "project_name": "shop",
        "run_reason": "scheduled",
        "dbt_version": "1.10.2",
        "status": 3,
        "status_humanized": "Running",
        "status_message": None,
        "outcome": None,
        "started_at": "2026-03-01T11:59:30Z",
        "finished_at": None,
        "cancelable": False,
        "cancel_requested": False,
        "late": False,
        "results": None,
    }


async def test_a_late_report_says_the_same_as_one_in_time(admin: httpx.AsyncClient):
    run = data_of(await admin.post("/runs", json=EVERY_FIELD), 201)

    again = data_of(await admin.post("/runs", json={**EVERY_FIELD, "late": True}))
    ended = data_of(await finish(admin, run, status="success", late=True))
    ended_again = data_of(await finish(admin, run, status="success"))

    assert (again["id"], again["late"]) == (run["id"], False)
    assert ended["late"]
    assert ended_again == ended


async def test_a_run_whose_start_was_late_stays_marked(admin: httpx.AsyncClient):
    run = data_of(await admin.post("/runs", json={**EVERY_FIELD, "late": True}), 201)

    assert data_of(await finish(admin, run, status="success"))["late"]


async def test_what_set_a_run_off_is_part_of_the_facts(admin: httpx.AsyncClient):
    trigger = {"system": "github_actions", "external_id": "812", "attempt": 1}
    facts = {**EVERY_FIELD, "trigger": trigger}
    assert (await admin.post("/runs", json=facts)).status_code == 201
    assert (await admin.post("/runs", json=facts)).status_code == 200

    other = {**facts, "trigger": {**trigger, "attempt": 2}}
    assert (await admin.post("/runs", json=other)).status_code == 409


async def test_a_jobs_name_is_enough(admin: httpx.AsyncClient):
    run = data_of(await admin.post("/runs", json={"job_name": "nightly"}), 201)

    assert run["run_key"]
    assert (run["project_name"], run["environment_name"]) == ("default", "default")
    assert (run["run_reason"], run["dbt_version"]) == ("", "")
    assert run["started_at"] == "2026-03-01T12:00:00Z"


async def test_the_same_key_and_facts_are_the_same_run(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    first = await admin.post("/runs", json=EVERY_FIELD)

    again = await admin.post("/runs", json=EVERY_FIELD)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["status"] == SUCCESS
    assert again.json()["data"] == first.json()["data"]
    assert await events_of(admin, webhook) == ["job.run.started"]


async def test_the_same_facts_in_other_words_are_the_same_run(admin: httpx.AsyncClient):
    run = await new_run(admin, run_key="k", started_at="2026-03-01T11:00:00Z")

    again = await admin.post(
        "/runs",
        json={
            "started_at": "2026-03-01T13:00:00+02:00",
            "run_key": "k",
            "project_name": "default",
            "job_name": "nightly",
        },
    )

    assert data_of(again) == run


async def test_a_start_repeated_after_the_finish_shows_the_finished_run(admin: httpx.AsyncClient):
    run = await new_run(admin, run_key="k")
    await finish(admin, run, status="success")

    again = await admin.post("/runs", json={"job_name": "nightly", "run_key": "k"})

    assert data_of(again)["status"] == 10


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job_name", "another"),
        ("project_name", "another"),
        ("environment_name", "another"),
        ("run_reason", "another"),
        ("dbt_version", "1.9.0"),
        ("started_at", "2026-03-01T11:59:31Z"),
        ("started_at", None),
    ],
)
async def test_the_same_key_with_another_fact_is_a_conflict_and_changes_nothing(
    admin: httpx.AsyncClient, field: str, value: object
):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    run = data_of(await admin.post("/runs", json=EVERY_FIELD), 201)

    answer = await admin.post("/runs", json={**EVERY_FIELD, field: value})

    assert told(answer, 409).startswith(f"run_key: `nightly-2026-03-01` is already run {run['id']}")
    assert data_of(await admin.post("/runs", json=EVERY_FIELD)) == run
    assert await events_of(admin, webhook) == ["job.run.started"]


async def test_without_a_key_every_start_is_a_run_of_its_own(admin: httpx.AsyncClient):
    first, second = await new_run(admin), await new_run(admin)

    assert first["id"] != second["id"]
    assert first["run_key"] != second["run_key"]
    assert first["job_id"] == second["job_id"]


async def test_a_key_that_reads_null_is_a_key(admin: httpx.AsyncClient):
    first = await admin.post("/runs", json={"job_name": "nightly", "run_key": "null"})
    again = await admin.post("/runs", json={"job_name": "nightly", "run_key": "null"})

    assert (first.status_code, again.status_code) == (201, 200)


async def test_two_accounts_may_use_one_key(api: Api, admin: httpx.AsyncClient):
    theirs = await api.add_other_account()

    mine = await new_run(admin, run_key="k")
    other = await new_run(theirs, run_key="k")

    assert mine["id"] != other["id"]
    assert mine["job_id"] != other["job_id"]
    assert other["account_id"] == 2


async def test_a_job_is_known_by_its_project_environment_and_name(admin: httpx.AsyncClient):
    runs = [
        await new_run(admin, **names)
        for names in (
            {},
            {"environment_name": "production"},
            {"project_name": "shop"},
            {"job_name": "hourly"},
            {},
        )
    ]

    job_ids = [run["job_id"] for run in runs]
    assert len(set(job_ids)) == 4
    assert job_ids[0] == job_ids[4]


async def test_a_2xx_means_that_run_events_and_deliveries_are_in_the_database(
    api: Api, admin: httpx.AsyncClient
):
    webhooks = [
        await new_webhook(admin, event_types=["job.run.started", "job.run.completed"]),
        await new_webhook(admin, event_types=["job.run.errored", "job.run.canceled"]),
        await new_webhook(admin, event_types=["job.run.started"], job_ids=[]),
    ]
    run = await new_run(admin, run_key="k")
    after_start = [await events_of(admin, webhook) for webhook in webhooks]
    api.clock.advance(timedelta(minutes=5))
    await finish(admin, run, status="error")
    after_finish = [await events_of(admin, webhook) for webhook in webhooks]

    assert after_start == [["job.run.started"], [], ["job.run.started"]]
    assert after_finish == [
        ["job.run.completed", "job.run.started"],
        ["job.run.errored"],
        ["job.run.started"],
    ]
    async with api.store.read() as tx:
        (stored,) = (await find_runs_by_key(tx, [(1, "k")])).values()
    assert stored.run.id == run["id"]
    assert stored.run.status == 20
    assert stored.run.event_count == 3


async def test_a_webhook_of_one_job_hears_of_no_other(admin: httpx.AsyncClient):
    job_id = (await new_run(admin, job_name="hourly"))["job_id"]
    webhook = await new_webhook(admin, event_types=["job.run.started"], job_ids=[job_id])

    await new_run(admin, job_name="nightly")
    await new_run(admin, job_name="hourly")

    assert await events_of(admin, webhook) == ["job.run.started"]


@pytest.mark.parametrize("status", FINISHES)
async def test_a_finished_run_shows_how_it_ended(admin: httpx.AsyncClient, status: str):
    run = await new_run(admin)
    code, humanized, outcome = FINISHES[status]

    answer = await finish(
        admin,
        run,
        status=status,
        status_message="So it was.",
        finished_at="2026-03-01T12:30:00Z",
        dbt_version="1.10.2",
    )

    assert answer.json()["status"] == SUCCESS
    assert data_of(answer) == {
        **run,
        "status": code,
        "status_humanized": humanized,
        "status_message": "So it was.",
        "outcome": outcome,
        "finished_at": "2026-03-01T12:30:00Z",
        "dbt_version": "1.10.2",
    }


async def test_a_status_is_enough_to_finish(admin: httpx.AsyncClient):
    run = await new_run(admin, dbt_version="1.10.2")

    finished = data_of(await finish(admin, run, status="success"))

    assert finished["finished_at"] == "2026-03-01T12:00:00Z"
    assert finished["dbt_version"] == "1.10.2"
    assert finished["status_message"] is None


@pytest.mark.parametrize(
    ("status", "outcome"), [("success", "complete"), ("error", "failed"), ("error", "errored")]
)
async def test_an_outcome_that_fits_the_status_is_kept(
    admin: httpx.AsyncClient, status: str, outcome: str
):
    run = await new_run(admin)

    assert data_of(await finish(admin, run, status=status, outcome=outcome))["outcome"] == outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("success", "failed"),
        ("success", "errored"),
        ("error", "complete"),
        ("canceled", "errored"),
        ("success", "splendid"),
    ],
)
async def test_an_outcome_that_does_not_fit_is_refused(
    admin: httpx.AsyncClient, status: str, outcome: str
):
    run = await new_run(admin)

    answer = await finish(admin, run, status=status, outcome=outcome)

    assert told(answer, 400).startswith("outcome: ")
    assert data_of(await finish(admin, run, status=status))["status"] == FINISHES[status][0]


async def test_a_status_that_ends_no_run_is_refused(admin: httpx.AsyncClient):
    run = await new_run(admin)

    for status in ("running", "SUCCESS", "", "cancelled", "10"):
        assert told(await finish(admin, run, status=status), 400).startswith("status: ")


async def test_the_same_finish_again_changes_nothing(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.errored", "job.run.completed"])
    run = await new_run(admin)
    report = {
        "status": "error",
        "outcome": "failed",
        "results": {"models": {"failed": 1}},
        "steps": [
            {"name": "dbt deps", "status": "success", "logs": "Up to date\0"},
            {"name": "dbt build", "status": "error", "started_at": "2026-03-01T14:00:00+02:00"},
        ],
    }

    first = await finish(admin, run, **report)
    again = await finish(admin, run, **report)

    assert data_of(again) == data_of(first)
    assert await events_of(admin, webhook) == ["job.run.completed", "job.run.errored"]


@pytest.mark.parametrize(
    "other",
    [
        {"status": "success"},
        {"status": "canceled"},
        {"status": "error", "outcome": "failed"},
        {"status": "error", "status_message": "Another reason"},
        {"status": "error", "results": {"models": {}}},
        {"status": "error", "finished_at": "2026-03-01T12:00:01Z"},
        {"status": "error", "steps": [{"name": "dbt build", "status": "error"}]},
    ],
)
async def test_another_finish_is_a_conflict_and_changes_nothing(
    admin: httpx.AsyncClient, other: dict[str, object]
):
    webhook = await new_webhook(
        admin, event_types=["job.run.errored", "job.run.completed", "job.run.canceled"]
    )
    run = await new_run(admin)
    first = data_of(await finish(admin, run, status="error"))

    answer = await finish(admin, run, **other)

    assert told(answer, 409).startswith(f"Run {run['id']} already ended as error")
    assert data_of(await finish(admin, run, status="error")) == first
    assert await events_of(admin, webhook) == ["job.run.completed", "job.run.errored"]


async def test_results_may_hold_whatever_json_can(admin: httpx.AsyncClient):
    run = await new_run(admin)
    results = {
        "": None,
        "NUL \0 and é and 🚀": ["\0", 1.5e300, 2**63, -(10**25), True, {}],
        "nested": {"a": [[[{"b": []}]]]},
    }

    first = await finish(admin, run, status="success", results=results)
    again = await finish(admin, run, status="success", results=results)

    assert data_of(again) == data_of(first)


@pytest.mark.parametrize("path", ["finish", "heartbeat", "canceling", "cancel"])
async def test_a_run_that_is_not_there_is_404(admin: httpx.AsyncClient, path: str):
    for run_id in ("404", "0", "-1", str(2**63), "9" * 30, "9" * 5_000, "nightly", "1.5", "%00"):
        told(await admin.post(f"/runs/{run_id}/{path}", json={"status": "success"}), 404)


@pytest.mark.parametrize("path", ["finish", "heartbeat", "canceling", "cancel"])
async def test_another_accounts_run_is_404_and_stays_as_it_is(
    api: Api, admin: httpx.AsyncClient, path: str
):
    run = await new_run(admin, run_key="k")
    theirs = await api.add_other_account()

    answer = await theirs.post(f"/runs/{run['id']}/{path}", json={"status": "success"})

    told(answer, 404)
    again = await admin.post("/runs", json={"job_name": "nightly", "run_key": "k"})
    assert data_of(again) == run


async def test_a_start_with_a_value_that_is_not_valid_is_refused_by_its_name(
    admin: httpx.AsyncClient,
):
    for field, values in REFUSED_AT_START.items():
        for value in values:
            answer = await admin.post("/runs", json={"job_name": "nightly", field: value})
            assert told(answer, 400).startswith(f"{field}: ")


async def test_a_finish_with_a_value_that_is_not_valid_is_refused_by_its_name(
    admin: httpx.AsyncClient,
):
    run = await new_run(admin)

    for field, values in REFUSED_AT_FINISH.items():
        for value in values:
            answer = await finish(admin, run, **{"status": "success", field: value})
            assert told(answer, 400).startswith(f"{field}: ")

    assert data_of(await finish(admin, run, status="success"))["status"] == 10


@pytest.mark.parametrize("place", REFUSED_STEPS)
async def test_a_step_that_is_not_valid_is_refused_by_its_place(
    admin: httpx.AsyncClient, place: str
):
    run = await new_run(admin)

    for steps in REFUSED_STEPS[place]:
        answer = await finish(admin, run, status="success", steps=steps)
        assert told(answer, 400).startswith(place)

    assert data_of(await finish(admin, run, status="success"))["status"] == 10


async def test_a_nul_character_is_called_that(admin: httpx.AsyncClient):
    answer = await admin.post("/runs", json={"job_name": "half\0way"})

    assert told(answer, 400) == "job_name: a NUL character cannot be kept"


async def test_an_unknown_key_is_named_with_the_nearest_known_one(admin: httpx.AsyncClient):
    run = await new_run(admin, run_key="k")

    start = await admin.post("/runs", json={"job_name": "nightly", "jobname": "x"})
    ending = await finish(admin, run, status="success", message="x")
    step = {"name": "dbt build", "status": "success", "log": "x"}
    steps = await finish(admin, run, status="success", steps=[step])

    assert told(start, 400) == "unknown key `jobname`; did you mean `job_name`?"
    assert told(ending, 400).startswith("unknown key `message`")
    assert told(steps, 400).endswith("unknown key `log`; did you mean `logs`?")


async def test_a_missing_key_is_named(admin: httpx.AsyncClient):
    run = await new_run(admin, run_key="k")

    start = await admin.post("/runs", json={"run_key": "another"})
    ending = await finish(admin, run)

    assert told(start, 400) == "Object missing required field `job_name`"
    assert told(ending, 400) == "Object missing required field `status`"


PROGRESS = {
    "steps": [
        {"name": "dbt deps", "status": "success", "finished_at": "2026-03-01T12:00:05Z"},
        {"name": "dbt build", "started_at": "2026-03-01T12:00:05Z"},
    ],
    "planned_steps": 3,
    "nodes_done": 4,
    "nodes_total": 40,
}
NO_PROGRESS = {
    "steps": [
        "dbt build",
        [{"status": "success"}],
        [{"name": ""}],
        [{"name": "half\0way"}],
        [{"name": "dbt build", "status": "lost"}],
        [{"name": "dbt build", "started_at": "soon"}],
        [{"name": "dbt build"}] * 51,
    ],
    "planned_steps": [0, -1, 2**31, "three"],
    "nodes_done": [-1, 41, 2**31, 1.5],
    "nodes_total": [3, -1, "forty"],
}


async def test_a_run_tells_how_far_it_has_come(admin: httpx.AsyncClient):
    run = await new_run(admin, cancelable=True)

    for _ in range(2):
        answer = await admin.post(f"/runs/{run['id']}/progress", json=PROGRESS)
        assert data_of(answer) == {"cancel_requested": False}
    await admin.post(f"/runs/{run['id']}/cancel")
    asked = await admin.post(f"/runs/{run['id']}/progress", json={})

    assert data_of(asked) == {"cancel_requested": True}


@pytest.mark.parametrize("field", NO_PROGRESS)
async def test_progress_that_cannot_be_is_refused_by_its_name(admin: httpx.AsyncClient, field: str):
    run = await new_run(admin)

    for value in NO_PROGRESS[field]:
        answer = await admin.post(f"/runs/{run['id']}/progress", json={**PROGRESS, field: value})
        assert told(answer, 400).startswith(("nodes_done", field)), value
