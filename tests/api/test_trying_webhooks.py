"""GET .../test: a real delivery of a made-up event, at once and once, that counts for nothing."""

import asyncio
import json
from datetime import datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook as Verifier

from runhook.dispatcher.rescuer import Rescuer
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.run import AccountId
from runhook.operations.context import Context
from runhook.operations.deliveries.attempt import rescue_all
from runhook.operations.webhooks.send_test import insert_sample
from runhook.outbound.sender import TESTS_AT_ONCE
from runhook.storage.engine.tables import webhooks
from tests.support.accounts import SOMEBODY, rows_of
from tests.support.api import LEASE, Api, data_of, new_run, new_webhook, told
from tests.support.clock import ManualClock
from tests.support.misbehaving import once
from tests.support.receiver import Receiver, status


def path_of(webhook: dict[str, object], end: str) -> str:
    return f"/webhooks/subscription/{webhook['id']}{end}"


async def the_event(client: httpx.AsyncClient, webhook: dict[str, object]) -> dict[str, object]:
    (event,) = data_of(await client.get(path_of(webhook, "/events")))
    return event


async def test_a_test_that_arrives_is_told_in_both_halves_of_the_answer(admin: httpx.AsyncClient):
    async with Receiver(status(202)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)

        tried = data_of(await admin.get(path_of(webhook, "/test")))

    event = await the_event(admin, webhook)
    assert tried == {
        "verification_error": None,
        "verification_status_code": "202",
        "event_id": event["id"],
    }


async def test_a_test_that_is_refused_tells_the_status_and_the_reason(admin: httpx.AsyncClient):
    async with Receiver(status(503)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)

        tried = data_of(await admin.get(path_of(webhook, "/test")))

    assert tried["verification_status_code"] == "503"
    assert "503" in tried["verification_error"]


