"""A slow endpoint holds up nothing but its own deliveries."""

import asyncio
from datetime import timedelta

from runhook.dispatcher.limits import LIMITS
from runhook.dispatcher.loop import NO_PAUSE, Loop
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import claims_of, rows_of
from tests.support.misbehaving import once, together
from tests.support.receiver import status
from tests.support.scene import LEASE, Scene, deliver_due

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
    assert len(hanging.received) <= LIMITS.requests_per_lane
    loop.stop()
    await running
    release.set()
    await dispatcher.stop()
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * WAITING


async def test_an_endpoint_gets_no_more_than_so_many_requests_at_once(scene: Scene):
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    await scene.webhook_at(receiver)
    many = LIMITS.requests_per_lane + 4
    await asyncio.gather(*(scene.tenant.start(f"run-{number}") for number in range(many)))
    dispatcher = await scene.dispatcher()

    await dispatcher.tick()
    await receiver.wait_for(LIMITS.requests_per_lane)
    await dispatcher.tick()

    assert len(receiver.received) == LIMITS.requests_per_lane
    release.set()
    await dispatcher.settle()
    assert len(receiver.received) == many


async def test_an_endpoint_gets_as_many_requests_at_once_as_a_lane_sends_and_never_more(
    scene: Scene,
):
    """Seen from the endpoint, which answers when as many have come as a lane sends at once."""
    rounds = 3
    receiver = await scene.receiver(together(LIMITS.requests_per_lane, status(200)))
    webhook = await scene.webhook_at(receiver)
    many = rounds * LIMITS.requests_per_lane
    await asyncio.gather(*(scene.tenant.start(f"run-{number}") for number in range(many)))

    await deliver_due(await scene.dispatcher())

    assert receiver.most_at_once == LIMITS.requests_per_lane
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * many


async def test_many_endpoints_that_hang_delay_no_other(scene: Scene):
    release = asyncio.Event()
    hanging = [await scene.receiver(once(release, status(200))) for _ in range(12)]
    healthy = await scene.receiver()
    for receiver in (*hanging, healthy):
        await scene.webhook_at(receiver)
    await asyncio.gather(*(scene.tenant.start(f"run-{number}") for number in range(6)))
    dispatcher = await scene.dispatcher()

    while await dispatcher.tick() == NO_PAUSE:
        await healthy.wait_for(6)

    assert len(healthy.received) == 6
    assert all(len(one.received) <= LIMITS.requests_per_lane for one in hanging)
    release.set()
    await dispatcher.settle()


async def test_an_endpoint_that_fails_changes_nothing_for_another(scene: Scene):
    failing = await scene.webhook_at(await scene.receiver(status(500)))
    healthy = await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(failing) == [DeliveryState.PENDING]
    assert await scene.tenant.states(healthy) == [DeliveryState.SUCCEEDED]


async def test_a_lane_that_hangs_takes_no_place_from_another_however_much_waits(scene: Scene):
    """What one tick claims, and what is under way then, counted."""
    release = asyncio.Event()
    hanging = await scene.receiver(once(release, status(200)))
    healthy = await scene.receiver(once(release, status(200)))
    stuck = await scene.webhook_at(hanging)
    await scene.start_many(WAITING, "before")
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await hanging.wait_for(LIMITS.requests_per_lane)
    held = sum(owner is not None for _, owner in await claims_of(scene.store))
    await scene.webhook_at(healthy)
    await scene.start_many(WAITING, "after")

    await dispatcher.tick()
    await healthy.wait_for(LIMITS.requests_per_lane)

    assert len(hanging.received) == len(healthy.received) == LIMITS.requests_per_lane
    claims = [row for row in await rows_of(scene.store, deliveries) if row.claimed_by]
    of_stuck = sum(row.webhook_id == stuck.id for row in claims)
    assert (of_stuck, len(claims) - of_stuck) == (held, held)
    release.set()
    await dispatcher.stop()


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
