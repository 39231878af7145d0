"""After an attempt, a worker looks into the queue again where something may be due by that."""

import asyncio

from tests.support.misbehaving import once
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due


async def test_a_success_with_nothing_behind_it_is_no_reason_to_look(scene: Scene):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)))
    await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)
    await dispatcher.tick()

    gate.set()
    await dispatcher.settle()

    assert not scene.room.is_set()


async def test_a_failure_is_a_reason_to_look_when_its_retry_is_due(scene: Scene):
    await scene.webhook_at(await scene.receiver(status(500)))
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert scene.room.is_set()


async def test_so_is_a_success_that_the_next_event_of_the_run_waits_for(scene: Scene):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)), status(200))
    await scene.tenant.webhook(receiver.url)
    run = await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)
    await scene.tenant.finish(run)
    await dispatcher.tick()

    gate.set()
    await dispatcher.settle()

    assert scene.room.is_set()
