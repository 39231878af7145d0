"""The database's clock decides what is due and whose lease is over, whatever a worker's says."""

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from tests.support.clock import ManualClock
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due

AN_HOUR = timedelta(hours=1)


@pytest.fixture(params=[-AN_HOUR, AN_HOUR], ids=["behind", "ahead"])
def wrong(request: pytest.FixtureRequest, clock: ManualClock) -> ManualClock:
    """The clock of a machine that is an hour off."""
    return ManualClock(clock.now() + request.param)


async def test_a_worker_whose_clock_is_wrong_delivers_at_once(scene: Scene, wrong: ManualClock):
    receiver = await scene.receiver()
    await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher(clock=wrong))

    assert len(receiver.received) == 1


async def test_a_worker_whose_clock_is_wrong_retries_after_the_scheduled_pause(
    scene: Scene, wrong: ManualClock
):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher(clock=wrong)
    await deliver_due(dispatcher)
    await deliver_due(dispatcher)
    assert len(receiver.received) == 1

    pause = await scene.skip_to_next_attempt(webhook)
    await deliver_due(dispatcher)

    assert timedelta(seconds=10) <= pause <= timedelta(seconds=12)
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]


async def test_a_worker_whose_clock_is_wrong_takes_nothing_from_a_living_one(
    scene: Scene, wrong: ManualClock
):
    receiver = await scene.receiver()
    await scene.webhook_at(receiver)
    await scene.tenant.start()
    right = await scene.dispatcher(owner="right")
    await right.tick()

    await scene.rescue()
    await deliver_due(await scene.dispatcher(owner="wrong", clock=wrong))
    await right.settle()

    assert len(receiver.received) == 1


async def test_a_clock_that_is_set_back_delays_a_retry_and_loses_none(scene: Scene):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    scene.clock.advance(-AN_HOUR)
    await deliver_due(dispatcher)
    assert len(receiver.received) == 1
    pause = await scene.skip_to_next_attempt(webhook)
    await deliver_due(dispatcher)

    assert AN_HOUR <= pause <= AN_HOUR + timedelta(seconds=12)
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]


@pytest.mark.parametrize(
    ("value", "least"),
    [
        ("600", timedelta(seconds=600)),
        ("in ten minutes", timedelta(seconds=10)),
        ("-5", timedelta(seconds=10)),
        ("99999999999999999999", timedelta(hours=4)),
    ],
)
async def test_what_an_endpoint_asks_for_is_respected_as_far_as_it_makes_sense(
    scene: Scene, value: str, least: timedelta
):
    webhook = await scene.webhook_at(
        await scene.receiver(status(429, headers={"Retry-After": value}))
    )
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert least <= await scene.skip_to_next_attempt(webhook) <= least * 1.2


async def test_a_date_that_an_endpoint_asks_for_is_respected(scene: Scene):
    later: datetime = scene.clock.now() + AN_HOUR
    answer = status(503, headers={"Retry-After": format_datetime(later, usegmt=True)})
    webhook = await scene.webhook_at(await scene.receiver(answer))
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert await scene.skip_to_next_attempt(webhook) == AN_HOUR
