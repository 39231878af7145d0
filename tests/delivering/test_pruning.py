"""History older than the retention goes, in bounded steps; what is still to be sent stays."""

import asyncio
from datetime import timedelta

from runhook.dispatcher.pruner import BREATH, INTERVAL, Pruner
from runhook.domain.deliveries import DeliveryState
from runhook.operations.prune import STEP
from runhook.storage.tables import attempts, deliveries, events, runs
from tests.support.accounts import rows_of
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due

RETENTION = timedelta(days=30)
HISTORY = (attempts, deliveries, events, runs)


def pruner(scene: Scene) -> Pruner:
    return Pruner(scene.store, scene.clock, retention=RETENTION)


async def prune(scene: Scene) -> int:
    """Tick until nothing is left to prune; return how many steps deleted something."""
    steps = 0
    while await pruner(scene).tick() == BREATH:
        steps += 1
    return steps


async def rows_left(scene: Scene) -> dict[str, int]:
    """Return how many rows of history there are."""
    return {table.name: len(await rows_of(scene.store, table)) for table in HISTORY}


async def deliver_a_whole_run(scene: Scene, run_key: str) -> None:
    """Let a run start and end, and tell of its start."""
    await scene.tenant.finish(await scene.tenant.start(run_key))
    await deliver_due(await scene.dispatcher())


async def test_what_ended_before_the_retention_goes_with_all_that_belongs_to_it(scene: Scene):
    await scene.webhook_at(await scene.receiver())
    await deliver_a_whole_run(scene, "run-1")
    assert await rows_left(scene) == {"attempts": 1, "deliveries": 1, "events": 2, "runs": 1}

    scene.clock.advance(RETENTION + timedelta(seconds=1))
    await prune(scene)

    assert await rows_left(scene) == {"attempts": 0, "deliveries": 0, "events": 0, "runs": 0}


async def test_what_is_within_the_retention_stays(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await deliver_a_whole_run(scene, "old")
    scene.clock.advance(timedelta(seconds=1))
    await deliver_a_whole_run(scene, "new")
    newest = (await scene.tenant.deliveries(webhook))[-1]

    scene.clock.advance(RETENTION)
    await prune(scene)

    assert await scene.tenant.deliveries(webhook) == [newest]
    assert await rows_left(scene) == {"attempts": 1, "deliveries": 1, "events": 2, "runs": 1}


async def test_what_is_still_to_be_sent_stays_however_old_and_so_does_its_run(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await deliver_a_whole_run(scene, "run-1")

    scene.clock.advance(RETENTION * 2)
    await prune(scene)

    assert await scene.tenant.states(webhook) == [DeliveryState.PENDING]
    assert await rows_left(scene) == {"attempts": 1, "deliveries": 1, "events": 2, "runs": 1}


async def test_a_run_that_has_not_ended_stays(scene: Scene):
    await scene.tenant.start()

    scene.clock.advance(RETENTION * 2)
    await prune(scene)

    assert len(await rows_of(scene.store, runs)) == 1


async def test_a_step_deletes_only_so_much_and_then_lets_others_have_their_turn(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.deactivate(webhook)
    started = await asyncio.gather(
        *(scene.tenant.start(f"run-{number}") for number in range(STEP + 1))
    )
    await asyncio.gather(*(scene.tenant.finish(run) for run in started))
    scene.clock.advance(RETENTION + timedelta(seconds=1))

    assert await pruner(scene).tick() == BREATH

    assert len(await rows_of(scene.store, deliveries)) == 1
    assert await prune(scene) >= 1
    assert sum((await rows_left(scene)).values()) == 0


async def test_looks_again_later_if_there_is_nothing_to_prune(scene: Scene):
    assert await pruner(scene).tick() == INTERVAL
