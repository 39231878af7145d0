"""POST .../redeliveries: counted first, then begun, watched and canceled."""

import itertools
from datetime import timedelta

import httpx
import pytest

from runhook.dispatcher.redeliverer import INTERVAL, Redeliverer
from tests.support.api import Api, data_of, new_run, new_webhook, told
from tests.support.clock import ManualClock
from tests.support.patience import work_off

PATH = "/webhooks/redeliveries"
SINCE = "2026-03-01T11:00:00Z"
EVERYTHING = {
    "delivery_ids": [],
    "since": SINCE,
    "until": None,
    "states": ["failed", "canceled", "skipped"],
    "webhook_id": None,
    "event_types": [],
    "job_id": None,
    "run_id": None,
    "code_class": None,
}
NONE_YET = {"arrived": 0, "failed": 0, "waiting": 0, "dropped": 0, "elsewhere": 0}
BOTH_WAIT = {**NONE_YET, "waiting": 2}
NOBODY = {"webhook_inactive": 0, "webhook_deleted": 0, "outdated": 0}
REFUSED = {
    "since": [
        None,
        "yesterday",
        "2026-03-01T11:00:00",
        "2026-01-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
    ],
    "until": ["soon", "2026-03-01T11:00:00Z", "2026-02-01T00:00:00Z"],
    "states": ["failed", ["succeeded"], ["pending"], ["lost"], ["failed"] * 21],
    "webhook_id": [5, "", "wsu_unknown", "x" * 256, "half\0way"],
    "event_types": ["job.run.completed", ["job.run.ended"], ["job.run.completed"] * 21],
    "job_id": [0, -1, 2**63, "nightly"],
    "run_id": [0, 2**63, []],
    "code_class": [1, 6, -1, "5xx"],
    "delivery_ids": [["wev_1"], []],
}
"""What is no value of a name, beside a `since`."""
REFUSED_ALONE = [
    ([], "delivery_ids: give from 1 to 500 deliveries"),
    (["wev_unknown"], "delivery_ids: this account has no delivery wev_unknown"),
    (["wev_1"] * 501, "delivery_ids"),
    (["half\0way"], "delivery_ids"),
]


@pytest.fixture
async def webhook(admin: httpx.AsyncClient, clock: ManualClock) -> dict[str, object]:
    """A webhook that was inactive while two runs started, and is active now."""
    webhook = await new_webhook(admin, event_types=["job.run.started"], active=False)
    for _ in range(2):
        await new_run(admin)
    path = f"/webhooks/subscription/{webhook['id']}"
    webhook = data_of(await admin.put(path, json={"active": True}))
    clock.advance(timedelta(seconds=1))
    return dict(webhook)


async def go_on(api: Api) -> None:
    """Let the service take steps until none is due."""
    redeliverer = Redeliverer(api.store, api.clock)
    await work_off(redeliverer.tick, idle=INTERVAL)


async def test_a_preview_counts_and_changes_nothing(
    api: Api, admin: httpx.AsyncClient, webhook: dict[str, object]
):
    counted = data_of(await admin.post(f"{PATH}/preview", json={"since": SINCE}))

    assert counted == {
        "selection": EVERYTHING,
        "total": 2,
        "counted_all": True,
        "webhooks": [
            {"webhook_id": webhook["id"], "name": webhook["name"], "active": True, "total": 2}
        ],
    }
    assert data_of(await admin.get(PATH)) == []
    assert data_of(await admin.get("/webhooks/events?state=pending")) == []


async def test_a_preview_tells_which_webhooks_would_be_passed_over(
    admin: httpx.AsyncClient, webhook: dict[str, object]
):
    await admin.delete(f"/webhooks/subscription/{webhook['id']}")

    (counted,) = data_of(await admin.post(f"{PATH}/preview", json={"since": SINCE}))["webhooks"]

    assert (counted["name"], counted["active"], counted["total"]) == (webhook["name"], False, 2)


async def test_a_redelivery_begins_goes_on_by_itself_and_is_shown(
    api: Api, admin: httpx.AsyncClient, webhook: dict[str, object]
):
    begun = data_of(await admin.post(PATH, json={"since": SINCE}), 201)
    await go_on(api)
    ended = data_of(await admin.get(f"{PATH}/{begun['id']}"))

    assert begun == {
        "id": begun["id"],
        "state": "running",
        "selection": EVERYTHING,
        "total": 2,
        "counted_all": True,
        "queued": 0,
        "progress": NONE_YET,
        "passed_over": NOBODY,
        "webhooks": [
            {
                "webhook_id": webhook["id"],
                "total": 2,
                "queued": 0,
                "progress": NONE_YET,
                "passed_over": NOBODY,
                "is_over": False,
            }
        ],
        "created_by": "a test's",
        "created_at": "2026-03-01T12:00:01Z",
        "ended_at": None,
    }
    assert begun["id"].startswith("wrd_")
    assert ended == {
        **begun,
        "state": "finished",
        "queued": 2,
        "progress": BOTH_WAIT,
        "webhooks": [{**begun["webhooks"][0], "queued": 2, "progress": BOTH_WAIT, "is_over": True}],
        "ended_at": "2026-03-01T12:00:01Z",
    }
    assert len(data_of(await admin.get("/webhooks/events?state=pending"))) == 2


