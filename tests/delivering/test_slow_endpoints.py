"""A slow endpoint holds up nothing but its own deliveries."""

import asyncio
from datetime import timedelta

from runhook.dispatcher.lanes import REQUESTS_PER_LANE
from runhook.dispatcher.loop import Loop
from runhook.domain.deliveries import DeliveryState
from tests.support.accounts import claims_of
from tests.support.misbehaving import once
from tests.support.receiver import status
from tests.support.scene import LEASE, Scene

WAITING = 200


async def test_an_endpoint_that_hangs_delays_no_other(scene: Scene):
    release = asyncio.Event()
    hanging = await scene.receiver(once(release, status(200)))
    healthy = await scene.receiver()
    await scene.webhook_at(hanging)
    webhook = await scene.webhook_at(healthy)
    await asyncio.gather(*(scene.tenant.start(f"run-{number}") for number in range(WAITING)))
    dispatcher = await scene.dispatcher()
    loop = Loop("dispatcher", dispatcher.tick, wake=scene.room)
    running = asyncio.create_task(loop.run())

    await healthy.wait_for(WAITING)

    # All of one have arrived, and not one of the other has been answered yet.
    assert not release.is_set()
    assert len(hanging.received) <= REQUESTS_PER_LANE
    loop.stop()
    await running
    release.set()
    await dispatcher.stop()
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * WAITING


async def test_an_endpoint_gets_no_more_than_so_many_requests_at_once(scene: Scene):
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    await scene.webhook_at(receiver)
    many = REQUESTS_PER_LANE + 4
    await asyncio.gather(*(scene.tenant.start(f"run-{number}") for number in range(many)))
    dispatcher = await scene.dispatcher()

    await dispatcher.tick()
    await receiver.wait_for(REQUESTS_PER_LANE)
    await dispatcher.tick()

    assert len(receiver.received) == REQUESTS_PER_LANE
    release.set()
    await dispatcher.settle()
    assert len(receiver.received) == many


async def test_what_waited_too_long_in_its_lane_is_given_back_and_not_sent(scene: Scene):
    """Its lease might end while it is sent, and another worker would send it too."""
    receiver = await scene.receiver()
    await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher(send_margin=LEASE + timedelta(seconds=1))

    await dispatcher.tick()
    await dispatcher.settle()

    assert receiver.received == []
    assert await claims_of(scene.store) == [(DeliveryState.PENDING, None)]
