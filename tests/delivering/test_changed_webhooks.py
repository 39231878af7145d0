"""What is waiting, or being sent, when its webhook is changed, switched off or deleted."""

import asyncio

import pytest

from runhook.domain.deliveries import DeliveryState
from runhook.operations.subscribe import WebhookChange
from tests.support.misbehaving import once
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due


@pytest.fixture(params=["deactivate", "remove"])
def switch_off(request: pytest.FixtureRequest, scene: Scene):
    """Either of the two ways to want nothing more."""
    return getattr(scene.tenant, request.param)


async def test_what_waits_is_canceled(scene: Scene, switch_off):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    dispatcher = await scene.dispatcher()
    await scene.tenant.start("run-1")
    await deliver_due(dispatcher)
    await scene.tenant.start("run-2")

    await switch_off(webhook)
    await deliver_due(dispatcher)

    deliveries = await scene.tenant.deliveries(webhook)
    assert [one.state for one in deliveries] == [DeliveryState.CANCELED] * 2
    assert [one.next_attempt_at for one in deliveries] == [None, None]
    assert len(receiver.received) == 1


async def test_what_is_being_sent_and_fails_is_canceled_instead_of_retried(
    scene: Scene, switch_off
):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(500)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)

    await switch_off(webhook)
    gate.set()
    await dispatcher.settle()

    assert await scene.tenant.states(webhook) == [DeliveryState.CANCELED]
    assert (await scene.attempt(webhook)).http_status_code == 500


async def test_what_is_being_sent_and_arrives_has_succeeded(scene: Scene, switch_off):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)

    await switch_off(webhook)
    gate.set()
    await dispatcher.settle()

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]


async def test_the_next_attempt_goes_to_the_new_url(scene: Scene):
    old, new = await scene.receiver(status(500)), await scene.receiver()
    webhook = await scene.webhook_at(old)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    await scene.tenant.change(webhook, WebhookChange(client_url=new.url))
    await scene.skip_to_next_attempt(webhook)
    await deliver_due(dispatcher)

    (before,), (after,) = old.received, new.received
    assert after.headers["webhook-id"] == before.headers["webhook-id"]
    assert after.body == before.body


async def test_a_retry_says_the_name_that_the_webhook_had_when_the_event_happened(scene: Scene):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    await scene.tenant.change(webhook, WebhookChange(name="Renamed"))
    await scene.skip_to_next_attempt(webhook)
    await deliver_due(dispatcher)

    first, second = receiver.received
    assert first.body == second.body
    assert b"Renamed" not in second.body
