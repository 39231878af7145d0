"""A webhook's rate limit holds across all workers, and costs no retry."""

import asyncio
from datetime import timedelta

from runhook.domain.deliveries.delivery import DeliveryState, Lease
from runhook.domain.options.rate_limits import CREDIT, RateLimit
from runhook.domain.webhooks.failing import PAUSE_AFTER
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.deliveries.attempt import claim_deliveries, look
from runhook.operations.webhooks.subscribe import WebhookChange
from tests.support.databases import open_store
from tests.support.receiver import Receiver, status
from tests.support.scene import LEASE, Scene, deliver_due

SECOND = timedelta(seconds=1)
TWO_A_SECOND = RateLimit.parse("2/second")
A_WORKER = Lease(owner="a worker", duration=LEASE)


async def limited_at(scene: Scene, receiver: Receiver, limit: RateLimit = TWO_A_SECOND) -> Webhook:
    """Create a webhook with a rate limit."""
    return await scene.tenant.webhook(
        receiver.url, event_types=["job.run.started"], rate_limit=str(limit)
    )


async def test_what_the_limit_does_not_let_through_waits_and_loses_nothing(scene: Scene):
    receiver = await scene.receiver()
    webhook = await limited_at(scene, receiver)
    await scene.start_many(5)
    dispatcher = await scene.dispatcher()

    sent = []
    for _ in range(5):
        await deliver_due(dispatcher)
        sent.append(len(receiver.received))
        scene.clock.advance(TWO_A_SECOND.pause_after(1))

    assert sent == [1, 2, 3, 4, 5]
    deliveries = await scene.tenant.deliveries(webhook)
    assert {(one.state, one.attempt_count) for one in deliveries} == {(DeliveryState.SUCCEEDED, 1)}


async def test_the_worker_looks_again_when_the_next_one_may_go(scene: Scene):
    await limited_at(scene, await scene.receiver())
    await scene.start_many(2)
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await dispatcher.settle()

    assert await dispatcher.tick() == TWO_A_SECOND.pause_after(1)


async def test_a_turn_that_comes_late_delays_no_other(scene: Scene):
    receiver = await scene.receiver()
    await limited_at(scene, receiver)
    await scene.start_many(10)
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    for _ in range(4):
        scene.clock.advance(TWO_A_SECOND.pause_after(1) + CREDIT)
        await deliver_due(dispatcher)
        scene.clock.advance(TWO_A_SECOND.pause_after(1) - CREDIT)
        await deliver_due(dispatcher)

    assert len(receiver.received) == 9


async def test_a_high_rate_is_claimed_several_at_a_time(scene: Scene):
    receiver = await scene.receiver()
    limit = RateLimit.parse("100/second")
    await limited_at(scene, receiver, limit)
    await scene.start_many(20)

    await deliver_due(await scene.dispatcher())

    assert len(receiver.received) == limit.together == 5


async def test_a_late_turn_takes_all_that_is_due_by_one_claim(scene: Scene):
    """A worker that looks five times a second sends fifty all the same."""
    receiver = await scene.receiver()
    limit = RateLimit.parse("50/second")
    await limited_at(scene, receiver, limit)
    await scene.start_many(120)
    dispatcher = await scene.dispatcher()

    for _ in range(11):
        await dispatcher.tick()
        await dispatcher.settle()
        scene.clock.advance(SECOND / 5)

    assert limit.together + 100 - 1 <= len(receiver.received) <= limit.together + 100


async def test_of_two_workers_that_saw_the_same_late_turn_one_takes_what_is_due(scene: Scene):
    limit = RateLimit.parse("50/second")
    webhook = await limited_at(scene, await scene.receiver(), limit)
    await scene.start_many(40)
    scene.clock.advance(CREDIT)
    seen = await look(scene.store)
    due = limit.due_after(CREDIT)

    counts = []
    for owner in ("one", "other"):
        lease = Lease(owner=owner, duration=LEASE)
        claimed = await claim_deliveries(scene.store, {webhook.id: due}, lease, gated=seen)
        counts.append(len(claimed))
        # The gate is open again, but not for so many.
        scene.clock.advance(limit.pause_after(limit.together))

    assert counts == [due, 0]


async def test_who_rested_is_not_sent_more_at_once(scene: Scene):
    receiver = await scene.receiver()
    limit = RateLimit.parse("100/second")
    await limited_at(scene, receiver, limit)
    dispatcher = await scene.dispatcher()
    await scene.start_many(1)
    await deliver_due(dispatcher)
    scene.clock.advance(10 * SECOND)
    await scene.start_many(20)

    await deliver_due(dispatcher)

    assert len(receiver.received) == 1 + limit.together


