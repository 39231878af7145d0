"""What is waiting, or being sent, when its webhook is changed, switched off or deleted."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest

from runhook.dispatcher.dispatcher import Dispatcher
from runhook.dispatcher.rescuer import BREATH, INTERVAL, Rescuer
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.deliveries.deactivate import STEP
from runhook.operations.webhooks.subscribe import WebhookChange
from tests.support.copies import copy_delivery
from tests.support.misbehaving import once
from tests.support.receiver import Answer, Receiver, status
from tests.support.scene import Scene, deliver_due


@pytest.fixture(params=["deactivate", "remove"])
def switch_off(request: pytest.FixtureRequest, scene: Scene):
    """Either of the two ways to want nothing more."""
    return getattr(scene.tenant, request.param)


@dataclass(frozen=True)
class AttemptUnderWay:
    """A delivery whose endpoint has its request and has not answered yet."""

    webhook: Webhook
    receiver: Receiver
    dispatcher: Dispatcher
    gate: asyncio.Event

    async def end(self) -> None:
        """Let the endpoint answer, and the outcome be recorded."""
        self.gate.set()
        await self.dispatcher.settle()


async def an_attempt_under_way(scene: Scene, answer: Answer, *later: Answer) -> AttemptUnderWay:
    """Send a delivery to an endpoint that answers when the attempt is to end."""
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, answer), *later)
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)
    return AttemptUnderWay(webhook, receiver, dispatcher, gate)


async def test_what_waits_is_canceled(scene: Scene, switch_off):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    dispatcher = await scene.dispatcher()
    await scene.tenant.start("run-1")
    await deliver_due(dispatcher)
    await scene.tenant.start("run-2")

    await switch_off(webhook)
    await deliver_due(dispatcher)

    waited = await scene.tenant.deliveries(webhook)
    assert [one.state for one in waited] == [DeliveryState.CANCELED] * 2
    assert [one.next_attempt_at for one in waited] == [None, None]
    assert len(receiver.received) == 1


async def test_if_much_waits_the_rest_is_canceled_step_by_step_and_nothing_of_it_sent(
    scene: Scene, switch_off
):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    await copy_delivery(scene.store, 2 * STEP)

    await switch_off(webhook)
    at_once = Counter(await scene.tenant.states(webhook))
    await deliver_due(await scene.dispatcher())
    rescuer = Rescuer(scene.store)
    pauses = [await rescuer.tick(), await rescuer.tick()]

    assert at_once == {DeliveryState.CANCELED: STEP, DeliveryState.PENDING: STEP + 1}
    assert receiver.received == []
    assert pauses == [BREATH, INTERVAL]
    ended = await scene.tenant.deliveries(webhook)
    assert {one.state for one in ended} == {DeliveryState.CANCELED}
    (reason,) = {one.cancel_reason for one in ended}
    assert reason


async def test_what_was_left_to_cancel_is_not_sent_when_its_webhook_is_on_again(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    await copy_delivery(scene.store, 2 * STEP)

    await scene.tenant.deactivate(webhook)
    await scene.tenant.activate(webhook)
    await scene.tenant.start("run-2")
    await deliver_due(await scene.dispatcher())

    assert len(receiver.received) == 1
    states = Counter(await scene.tenant.states(webhook))
    assert states == {DeliveryState.CANCELED: 2 * STEP + 1, DeliveryState.SUCCEEDED: 1}


async def test_what_is_being_sent_and_fails_is_canceled_instead_of_retried(
    scene: Scene, switch_off
):
    attempt = await an_attempt_under_way(scene, status(500))

    await switch_off(attempt.webhook)
    await attempt.end()

    assert await scene.tenant.states(attempt.webhook) == [DeliveryState.CANCELED]
    assert (await scene.attempt(attempt.webhook)).http_status_code == 500


async def test_what_is_being_sent_and_arrives_has_succeeded(scene: Scene, switch_off):
    attempt = await an_attempt_under_way(scene, status(200))

    await switch_off(attempt.webhook)
    await attempt.end()

    assert await scene.tenant.states(attempt.webhook) == [DeliveryState.SUCCEEDED]


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


@pytest.mark.parametrize("code", [200, 500])
async def test_what_is_being_sent_stays_at_the_url_it_was_sent_to(scene: Scene, code: int):
    attempt = await an_attempt_under_way(scene, status(code))
    new = await scene.receiver()

    await scene.tenant.change(attempt.webhook, WebhookChange(client_url=new.url))
    await deliver_due(attempt.dispatcher)
    assert new.received == []
    await attempt.end()

    assert (await scene.attempt(attempt.webhook)).http_status_code == code


async def test_what_failed_at_the_old_url_meanwhile_is_retried_at_the_new_one(scene: Scene):
    attempt = await an_attempt_under_way(scene, status(500))
    new = await scene.receiver()
    await scene.tenant.change(attempt.webhook, WebhookChange(client_url=new.url))
    await attempt.end()

    await scene.skip_to_next_attempt(attempt.webhook)
    await deliver_due(attempt.dispatcher)

    assert (len(attempt.receiver.received), len(new.received)) == (1, 1)
    assert await scene.tenant.states(attempt.webhook) == [DeliveryState.SUCCEEDED]


async def test_what_is_being_sent_is_retried_if_its_webhook_was_off_only_meanwhile(scene: Scene):
    attempt = await an_attempt_under_way(scene, status(500), status(200))

    await scene.tenant.deactivate(attempt.webhook)
    await scene.tenant.activate(attempt.webhook)
    await attempt.end()
    await scene.skip_to_next_attempt(attempt.webhook)
    await deliver_due(attempt.dispatcher)

    assert await scene.tenant.states(attempt.webhook) == [DeliveryState.SUCCEEDED]


async def test_gone_from_the_old_url_does_not_deactivate_a_webhook_that_has_moved(scene: Scene):
    attempt = await an_attempt_under_way(scene, status(410))
    new = await scene.receiver()

    await scene.tenant.change(attempt.webhook, WebhookChange(client_url=new.url))
    await attempt.end()
    await scene.tenant.start("run-2")
    await deliver_due(attempt.dispatcher)

    assert len(new.received) == 1


async def test_gone_from_a_webhook_that_was_deleted_meanwhile_is_recorded(scene: Scene):
    attempt = await an_attempt_under_way(scene, status(410))

    await scene.tenant.remove(attempt.webhook)
    await attempt.end()

    assert (await scene.attempt(attempt.webhook)).http_status_code == 410
    assert await scene.tenant.states(attempt.webhook) == [DeliveryState.FAILED]
