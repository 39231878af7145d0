"""A claim that was lost counts for nothing, even where the same worker has claimed anew."""

import asyncio
from datetime import timedelta

import pytest

from runhook.dispatcher.limits import LIMITS
from runhook.domain.deliveries.delivery import LONGEST_LEASE, DeliveryState, Lease
from runhook.operations.deliveries.attempt import claim_deliveries
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import claims_of, rows_of
from tests.support.clock import ManualClock
from tests.support.misbehaving import once
from tests.support.patience import PATIENCE, until
from tests.support.receiver import status
from tests.support.scene import LEASE, Scene, deliver_due

A_WHILE = timedelta(seconds=5)
LATER = timedelta(days=1)
SENDING = (DeliveryState.SENDING, "a worker")


async def test_a_worker_that_claims_again_what_it_lost_records_the_later_attempt_only(
    scene: Scene,
):
    first, second = asyncio.Event(), asyncio.Event()
    receiver = await scene.receiver(
        once(first, status(500)), once(second, status(200)), status(200)
    )
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start("run-1")
    worker = await scene.dispatcher()
    await worker.tick()
    await receiver.wait_for(1)
    scene.clock.advance(LEASE)
    await scene.rescue()
    await worker.tick()
    await receiver.wait_for(2)

    await scene.tenant.start("run-2")
    await worker.tick()
    await receiver.wait_for(3)
    first.set()
    second.set()
    async with asyncio.timeout(PATIENCE):
        await worker.settle()
        await worker.stop()

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * 2
    rows = await rows_of(scene.store, deliveries)
    assert [(row.attempt_count, row.http_status_code) for row in rows] == [(1, 200)] * 2


async def test_a_late_answer_is_not_recorded_while_the_same_worker_sends_again(scene: Scene):
    late, later = asyncio.Event(), asyncio.Event()
    receiver = await scene.receiver(once(late, status(500)), once(later, status(200)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher()
    await worker.tick()
    await receiver.wait_for(1)
    scene.clock.advance(LEASE)
    await scene.rescue()
    await worker.tick()
    await receiver.wait_for(2)

    late.set()

    async def holds_one() -> bool:
        return worker.held == 1

    await until(holds_one)

    assert await claims_of(scene.store) == [SENDING]
    assert await scene.attempts(webhook) == []
    later.set()
    await worker.settle()
    assert (await scene.attempt(webhook)).http_status_code == 200


@pytest.fixture
def steady() -> ManualClock:
    """The steady clock of a worker whose database's clock is put forward or back."""
    return ManualClock()


async def test_what_is_held_is_recorded_once_though_the_databases_clock_was_put_forward(
    scene: Scene, steady: ManualClock
):
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    webhook = await scene.webhook_at(receiver)
    waiting = 3
    await scene.start_many(LIMITS.requests_per_lane + waiting)
    worker = await scene.dispatcher(steady=steady)
    await worker.tick()
    await receiver.wait_for(LIMITS.requests_per_lane)

    scene.clock.advance(LATER)
    await scene.rescue()
    await worker.tick()
    release.set()
    await worker.settle()
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * (
        LIMITS.requests_per_lane + waiting
    )
    assert {row.attempt_count for row in await rows_of(scene.store, deliveries)} == {1}


async def test_a_dead_workers_lease_lasts_no_longer_though_the_databases_clock_was_put_back(
    scene: Scene,
):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()
    await claim_deliveries(scene.store, {webhook.id: 1}, Lease(owner="dead", duration=LEASE))
    scene.clock.advance(-LATER)

    await scene.rescue()
    assert await claims_of(scene.store) == [(DeliveryState.SENDING, "dead")]
    scene.clock.advance(LONGEST_LEASE)
    await scene.rescue()

    assert await claims_of(scene.store) == [(DeliveryState.PENDING, None)]


async def test_a_living_worker_keeps_its_claims_though_the_databases_clock_was_put_back(
    scene: Scene, steady: ManualClock
):
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher(steady=steady)
    await worker.tick()
    await receiver.wait_for(1)
    scene.clock.advance(-LATER)

    for _ in range(LONGEST_LEASE // A_WHILE):
        await scene.rescue()
        scene.clock.advance(A_WHILE)
        steady.advance(A_WHILE)
        await worker.renew()
    release.set()
    await worker.settle()

    assert len(receiver.received) == 1
    assert (await scene.attempt(webhook)).number == 1
