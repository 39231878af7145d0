"""A worker's leases last as long as it sends or its deliveries wait, and no longer."""

import asyncio
from datetime import timedelta

from runhook.dispatcher.limits import LIMITS
from runhook.domain.deliveries.delivery import DeliveryState, Lease
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.webhooks.send_test import send_test
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import SOMEBODY, claims_of, rows_of
from tests.support.misbehaving import once
from tests.support.receiver import status
from tests.support.scene import LEASE, SEND_MARGIN, Scene, deliver_due

INTERVAL = (LEASE - SEND_MARGIN) / 3
FULL_LANE = LIMITS.requests_per_lane + 1
"""More than are sent at once: one of them waits."""


async def start_runs(scene: Scene, count: int) -> None:
    """Publish so many deliveries."""
    await asyncio.gather(*(scene.tenant.start(f"run-{number}") for number in range(count)))


async def test_what_is_sent_and_what_waits_in_its_lane_is_held_beyond_one_lease(scene: Scene):
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    await scene.webhook_at(receiver)
    await start_runs(scene, FULL_LANE)
    worker = await scene.dispatcher()
    await worker.tick()
    await receiver.wait_for(LIMITS.requests_per_lane)

    for _ in range(3 * LEASE // INTERVAL):
        scene.clock.advance(INTERVAL)
        assert await worker.renew() == INTERVAL
        await scene.rescue()
    held = await claims_of(scene.store)
    release.set()
    await worker.settle()

    assert held == [(DeliveryState.SENDING, "a worker")] * FULL_LANE
    assert len(receiver.received) == FULL_LANE


async def test_a_lease_with_time_left_is_not_written_again(scene: Scene):
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher()
    await worker.tick()
    (before,) = await rows_of(scene.store, deliveries)

    scene.clock.advance(INTERVAL)
    await worker.renew()
    (after_one,) = await rows_of(scene.store, deliveries)
    scene.clock.advance(2 * INTERVAL)
    await worker.renew()
    (after_three,) = await rows_of(scene.store, deliveries)

    release.set()
    await worker.settle()
    assert after_one.claimed_until == before.claimed_until
    assert after_three.claimed_until == scene.clock.now() + LEASE


async def test_a_late_worker_does_not_send_what_another_one_took(scene: Scene):
    release = asyncio.Event()
    receiver = await scene.receiver(
        *[once(release, status(200))] * LIMITS.requests_per_lane, status(200)
    )
    webhook = await scene.webhook_at(receiver)
    await start_runs(scene, FULL_LANE)
    late = await scene.dispatcher(owner="late")
    await late.tick()
    await receiver.wait_for(LIMITS.requests_per_lane)
    scene.clock.advance(LEASE)
    await scene.rescue()

    await deliver_due(await scene.dispatcher(owner="quick"))
    await late.renew()
    release.set()
    await late.settle()

    # All of them by the quick one, and those that the late one had begun to send.
    assert len(receiver.received) == FULL_LANE + LIMITS.requests_per_lane
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * FULL_LANE


async def test_a_worker_that_holds_nothing_writes_nothing(scene: Scene):
    worker = await scene.dispatcher()

    scene.clock.advance(timedelta(days=1))

    assert await worker.renew() == INTERVAL


async def test_an_attempt_with_a_longer_limit_of_its_own_is_held_until_its_end(scene: Scene):
    """Even while leases cannot be renewed."""
    limit = 2 * LEASE
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    webhook = await scene.tenant.webhook(
        receiver.url, event_types=["job.run.started"], attempt_timeout=limit.total_seconds()
    )
    await scene.tenant.start()
    worker = await scene.dispatcher()
    await worker.tick()
    await receiver.wait_for(1)

    scene.clock.advance(limit)
    await scene.rescue()
    await deliver_due(await scene.dispatcher(owner="another worker"))
    held = await claims_of(scene.store)
    release.set()
    await worker.settle()

    assert held == [(DeliveryState.SENDING, "a worker")]
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    assert len(receiver.received) == 1


async def test_a_test_with_a_longer_limit_of_its_own_is_held_until_its_end(scene: Scene):
    limit = 2 * LEASE
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    webhook = await scene.tenant.webhook(receiver.url, attempt_timeout=limit.total_seconds())
    testing = asyncio.create_task(
        send_test(
            Context(scene.store, scene.clock, SOMEBODY),
            await scene.sender(),
            FIRST_ACCOUNT,
            webhook.id,
            lease=Lease(owner="a worker", duration=LEASE),
        )
    )
    await receiver.wait_for(1)

    scene.clock.advance(limit)
    await scene.rescue()
    release.set()
    tried = await testing

    assert tried.outcome.status_code == 200
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
