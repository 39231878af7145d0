"""Deliveries that fail are tried again on the schedule, with the same bytes, and then given up."""

from datetime import timedelta

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.retries import RetrySchedule
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due


async def test_a_delivery_arrives_once_with_its_stored_bytes(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    (received,) = receiver.received
    delivery = await scene.tenant.delivery(webhook)
    assert received.body == delivery.body
    assert received.headers["webhook-id"] == delivery.id
    assert received.headers["content-type"] == "application/json"
    assert delivery.state is DeliveryState.SUCCEEDED


async def test_a_retry_carries_the_same_bytes_and_id_under_a_new_signature(scene: Scene):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()

    await deliver_due(dispatcher)
    await scene.skip_to_next_attempt(webhook)
    await deliver_due(dispatcher)

    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


async def test_no_attempt_comes_before_its_time(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    pause = await scene.skip_to_next_attempt(webhook)
    scene.clock.advance(-timedelta(milliseconds=1))
    await deliver_due(dispatcher)

    assert timedelta(seconds=10) <= pause <= timedelta(seconds=12)
    assert len(receiver.received) == 1


async def test_gives_up_after_the_last_scheduled_attempt(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher(schedule=RetrySchedule.parse("10,10"))

    for _ in range(2):
        await deliver_due(dispatcher)
        await scene.skip_to_next_attempt(webhook)
    await deliver_due(dispatcher)

    delivery = await scene.tenant.delivery(webhook)
    assert delivery.state is DeliveryState.FAILED
    assert delivery.failure is FailureReason.HTTP_STATUS
    assert len(receiver.received) == 3


async def test_without_a_schedule_there_is_one_attempt_and_no_more(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher(schedule=RetrySchedule.parse(""))

    await deliver_due(dispatcher)
    scene.clock.advance(timedelta(days=7))
    await deliver_due(dispatcher)

    assert len(receiver.received) == 1
    assert await scene.tenant.states(webhook) == [DeliveryState.FAILED]


async def test_waits_as_long_as_the_endpoint_asks(scene: Scene):
    receiver = await scene.receiver(status(503, headers={"Retry-After": "600"}))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert await scene.skip_to_next_attempt(webhook) == timedelta(seconds=600)


async def test_a_redirect_is_a_failure_and_is_not_followed(scene: Scene):
    target = await scene.receiver()
    receiver = await scene.receiver(status(302, headers={"Location": target.url}))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    attempt = await scene.attempt(webhook)
    assert (attempt.http_status_code, attempt.failure) == (302, FailureReason.HTTP_STATUS)
    assert target.connections == 0


async def test_gone_ends_the_delivery_and_deactivates_the_webhook(scene: Scene):
    receiver = await scene.receiver(status(410))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    delivery = await scene.tenant.delivery(webhook)
    assert delivery.state is DeliveryState.FAILED
    assert len(receiver.received) == 1
