"""Events, which are deliveries, and receipts, which are attempts."""

import json
import re
from datetime import timedelta

import httpx

from tests.support.api import SUCCESS, Api, data_of, new_run, new_webhook, told
from tests.support.clock import ManualClock
from tests.support.receiver import Receiver, status


def events_of(webhook: dict[str, str]) -> str:
    return f"/webhooks/subscription/{webhook['id']}/events"


def receipts_of(event: dict[str, str]) -> str:
    return f"/webhooks/subscription/{event['subscription_id']}/event/{event['id']}/receipt"


async def test_an_event_that_waits_has_every_key_in_its_type(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    run = await new_run(admin)

    answer = await admin.get(events_of(webhook))

    assert answer.status_code == 200
    shown = answer.json()
    assert shown["status"] == SUCCESS
    assert shown["extra"] == {
        "filters": {"limit": 10, "offset": 0},
        "pagination": {"count": 1, "total_count": 1},
    }
    (event,) = shown["data"]
    event_id, payload = event.pop("id"), event.pop("payload")
    assert re.fullmatch(r"wev_[0-9A-Za-z]{27}", event_id)
    assert json.loads(payload)["event_id"] == event_id
    assert event == {
        "subscription_id": webhook["id"],
        "account_identifier": webhook["account_identifier"],
        "account_id": "1",
        "job_id": str(run["job_id"]),
        "trigger_event_type": "job.run.started",
        "http_status_code": "0",
        "run_id": str(run["id"]),
        "is_test": False,
        "state": "pending",
        "attempt_count": 0,
        "failure": None,
        "cancel_reason": None,
        "held_until": None,
        "held_up_by": None,
        "created_at": "1772366400000000",
        "updated_at": "1772366400000000",
        "next_attempt_at": "1772366400000000",
    }


async def test_a_page_of_events_tells_whether_there_are_more_without_counting_them(
    admin: httpx.AsyncClient,
):
    """Asking for pages until one has as many as there are comes to the end."""
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    for _ in range(5):
        await new_run(admin)
    seen: list[str] = []
    told_of = [1]

    while len(seen) < told_of[-1]:
        page = f"{events_of(webhook)}?limit=2&offset={len(seen)}"
        answer = (await admin.get(page)).json()
        seen += [event["id"] for event in answer["data"]]
        told_of.append(answer["extra"]["pagination"]["total_count"])

    assert len(set(seen)) == 5
    assert told_of[1:] == [3, 5, 5]


async def test_events_come_newest_first_and_in_pages(admin: httpx.AsyncClient, clock: ManualClock):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    run_ids = []
    for _ in range(12):
        clock.advance(timedelta(milliseconds=1))
        run_ids.append(str((await new_run(admin))["id"]))

    first = data_of(await admin.get(events_of(webhook)))
    rest = await admin.get(events_of(webhook), params={"offset": 10})
    middle = data_of(await admin.get(events_of(webhook), params={"limit": 2, "offset": 3}))

    newest_first = run_ids[::-1]
    assert [one["run_id"] for one in first] == newest_first[:10]
    assert [one["run_id"] for one in data_of(rest)] == newest_first[10:]
    assert rest.json()["extra"] == {
        "filters": {"limit": 10, "offset": 10},
        "pagination": {"count": 2, "total_count": 12},
    }
    assert [one["run_id"] for one in middle] == newest_first[3:5]


async def test_a_delivery_that_succeeded_has_one_receipt_with_every_key_in_its_type(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(201, headers={"X-Seen": "yes"}, body=b"thanks")) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(admin)
        await api.deliver()
    (event,) = data_of(await admin.get(events_of(webhook)))

    answer = await admin.get(receipts_of(event))

    (request,) = receiver.received
    (receipt,) = answer.json().pop("data")
    assert answer.json()["status"] == SUCCESS
    assert event["state"] == "succeeded"
    assert event["http_status_code"] == "201"
    assert event["attempt_count"] == 1
    assert event["next_attempt_at"] is None
    assert event["payload"] == request.body.decode()
    duration, phases = int(receipt.pop("duration")), receipt.pop("phases")
    assert [*phases] == ["queue", "connect", "wait", "read"]
    assert 0 <= duration - sum(map(int, phases.values())) < len(phases)
    request_headers = dict(
        line.split(": ", 1) for line in receipt.pop("request_headers").split("\n")
    )
    assert request_headers["Authorization"] == request_headers["webhook-signature"] == "********"
    assert request_headers["webhook-id"] == event["id"]
    assert "x-seen: yes" in receipt.pop("response_headers").lower().split("\n")
    assert receipt == {
        "id": f"{event['id']}.1",
        "event_id": event["id"],
        "subscription_id": webhook["id"],
        "dispatched_at": "1772366400000000",
        "http_status_code": "201",
        "error_info": "",
        "request_body": request.body.decode(),
        "response_body": "thanks",
        "attempt": 1,
        "failure": None,
        "note": "",
        "trigger": "scheduled",
    }


async def test_each_attempt_has_a_receipt_in_the_order_they_were_made(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver(status(500, body=b"no"), status(200, body=b"yes")) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(admin)
        await api.deliver()
        (waiting,) = data_of(await admin.get(events_of(webhook)))
        clock.advance(timedelta(minutes=1))
        await api.deliver()
    (event,) = data_of(await admin.get(events_of(webhook)))

    receipts = data_of(await admin.get(receipts_of(event)))

    assert (waiting["state"], waiting["failure"]) == ("pending", "http_status")
    assert waiting["http_status_code"] == "500"
    assert 10 <= (int(waiting["next_attempt_at"]) - 1772366400000000) / 1_000_000 <= 12
    assert event["state"] == "succeeded"
    assert [one["http_status_code"] for one in receipts] == ["500", "200"]
    assert [one["response_body"] for one in receipts] == ["no", "yes"]
    assert [one["failure"] for one in receipts] == ["http_status", None]
    assert [one["id"] for one in receipts] == [f"{event['id']}.1", f"{event['id']}.2"]
    assert receipts[0]["error_info"]


async def test_an_endpoint_that_is_not_there_has_a_receipt_with_status_0_and_the_reason(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver() as receiver:
        url = receiver.url
    webhook = await new_webhook(admin, client_url=url, event_types=["job.run.started"])
    await new_run(admin)
    await api.deliver()
    (event,) = data_of(await admin.get(events_of(webhook)))

    (receipt,) = data_of(await admin.get(receipts_of(event)))

    assert receipt["http_status_code"] == "0"
    assert receipt["failure"] == "connection_failed"
    assert receipt["error_info"]
    assert receipt["response_body"] == ""


async def test_an_answer_that_is_no_text_is_shown_as_far_as_it_can_be(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(200, body=b"\xff\xfe\0ok")) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(admin)
        await api.deliver()
    (event,) = data_of(await admin.get(events_of(webhook)))

    (receipt,) = data_of(await admin.get(receipts_of(event)))

    assert receipt["response_body"] == "\ufffd\ufffd\0ok"


async def test_an_event_that_was_not_attempted_has_no_receipts(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    await new_run(admin)
    (event,) = data_of(await admin.get(events_of(webhook)))

    answer = await admin.get(receipts_of(event))

    assert answer.json() == {"data": [], "status": SUCCESS, "extra": {}}


async def test_an_inactive_webhooks_event_is_logged_as_skipped(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.started"], active=False)
    await new_run(admin)

    (event,) = data_of(await admin.get(events_of(webhook)))

    assert (event["state"], event["next_attempt_at"]) == ("skipped", None)


async def test_an_event_is_only_found_under_its_own_webhook_and_account(
    api: Api, admin: httpx.AsyncClient
):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    another = await new_webhook(admin, event_types=["job.run.completed"])
    theirs = await api.add_other_account()
    await new_run(admin)
    (event,) = data_of(await admin.get(events_of(webhook)))

    elsewhere = await admin.get(receipts_of({**event, "subscription_id": another["id"]}))

    told(elsewhere, 404)
    told(await theirs.get(receipts_of(event)), 404)
    assert data_of(await admin.get(receipts_of(event))) == []


async def test_an_event_that_is_not_there_is_404(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)

    for event_id in ("wev_2PK4VE772408oHuYxq9BYDN6ONi", "%00", "x", "%ff"):
        path = f"/webhooks/subscription/{webhook['id']}/event/{event_id}/receipt"
        told(await admin.get(path), 404)
