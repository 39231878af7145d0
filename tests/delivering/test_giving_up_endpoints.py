"""An endpoint that fails for too long loses its webhook, and who asked to be told is told once."""

import asyncio
import json
from datetime import timedelta

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import GONE_REASON
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.failing import (
    FIRST_PAUSE,
    HOPELESS_AFTER,
    HOPELESS_SINCE,
    PAUSE_AFTER,
    WELL,
)
from runhook.domain.webhooks.webhook import DELETED_REASON, Webhook
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.storage.deliveries.rows import LoggedDelivery
from runhook.storage.people.audit_log import AuditEntry, AuditFilter, list_audit_entries
from tests.support.accounts import a_tenant
from tests.support.misbehaving import once
from tests.support.receiver import Receiver, status
from tests.support.scene import Scene, deliver_due

NOTICE = EventType.DEACTIVATED


async def watcher_at(
    scene: Scene, receiver: Receiver, version: PayloadVersion = PayloadVersion.V2022_05
) -> Webhook:
    """Create a webhook that wants to be told of deactivations only."""
    return await scene.tenant.webhook(
        receiver.url, name="Watcher", event_types=[NOTICE.value], payload_version=version
    )


async def deactivations_of(scene: Scene) -> list[AuditEntry]:
    """What the audit log tells of deactivations."""
    chosen = AuditFilter(action=AuditAction.WEBHOOK_DEACTIVATED)
    async with scene.store.read() as tx:
        found = await list_audit_entries(tx, scene.tenant.account_id, chosen, limit=100, offset=0)
    return [one.entry for one in found]


async def notices_of(scene: Scene, webhook: Webhook) -> list[LoggedDelivery]:
    """The notices that a webhook got, gets or would have got."""
    return [one for one in await scene.tenant.deliveries(webhook) if one.event_type is NOTICE]


async def test_the_thousandth_failure_in_a_row_deactivates_and_everything_says_why(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.has_failed(webhook, HOPELESS_AFTER - 1)
    await scene.start_many(3)
    await scene.skip_pause(webhook)

    await deliver_due(await scene.dispatcher())

    shown = await scene.shown(webhook)
    assert shown.active is False
    assert shown.deactivate_reason == (
        "The endpoint has been failing since 2026-03-01 12:00:00 UTC, 1,000 attempts in a row. "
        "The last error: The endpoint answered 500. "
        "Fix the endpoint, then set the webhook active again or change the URL."
    )
    deliveries = await scene.tenant.deliveries(webhook)
    assert [one.state for one in deliveries] == [DeliveryState.CANCELED] * 3
    assert {one.cancel_reason for one in deliveries} == {shown.deactivate_reason}
    assert {one.next_attempt_at for one in deliveries} == {None}


async def test_the_audit_log_says_that_the_service_did_it(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.has_failed(webhook, HOPELESS_AFTER - 1)
    await scene.tenant.start()
    await scene.skip_pause(webhook)

    await deliver_due(await scene.dispatcher())

    (entry,) = await deactivations_of(scene)
    assert (entry.actor, entry.subject_id) == (RUNHOOK, webhook.id)
    assert entry.before == {"active": True, "deactivate_reason": None}
    assert entry.after == {
        "active": False,
        "deactivate_reason": (await scene.shown(webhook)).deactivate_reason,
    }


async def test_seven_days_of_nothing_but_failures_deactivate(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.has_failed(webhook, PAUSE_AFTER)
    dispatcher = await scene.dispatcher()
    scene.clock.advance(HOPELESS_SINCE - timedelta(seconds=1))

    await scene.tenant.start("run-1")
    await deliver_due(dispatcher)
    assert (await scene.shown(webhook)).active
    scene.clock.advance(timedelta(days=1))
    await scene.tenant.start("run-2")
    await deliver_due(dispatcher)

    assert not (await scene.shown(webhook)).active


async def test_what_happens_after_that_is_kept_as_skipped(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(410)))
    await scene.tenant.start("run-1")
    await deliver_due(await scene.dispatcher())

    await scene.tenant.start("run-2")

    assert sorted(await scene.tenant.states(webhook)) == [
        DeliveryState.FAILED,
        DeliveryState.SKIPPED,
    ]


async def test_setting_it_active_again_begins_with_a_clean_slate(scene: Scene):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, HOPELESS_AFTER - 1)
    await scene.tenant.start("run-1")
    await scene.skip_pause(webhook)
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    shown = await scene.tenant.activate(webhook)
    await scene.tenant.start("run-2")
    await deliver_due(dispatcher)

    assert (shown.active, shown.deactivate_reason, shown.health) == (True, None, WELL)
    assert len(receiver.received) == 2


@pytest.mark.parametrize("version", PayloadVersion)
async def test_whoever_asked_to_be_told_gets_a_signed_notice(scene: Scene, version: PayloadVersion):
    receiver = await scene.receiver()
    watcher = await watcher_at(scene, receiver, version)
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.has_failed(webhook, HOPELESS_AFTER - 1)
    await scene.tenant.start()
    await scene.skip_pause(webhook)

    await deliver_due(await scene.dispatcher())

    (received,) = receiver.received
    delivery = await scene.tenant.delivery(watcher)
    assert delivery.state is DeliveryState.SUCCEEDED
    assert (delivery.event_type, delivery.run_id, delivery.job_id) == (NOTICE, None, None)
    assert received.body == delivery.body
    assert {"authorization", "webhook-signature"} <= received.headers.keys()
    assert received.headers["webhook-id"] == delivery.id
    assert webhook.id in received.body.decode()
    assert json.loads(received.body)["data"].keys() & {
        "consecutive_failures",
        "consecutiveFailures",
    }


async def test_a_notice_is_retried_as_any_delivery_is(scene: Scene):
    receiver = await scene.receiver(status(500), status(200))
    watcher = await watcher_at(scene, receiver)
    await scene.webhook_at(await scene.receiver(status(410)))
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    await scene.skip_to_next_attempt(watcher)
    await deliver_due(dispatcher)

    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert len(await scene.attempts(watcher)) == 2


async def test_an_endpoint_that_is_gone_is_told_of_too(scene: Scene):
    watcher = await watcher_at(scene, await scene.receiver())
    webhook = await scene.webhook_at(await scene.receiver(status(410)))
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    (notice,) = await notices_of(scene, watcher)
    assert json.loads(notice.body)["data"] == {
        "deactivated_webhook_id": webhook.id,
        "deactivated_webhook_name": "Alerts",
        "deactivate_reason": GONE_REASON,
        "failing_since": "2026-03-01 12:00:00",
        "consecutive_failures": 1,
        "webhook_name": "Watcher",
    }
    assert len(await deactivations_of(scene)) == 1


async def test_what_a_user_switches_off_is_told_to_nobody(scene: Scene):
    watcher = await watcher_at(scene, await scene.receiver())
    webhook = await scene.webhook_at(await scene.receiver())

    await scene.tenant.deactivate(webhook)

    assert await scene.tenant.deliveries(watcher) == []


async def test_the_webhook_itself_others_accounts_and_who_did_not_ask_are_not_told(scene: Scene):
    webhook = await scene.tenant.webhook((await scene.receiver(status(410))).url)
    indifferent = await scene.webhook_at(await scene.receiver())
    stranger = await a_tenant(scene.store, scene.clock, 2)
    strangers = await stranger.webhook()
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert NOTICE in webhook.event_types
    assert NOTICE in strangers.event_types
    assert await notices_of(scene, webhook) == []
    assert await notices_of(scene, indifferent) == []
    assert await stranger.deliveries(strangers) == []


async def test_a_notice_for_a_webhook_that_is_not_active_is_kept_as_skipped(scene: Scene):
    watcher = await watcher_at(scene, await scene.receiver())
    await scene.tenant.deactivate(watcher)
    await scene.webhook_at(await scene.receiver(status(410)))
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(watcher) == [DeliveryState.SKIPPED]


async def test_workers_that_find_out_at_the_same_time_tell_once(scene: Scene):
    """Each of them has sent something, and each gets the answer that is one too many."""
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(500)))
    watcher = await watcher_at(scene, await scene.receiver())
    webhook = await scene.webhook_at(receiver)
    workers = [await scene.dispatcher(owner=f"worker {number}") for number in range(4)]
    for number, worker in enumerate(workers):
        await scene.tenant.start(f"run-{number}")
        await worker.tick()
        await receiver.wait_for(number + 1)
    await scene.has_failed(webhook, HOPELESS_AFTER - 1)

    gate.set()
    await asyncio.gather(*(worker.settle() for worker in workers))

    assert not (await scene.shown(webhook)).active
    assert len(await notices_of(scene, watcher)) == 1
    assert len(await deactivations_of(scene)) == 1
    assert await scene.tenant.states(webhook) == [DeliveryState.CANCELED] * 4


