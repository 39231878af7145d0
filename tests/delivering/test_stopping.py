"""A worker that stops finishes what is under way and gives the rest back at once."""

import asyncio
from collections import Counter

from runhook.dispatcher.limits import LIMITS
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import rows_of
from tests.support.misbehaving import once
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due

MORE_THAN_A_LANE_SENDS = LIMITS.requests_per_lane + 8


async def test_what_is_under_way_is_recorded_and_the_rest_is_given_back(scene: Scene):
    release = asyncio.Event()
    receiver = await scene.receiver(once(release, status(200)))
    await scene.webhook_at(receiver)
    await asyncio.gather(
        *(scene.tenant.start(f"run-{number}") for number in range(MORE_THAN_A_LANE_SENDS))
    )
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(LIMITS.requests_per_lane)

    stopping = asyncio.create_task(dispatcher.stop())
    await asyncio.sleep(0)
    release.set()
    await stopping

    left = Counter(
        (row.state, row.claimed_by, row.attempt_count) for row in await rows_of_deliveries(scene)
    )
    assert left == {
        (DeliveryState.SUCCEEDED, None, 1): LIMITS.requests_per_lane,
        (DeliveryState.PENDING, None, 0): 8,
    }
    assert len(receiver.received) == LIMITS.requests_per_lane


async def test_another_worker_goes_on_at_once_with_what_was_given_back(scene: Scene):
    receiver = await scene.receiver()
    await scene.webhook_at(receiver)
    await scene.tenant.start()
    stopped = await scene.dispatcher(owner="stopped")
    await asyncio.gather(stopped.tick(), stopped.stop())
    await stopped.settle()
    assert receiver.received == []

    await deliver_due(await scene.dispatcher(owner="next"))

    assert len(receiver.received) == 1


async def test_stopping_with_nothing_under_way_is_nothing(scene: Scene):
    dispatcher = await scene.dispatcher()

    await dispatcher.stop()


async def rows_of_deliveries(scene: Scene):
    """Every delivery's row."""
    return await rows_of(scene.store, deliveries)