async def test_a_test_of_an_endpoint_that_is_not_there_tells_so(admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        url = receiver.url
    webhook = await new_webhook(admin, client_url=url)

    tried = data_of(await admin.get(path_of(webhook, "/test")))

    assert tried["verification_status_code"] == "0"
    assert tried["verification_error"]


async def test_a_test_is_signed_with_the_webhooks_secret(admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(
            admin, client_url=receiver.url, custom_headers={"X-Gate": "open sesame"}
        )
        await admin.get(path_of(webhook, "/test"))

    (request,) = receiver.received
    verifier = Verifier(webhook["hmac_secret"])
    # The manual clock is not the library's: only the signature is compared.
    expected = verifier.sign(
        request.headers["webhook-id"], ManualClock().now(), request.body.decode()
    )
    assert request.headers["webhook-signature"] == expected
    assert request.headers["x-gate"] == "open sesame"


@pytest.mark.parametrize(
    ("version", "type_key", "account_key"),
    [("2022-05", "event_type", "account_id"), ("2023-02", "eventType", "accountId")],
)
async def test_a_sample_has_the_form_of_the_webhooks_payload_version(
    admin: httpx.AsyncClient, version: str, type_key: str, account_key: str
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, payload_version=version)
        await admin.get(path_of(webhook, "/test"))

    (request,) = receiver.received
    payload = json.loads(request.body)
    assert payload[type_key] == "job.run.completed"
    assert payload[account_key] == 1


async def test_a_sample_is_of_an_event_that_the_webhook_selected(admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(
            admin,
            client_url=receiver.url,
            event_types=["job.run.canceled", "job.run.started"],
        )
        await admin.get(path_of(webhook, "/test"))

    assert json.loads(receiver.received[0].body)["event_type"] == "job.run.canceled"


async def test_a_test_is_logged_with_its_receipt_and_marked(admin: httpx.AsyncClient):
    async with Receiver(status(500, body=b"not today")) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        await admin.get(path_of(webhook, "/test"))

    event = await the_event(admin, webhook)
    (receipt,) = data_of(await admin.get(path_of(webhook, f"/event/{event['id']}/receipt")))
    assert (event["is_test"], event["state"], event["attempt_count"]) == (True, "failed", 1)
    assert (event["job_id"], event["run_id"], event["next_attempt_at"]) == ("0", "0", None)
    assert event["http_status_code"] == "500"
    assert receipt["response_body"] == "not today"
    assert receipt["trigger"] == "test"
    assert receipt["request_body"] == receiver.received[0].body.decode()


async def test_a_test_that_failed_is_not_tried_again(api: Api, admin: httpx.AsyncClient):
    async with Receiver(status(500)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        await admin.get(path_of(webhook, "/test"))
        await api.deliver()

    assert len(receiver.received) == 1


@pytest.mark.parametrize("code", [200, 410, 500])
async def test_a_test_changes_nothing_of_the_webhook(admin: httpx.AsyncClient, code: int):
    async with Receiver(status(code)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        before = data_of(await admin.get(path_of(webhook, "")))

        await admin.get(path_of(webhook, "/test"))

    after = data_of(await admin.get(path_of(webhook, "")))
    assert after == before
    assert (after["http_status_code"], after["active"]) == ("0", True)
    assert "dispatched_at" not in after


async def test_an_inactive_webhook_can_be_tried_and_stays_inactive(admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, active=False)

        tried = data_of(await admin.get(path_of(webhook, "/test")))

    assert tried["verification_status_code"] == "200"
    assert data_of(await admin.get(path_of(webhook, "")))["active"] is False


async def test_a_test_waits_for_nothing_and_ends_no_pause(api: Api, admin: httpx.AsyncClient):
    async with Receiver(status(500), status(200)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, rate_limit="1/minute")
        async with api.store.write() as tx:
            pause = {"paused_until": far_from_now(api), "next_request_at": far_from_now(api)}
            await tx.execute(sa.update(webhooks).values(**pause))
        await new_run(admin)

        failed, taken = [
            data_of(await admin.get(path_of(webhook, "/test")))["verification_status_code"]
            for _ in range(2)
        ]

    (row,) = await rows_of(api.store, webhooks)
    assert (failed, taken, len(receiver.received)) == ("500", "200", 2)
    assert (row.paused_until, row.next_request_at) == (far_from_now(api), far_from_now(api))


def far_from_now(api: Api) -> datetime:
    return api.clock.now() + timedelta(hours=1)


async def test_nobody_tries_another_accounts_webhook(api: Api, admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        theirs = await api.add_other_account()

        told(await theirs.get(path_of(webhook, "/test")), 404)

    assert receiver.received == []


async def test_a_test_whose_process_died_has_failed_and_is_never_sent_by_a_dispatcher(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        await insert_sample(
            Context(api.store, clock, SOMEBODY),
            AccountId(1),
            WebhookId(webhook["id"]),
            LEASE,
            public_url=None,
            event_type=None,
        )
        held = await the_event(admin, webhook)
        clock.advance(LEASE.duration)

        await Rescuer(api.store).tick()
        await api.deliver()

    ended = await the_event(admin, webhook)
    assert (held["state"], ended["state"]) == ("sending", "failed")
    assert receiver.received == []


async def test_a_restart_ends_tests_and_returns_deliveries(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    webhook = await new_webhook(admin)
    dead = Lease(owner="dead", duration=LEASE.duration)
    await insert_sample(
        Context(api.store, clock, SOMEBODY),
        AccountId(1),
        WebhookId(webhook["id"]),
        dead,
        public_url=None,
        event_type=None,
    )

    assert await rescue_all(api.store) == 1

    assert (await the_event(admin, webhook))["state"] == "failed"


async def test_a_test_is_not_redelivered(admin: httpx.AsyncClient):
    async with Receiver(status(500)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        event_id = data_of(await admin.get(path_of(webhook, "/test")))["event_id"]

    answer = await admin.post(path_of(webhook, f"/event/{event_id}/redeliver"))

    assert "another test" in told(answer, 409)


async def test_runs_are_delivered_beside_a_test(api: Api, admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await admin.get(path_of(webhook, "/test"))
        await new_run(admin)
        await api.deliver()

    events = data_of(await admin.get(path_of(webhook, "/events")))
    assert sorted((event["is_test"], event["state"]) for event in events) == [
        (False, "succeeded"),
        (True, "succeeded"),
    ]


async def test_an_account_has_only_so_many_tests_under_way_at_once(admin: httpx.AsyncClient):
    gate = asyncio.Event()
    async with Receiver(once(gate, status(200))) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        tests = [
            asyncio.create_task(admin.get(path_of(webhook, "/test"))) for _ in range(TESTS_AT_ONCE)
        ]
        await receiver.wait_for(TESTS_AT_ONCE)

        one_more = await admin.get(path_of(webhook, "/test"))

        gate.set()
        ended = [one.status_code for one in await asyncio.gather(*tests)]
        again = await admin.get(path_of(webhook, "/test"))
    assert one_more.status_code == 429
    assert told(one_more, 429).startswith(
        f"{TESTS_AT_ONCE} tests of this account's webhooks are under"
    )
    assert one_more.headers["retry-after"] == "10"
    assert len(receiver.received) == TESTS_AT_ONCE + 1
    assert [*ended, again.status_code] == [200] * (TESTS_AT_ONCE + 1)