async def test_two_that_are_given_up_at_once_are_told_of_to_whoever_is_left(scene: Scene):
    """Each had asked to be told of the other, and is there no more."""
    watcher = await watcher_at(scene, await scene.receiver())
    every = [EventType.STARTED.value, NOTICE.value]
    both = [
        await scene.tenant.webhook((await scene.receiver(status(410))).url, event_types=every)
        for _ in range(2)
    ]
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    told = {
        json.loads(one.body)["data"]["deactivated_webhook_id"]
        for one in await notices_of(scene, watcher)
    }
    assert told == {one.id for one in both}
    assert len(await notices_of(scene, watcher)) == 2


async def test_a_user_who_switches_off_is_named_on_what_was_waiting(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.tenant.start()
    await deliver_due(await scene.dispatcher())

    await scene.tenant.deactivate(webhook)

    delivery = await scene.tenant.delivery(webhook)
    assert delivery.cancel_reason == "Set inactive by a user."


async def test_what_waited_for_a_webhook_that_is_deleted_says_so(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()

    await scene.tenant.remove(webhook)

    delivery = await scene.tenant.delivery(webhook)
    assert (delivery.state, delivery.cancel_reason) == (DeliveryState.CANCELED, DELETED_REASON)


async def test_what_was_being_sent_when_it_was_switched_off_says_so_too(scene: Scene):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(500)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)

    await scene.tenant.deactivate(webhook)
    gate.set()
    await dispatcher.settle()

    delivery = await scene.tenant.delivery(webhook)
    assert (delivery.state, delivery.cancel_reason) == (
        DeliveryState.CANCELED,
        "Set inactive by a user.",
    )
    assert (await scene.shown(webhook)).health == WELL


async def test_the_next_attempt_is_made_with_the_url_secret_and_headers_of_then(scene: Scene):
    old, new = await scene.receiver(status(500)), await scene.receiver()
    webhook = await scene.webhook_at(old)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    await scene.tenant.change(
        webhook, WebhookChange(client_url=new.url, options={"custom_headers": {"X-Team": "data"}})
    )
    scene.clock.advance(FIRST_PAUSE)
    await deliver_due(dispatcher)

    (received,) = new.received
    assert received.headers["x-team"] == "data"
    assert received.body == old.received[0].body