async def test_a_selection_is_shown_as_it_was_understood(
    admin: httpx.AsyncClient, webhook: dict[str, object]
):
    given = {
        "since": "2026-03-01T13:00:00+02:00",
        "until": "2026-03-01T11:59:00Z",
        "states": ["skipped", "failed", "skipped"],
        "webhook_id": webhook["id"],
        "event_types": ["job.run.started"],
        "job_id": 1,
        "run_id": 2,
        "code_class": 5,
    }

    begun = data_of(await admin.post(PATH, json=given), 201)

    assert begun["selection"] == {
        **given,
        "delivery_ids": [],
        "since": SINCE,
        "states": ["skipped", "failed"],
    }
    assert (begun["state"], begun["total"], begun["webhooks"]) == ("finished", 0, [])


async def test_a_value_that_is_not_valid_is_refused_by_its_name(
    admin: httpx.AsyncClient, webhook: dict[str, object]
):
    for field, values in REFUSED.items():
        for value, path in itertools.product(values, (PATH, f"{PATH}/preview")):
            answer = await admin.post(path, json={"since": SINCE, field: value})
            assert told(answer, 400).startswith(field), value

    assert data_of(await admin.get(PATH)) == []


async def test_deliveries_are_named_one_by_one(
    api: Api, admin: httpx.AsyncClient, webhook: dict[str, object]
):
    named = data_of(await admin.get("/webhooks/events"))[0]["id"]
    asked = {"delivery_ids": [named, named]}

    counted = data_of(await admin.post(f"{PATH}/preview", json=asked))
    begun = data_of(await admin.post(PATH, json=asked), 201)
    await go_on(api)

    nothing = {**EVERYTHING, "since": None, "states": []}
    assert counted["selection"] == {**nothing, "delivery_ids": [named]}
    assert (counted["total"], begun["total"]) == (1, 1)
    ended = data_of(await admin.get(f"{PATH}/{begun['id']}"))
    assert (ended["state"], ended["queued"], ended["selection"]) == (
        "finished",
        1,
        counted["selection"],
    )
    pending = data_of(await admin.get("/webhooks/events?state=pending"))
    assert [one["id"] for one in pending] == [named]
    (began,) = data_of(await admin.get("/audit-log", params={"subject": begun["id"]}))
    assert began["after"] == {"delivery_ids": [named], "total": 1}


@pytest.mark.parametrize(("delivery_ids", "message"), REFUSED_ALONE)
async def test_deliveries_that_cannot_be_named_are_refused(
    admin: httpx.AsyncClient, delivery_ids: list[str], message: str
):
    answer = await admin.post(PATH, json={"delivery_ids": delivery_ids})

    assert told(answer, 400).startswith(message)


async def test_a_time_before_what_is_kept_is_refused_with_the_first_that_is(
    admin: httpx.AsyncClient,
):
    answer = await admin.post(PATH, json={"since": "2026-01-30T11:59:59Z"})

    assert told(answer, 400) == (
        "since: deliveries are kept for 30 days; give a time after 2026-01-30T12:00:00Z"
    )


async def test_a_key_that_is_unknown_or_missing_is_named(admin: httpx.AsyncClient):
    unknown = await admin.post(PATH, json={"since": SINCE, "state": ["failed"]})
    missing = await admin.post(PATH, json={})

    assert told(unknown, 400) == "unknown key `state`; did you mean `states`?"
    assert "since" in told(missing, 400)


async def test_redeliveries_are_listed_the_newest_first(
    admin: httpx.AsyncClient, webhook: dict[str, object], clock: ManualClock
):
    ids = []
    for _ in range(3):
        ids.append(data_of(await admin.post(PATH, json={"since": SINCE}), 201)["id"])
        clock.advance(timedelta(seconds=1))

    answer = await admin.get(PATH, params={"limit": 2})

    assert [one["id"] for one in data_of(answer)] == ids[:0:-1]
    assert answer.json()["extra"]["pagination"] == {"count": 2, "total_count": 3}


async def test_a_redelivery_is_canceled_once_and_a_finished_one_not_at_all(
    api: Api, admin: httpx.AsyncClient, webhook: dict[str, object], clock: ManualClock
):
    first = data_of(await admin.post(PATH, json={"since": SINCE}), 201)
    canceled = data_of(await admin.post(f"{PATH}/{first['id']}/cancel"))
    clock.advance(timedelta(seconds=1))
    again = data_of(await admin.post(f"{PATH}/{first['id']}/cancel"))
    await go_on(api)
    assert data_of(await admin.get("/webhooks/events?state=pending")) == []
    second = data_of(await admin.post(PATH, json={"since": SINCE}), 201)
    await go_on(api)

    assert (canceled["state"], canceled["ended_at"]) == ("canceled", "2026-03-01T12:00:01Z")
    assert again["ended_at"] == canceled["ended_at"]
    assert "has finished" in told(await admin.post(f"{PATH}/{second['id']}/cancel"), 409)


async def test_what_is_not_there_is_404(admin: httpx.AsyncClient):
    told(await admin.get(f"{PATH}/wrd_unknown"), 404)
    told(await admin.post(f"{PATH}/wrd_unknown/cancel"), 404)


async def test_the_audit_log_tells_who_began_and_who_canceled(
    admin: httpx.AsyncClient, webhook: dict[str, object]
):
    begun = data_of(await admin.post(PATH, json={"since": SINCE, "states": ["skipped"]}), 201)
    await admin.post(f"{PATH}/{begun['id']}/cancel")

    canceled, began = data_of(await admin.get("/audit-log", params={"subject": begun["id"]}))

    assert (began["action"], canceled["action"]) == ("redelivery.begun", "redelivery.canceled")
    assert (began["after"]["since"], began["after"]["total"]) == ("2026-03-01T11:00:00+00:00", 2)
    assert canceled["after"] == {"state": "canceled", "queued": 0}
