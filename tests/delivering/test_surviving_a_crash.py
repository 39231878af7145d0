"""What a dead worker held is delivered by another one, and a slow one cannot undo that."""

import asyncio
from datetime import timedelta

from runhook.dispatcher.rescuer import INTERVAL, Rescuer
from runhook.domain.deliveries.delivery import DeliveryState, Lease
from runhook.domain.webhooks.renderings import Renderings
from runhook.operations.deliveries.attempt import claim_deliveries, rescue_all
from runhook.operations.deliveries.follow import Owed, new_delivery
from runhook.operations.ids import new_delivery_id
from runhook.storage.deliveries.rows import insert_deliveries
from tests.support.accounts import claims_of
from tests.support.builders import an_event
from tests.support.misbehaving import once
from tests.support.receiver import status
from tests.support.scene import LEASE, Scene, deliver_due


async def claim_and_die(scene: Scene) -> None:
    """Claim what is due as a worker that will never be heard of again."""
    lanes = dict.fromkeys(scene.tenant.secrets, 100)
    await claim_deliveries(scene.store, lanes, Lease(owner="dead", duration=LEASE))


async def test_another_worker_delivers_what_a_dead_one_held(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    await claim_and_die(scene)
    worker = await scene.dispatcher()

    await deliver_due(worker)
    assert receiver.received == []
    scene.clock.advance(LEASE)
    await scene.rescue()
    await deliver_due(worker)

    assert len(receiver.received) == 1
    assert (await scene.attempt(webhook)).number == 1
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]


async def test_the_rescuer_leaves_living_workers_alone(scene: Scene):
    await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()
    await claim_and_die(scene)
    scene.clock.advance(LEASE - timedelta(seconds=1))

    assert await Rescuer(scene.store).tick() == INTERVAL

    assert await claims_of(scene.store) == [(DeliveryState.SENDING, "dead")]


async def test_a_worker_that_lost_its_lease_does_not_record_over_the_other_one(scene: Scene):
    late = asyncio.Event()
    receiver = await scene.receiver(once(late, status(500)), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    slow = await scene.dispatcher(owner="slow")
    await slow.tick()
    await receiver.wait_for(1)

    scene.clock.advance(LEASE)
    await scene.rescue()
    await deliver_due(await scene.dispatcher(owner="quick"))
    late.set()
    await slow.settle()

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    assert (await scene.attempt(webhook)).http_status_code == 200


async def test_a_worker_that_lost_its_lease_does_not_record_while_the_other_one_sends(
    scene: Scene,
):
    late, later = asyncio.Event(), asyncio.Event()
    receiver = await scene.receiver(once(late, status(500)), once(later, status(200)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    slow, quick = await scene.dispatcher(owner="slow"), await scene.dispatcher(owner="quick")
    await slow.tick()
    await receiver.wait_for(1)
    scene.clock.advance(LEASE)
    await scene.rescue()
    await quick.tick()
    await receiver.wait_for(2)

    late.set()
    await slow.settle()

    assert await claims_of(scene.store) == [(DeliveryState.SENDING, "quick")]
    assert await scene.attempts(webhook) == []
    later.set()
    await quick.settle()
    assert (await scene.attempt(webhook)).http_status_code == 200


async def test_a_process_that_owns_the_database_takes_everything_back_at_its_start(scene: Scene):
    receiver = await scene.receiver()
    await scene.webhook_at(receiver)
    await scene.tenant.start()
    await claim_and_die(scene)

    assert await rescue_all(scene.store) == 1
    await deliver_due(await scene.dispatcher())

    assert len(receiver.received) == 1


async def test_what_a_dead_worker_held_for_a_webhook_that_is_gone_is_canceled(scene: Scene):
    """It would wait for ever otherwise: nothing is claimed for a webhook that is not active."""
    switched_off = await scene.webhook_at(await scene.receiver())
    deleted = await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()
    await claim_and_die(scene)
    await scene.tenant.deactivate(switched_off)
    await scene.tenant.remove(deleted)
    scene.clock.advance(LEASE)

    await scene.rescue()

    assert await scene.tenant.states(switched_off) == [DeliveryState.CANCELED]
    assert await scene.tenant.states(deleted) == [DeliveryState.CANCELED]
    assert (await scene.tenant.delivery(deleted)).updated_at == scene.clock.now()


async def test_what_was_published_while_its_webhook_was_being_deleted_is_canceled(scene: Scene):
    """On PostgreSQL a publisher can read a webhook that is gone when it commits."""
    webhook = await scene.webhook_at(await scene.receiver())
    run = await scene.tenant.start()
    event = an_event(run=run)
    delivery_id = new_delivery_id(event.occurred_at, 1)
    late = new_delivery(Owed(id=delivery_id, event=event, webhook=webhook), Renderings())
    await scene.tenant.remove(webhook)
    async with scene.store.write() as tx:
        await insert_deliveries(tx, [late])

    await scene.rescue()

    assert await scene.tenant.states(webhook) == [DeliveryState.CANCELED] * 2
