"""Of one run's events to one webhook, a later one waits for the earlier one's first attempt."""

import asyncio
import json

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.webhook import Webhook
from tests.support.misbehaving import once
from tests.support.patience import until
from tests.support.receiver import Receiver, status
from tests.support.scene import Scene, deliver_due

STARTED, ERRORED, COMPLETED = "job.run.started", "job.run.errored", "job.run.completed"


def told(receiver: Receiver) -> list[str]:
    """The types of the events that came in."""
    return [json.loads(one.body)["event_type"] for one in receiver.received]


async def states(scene: Scene, webhook: Webhook) -> dict[str, DeliveryState]:
    """The states of the deliveries of one run's events."""
    return {one.event_type.value: one.state for one in await scene.tenant.deliveries(webhook)}


async def test_a_runs_events_arrive_in_their_order_though_all_are_due_at_once(scene: Scene):
    receiver = await scene.receiver()
    await scene.tenant.webhook(receiver.url)
    await scene.tenant.finish(await scene.tenant.start(), RunStatus.ERROR)

    await deliver_due(await scene.dispatcher())

    assert told(receiver) == [STARTED, ERRORED, COMPLETED]


async def test_the_later_event_waits_while_the_first_attempt_of_the_earlier_is_under_way(
    scene: Scene,
):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)))
    await scene.tenant.webhook(receiver.url)
    run = await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)

    await scene.tenant.finish(run)
    await dispatcher.tick()
    assert told(receiver) == [STARTED]
    gate.set()
    await dispatcher.settle()
    await deliver_due(dispatcher)

    assert told(receiver) == [STARTED, COMPLETED]


async def test_an_earlier_event_that_fails_holds_the_later_one_back_no_longer(scene: Scene):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(500)), status(200))
    webhook = await scene.tenant.webhook(receiver.url)
    run = await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)
    await scene.tenant.finish(run)

    gate.set()
    await dispatcher.settle()
    await deliver_due(dispatcher)

    assert told(receiver) == [STARTED, COMPLETED]
    assert await states(scene, webhook) == {
        STARTED: DeliveryState.PENDING,
        COMPLETED: DeliveryState.SUCCEEDED,
    }


async def test_a_retry_that_is_under_way_holds_nothing_back(scene: Scene):
    gate = asyncio.Event()
    receiver = await scene.receiver(status(500), once(gate, status(200)), status(200))
    webhook = await scene.tenant.webhook(receiver.url)
    run = await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)
    await scene.skip_to_next_attempt(webhook)
    await dispatcher.tick()
    await receiver.wait_for(2)

    await scene.tenant.finish(run)
    await dispatcher.tick()
    await receiver.wait_for(3)

    assert not gate.is_set()
    assert told(receiver) == [STARTED, STARTED, COMPLETED]
    gate.set()
    await dispatcher.settle()


async def test_an_earlier_event_that_hangs_holds_no_other_run_back(scene: Scene):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)), status(200))
    await scene.tenant.webhook(receiver.url)
    first = await scene.tenant.start("run-1")
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await receiver.wait_for(1)

    await scene.tenant.finish(first)
    await scene.tenant.start("run-2")
    await dispatcher.tick()
    await receiver.wait_for(2)
    await dispatcher.tick()

    assert told(receiver) == [STARTED, STARTED]
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 2
    gate.set()
    await dispatcher.settle()


async def test_an_earlier_event_that_hangs_at_one_webhook_holds_no_other_webhook_back(
    scene: Scene,
):
    gate = asyncio.Event()
    hanging, healthy = await scene.receiver(once(gate, status(200))), await scene.receiver()
    await scene.tenant.webhook(hanging.url)
    await scene.tenant.webhook(healthy.url)
    run = await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await hanging.wait_for(1)
    await healthy.wait_for(1)

    await scene.tenant.finish(run)

    async def is_told_of_the_end() -> bool:
        await dispatcher.tick()
        return len(healthy.received) == 2

    await until(is_told_of_the_end)

    assert told(healthy) == [STARTED, COMPLETED]
    assert told(hanging) == [STARTED]
    gate.set()
    await dispatcher.settle()


async def test_an_event_that_was_skipped_holds_nothing_back(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.tenant.webhook(receiver.url, active=False)
    run = await scene.tenant.start()
    await scene.tenant.activate(webhook)

    await scene.tenant.finish(run)
    await deliver_due(await scene.dispatcher())

    assert told(receiver) == [COMPLETED]
    assert await states(scene, webhook) == {
        STARTED: DeliveryState.SKIPPED,
        COMPLETED: DeliveryState.SUCCEEDED,
    }