async def test_workers_that_claim_at_the_same_time_keep_the_limit_together(
    scene: Scene, database_url: str
):
    webhook = await limited_at(scene, await scene.receiver())
    await scene.start_many(20)
    seen = await look(scene.store)

    async def claim_as(owner: str) -> int:
        store = open_store(database_url, clock=scene.clock.as_sql())
        lease = Lease(owner=owner, duration=LEASE)
        claimed = await claim_deliveries(store, {webhook.id: 1}, lease, gated=seen)
        await store.close()
        return len(claimed)

    counts = await asyncio.gather(*(claim_as(f"worker {number}") for number in range(8)))

    assert sum(counts) == 1


async def test_several_workers_together_send_what_the_limit_lets_through_and_no_more(scene: Scene):
    """They look at odd moments, so that every turn comes late by some time."""
    receiver = await scene.receiver()
    limit = RateLimit.parse("10/second")
    await limited_at(scene, receiver, limit)
    await scene.start_many(140)
    workers = [await scene.dispatcher(owner=f"worker {number}") for number in range(3)]
    steps = [timedelta(milliseconds=one) for one in (90, 30, 170, 10, 220, 80)]

    now, sent_at = timedelta(), []
    while now <= 10 * SECOND:
        before = len(receiver.received)
        for worker in workers:
            await deliver_due(worker)
        # All of these go in the same moment of the clock.
        sent_at += [now] * (len(receiver.received) - before)
        step = steps[len(sent_at) % len(steps)]
        scene.clock.advance(step)
        now += step

    within = [sum(one <= at < one + SECOND for at in sent_at) for one in sent_at]
    assert max(within) <= limit.requests + limit.burst
    assert 100 <= len(sent_at) <= 100 + limit.burst


async def test_a_turn_that_found_nothing_to_send_is_given_back(scene: Scene):
    """Another worker is sending the run's start, and the limit would let one go a minute."""
    webhook = await scene.tenant.webhook((await scene.receiver()).url, rate_limit="1/minute")
    run = await scene.tenant.start()
    other = Lease(owner="another worker", duration=LEASE)
    assert await claim_deliveries(
        scene.store, {webhook.id: 1}, other, gated=await look(scene.store)
    )
    scene.clock.advance(timedelta(minutes=1))
    await scene.tenant.finish(run)
    waiting = await look(scene.store)
    assert waiting[webhook.id].pause <= timedelta()

    claimed = await claim_deliveries(scene.store, {webhook.id: 1}, A_WORKER, gated=waiting)

    assert claimed == []
    assert (await look(scene.store))[webhook.id].pause <= timedelta()


async def test_a_limit_that_came_after_the_look_is_kept(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.start_many(20)
    await scene.tenant.change(webhook, WebhookChange(options={"rate_limit": str(TWO_A_SECOND)}))

    assert await claim_deliveries(scene.store, {webhook.id: 20}, A_WORKER) == []


async def test_another_limit_begins_at_once(scene: Scene):
    receiver = await scene.receiver()
    webhook = await limited_at(scene, receiver, RateLimit.parse("1/minute"))
    await scene.start_many(2)
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)
    await scene.tenant.change(webhook, WebhookChange(name="Another name"))
    await deliver_due(dispatcher)
    assert len(receiver.received) == 1

    await scene.tenant.change(webhook, WebhookChange(options={"rate_limit": "2/minute"}))
    await deliver_due(dispatcher)

    assert len(receiver.received) == 2


async def test_without_its_limit_all_that_waits_is_sent(scene: Scene):
    receiver = await scene.receiver()
    webhook = await limited_at(scene, receiver)
    await scene.start_many(5)

    await scene.tenant.change(webhook, WebhookChange(options={"rate_limit": None}))
    await deliver_due(await scene.dispatcher())

    assert len(receiver.received) == 5


async def test_a_limit_changes_nothing_for_another_webhook(scene: Scene):
    await limited_at(scene, await scene.receiver())
    receiver = await scene.receiver()
    await scene.webhook_at(receiver)
    await scene.start_many(20)

    await deliver_due(await scene.dispatcher())

    assert len(receiver.received) == 20


async def test_a_paused_endpoint_with_a_limit_is_probed_with_one(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await limited_at(scene, receiver, RateLimit.parse("1000/second"))
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(5)
    await scene.skip_pause(webhook)

    await deliver_due(await scene.dispatcher())

    assert len(receiver.received) == 1
