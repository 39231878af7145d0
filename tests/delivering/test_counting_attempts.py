"""Attempts are counted by webhook and hour as they are recorded, and the counts outlive the log."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from runhook.dispatcher.pruner import INTERVAL, Pruner
from runhook.domain.deliveries.attempt_counts import HOUR, AttemptCounts
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.context import Context
from runhook.operations.deliveries.attempt import claim_deliveries, record
from runhook.operations.deliveries.redeliver import redeliver
from runhook.operations.webhooks.send_test import send_test
from runhook.storage.engine.tables import attempt_counts, deliveries
from runhook.storage.webhooks.statistics import CountedHour, add_attempt_counts, list_attempt_counts
from tests.delivering.test_batches import OUTCOMES, judged
from tests.support.accounts import SOMEBODY, rows_of
from tests.support.clock import START, trust_the_clock
from tests.support.patience import work_off
from tests.support.receiver import status
from tests.support.scene import LEASE, LONG, Scene, deliver_due
from tests.support.statements import all_statements

RETENTION = timedelta(days=30)
A_SECOND = timedelta(seconds=1)
REPLICAS = [Lease(owner=name, duration=LEASE) for name in ("one replica", "another replica")]


async def counted(scene: Scene, webhook: Webhook) -> Sequence[tuple[int, int]]:
    """How many attempts succeeded and how many failed, of each hour."""
    async with scene.store.read() as tx:
        hours = await list_attempt_counts(
            tx, webhook.account_id, webhook.id, since=START - RETENTION
        )
    return [(one.succeeded, one.failed) for one in hours.values()]


async def prune(scene: Scene) -> None:
    """Let go of all that is older than the retention."""
    await trust_the_clock(scene.store)
    pruner = Pruner(scene.store, retention=RETENTION, steady=scene.clock.steady)
    await work_off(pruner.tick, idle=INTERVAL)


async def test_an_hour_has_every_attempt_of_a_delivery_and_the_next_hour_those_after_it(
    scene: Scene,
):
    webhook = await scene.webhook_at(await scene.receiver(status(500), status(500), status(200)))
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)
    scene.clock.advance(timedelta(seconds=15))
    await deliver_due(dispatcher)

    scene.clock.advance(HOUR)
    await deliver_due(dispatcher)

    assert await counted(scene, webhook) == [(0, 2), (1, 0)]


async def test_what_replicas_record_at_the_same_time_of_the_same_webhooks_adds_up(scene: Scene):
    webhooks = [await scene.webhook_at(await scene.receiver()) for _ in range(3)]
    await scene.start_many(20)
    batches = []
    for lease, what in zip(REPLICAS, OUTCOMES.values(), strict=True):
        claimed = await claim_deliveries(scene.store, {one.id: 10 for one in webhooks}, lease)
        batches.append(judged(scene, claimed, *what))

    await asyncio.gather(
        *(
            record(scene.store, batch, scene.clock)
            for lease, batch in zip(REPLICAS, batches, strict=True)
        )
    )

    assert [await counted(scene, one) for one in webhooks] == [[(10, 10)]] * 3
    rows = await rows_of(scene.store, attempt_counts)
    assert [(row.up_to_1000_ms, row.longest) for row in rows] == [(20, A_SECOND)] * 3


async def test_what_was_recorded_after_its_lease_was_lost_counts_nothing(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.start_many(2)
    late, next_one = REPLICAS
    lost = await claim_deliveries(scene.store, {webhook.id: 1}, late)
    held = await claim_deliveries(scene.store, {webhook.id: 1}, late)
    scene.clock.advance(LEASE)
    await scene.rescue()
    taken = await claim_deliveries(scene.store, {webhook.id: 2}, next_one)
    succeeded = OUTCOMES["succeeded"]

    recorded = await record(scene.store, judged(scene, [*lost, *held], *succeeded), scene.clock)
    assert await counted(scene, webhook) == []
    await record(scene.store, judged(scene, taken, *succeeded), scene.clock)

    assert not any(one.counted for one in recorded)
    assert await counted(scene, webhook) == [(2, 0)]


async def test_a_test_counts_nothing(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())

    await send_test(
        Context(scene.store, scene.clock, RUNHOOK),
        await scene.sender(deadline=LONG),
        webhook.account_id,
        webhook.id,
        lease=REPLICAS[0],
    )

    assert len(await scene.tenant.deliveries(webhook)) == 1
    assert await counted(scene, webhook) == []


async def test_counts_are_kept_as_long_as_the_log_would_be_and_not_only_as_long_as_it_is(
    scene: Scene,
):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)
    scene.clock.advance(RETENTION - HOUR)
    delivery = await scene.tenant.delivery(webhook)
    await redeliver(
        Context(scene.store, scene.clock, SOMEBODY), webhook.account_id, webhook.id, delivery.id
    )
    await deliver_due(dispatcher)
    assert await counted(scene, webhook) == [(1, 0), (1, 0)]

    scene.clock.advance(2 * HOUR + A_SECOND)
    await prune(scene)
    assert await rows_of(scene.store, deliveries) == []
    assert await counted(scene, webhook) == [(1, 0)]

    scene.clock.advance(RETENTION)
    await prune(scene)
    assert await counted(scene, webhook) == []


async def test_a_deleted_webhooks_counts_go_as_its_deliveries_do(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()
    await deliver_due(await scene.dispatcher())
    await scene.tenant.remove(webhook)

    scene.clock.advance(RETENTION + HOUR + A_SECOND)
    await prune(scene)

    assert (
        await rows_of(scene.store, attempt_counts) == await rows_of(scene.store, deliveries) == []
    )


async def test_many_hours_are_added_to_with_two_statements_at_most_and_are_one_accounts(
    scene: Scene,
):
    webhook = await scene.tenant.webhook()
    one = AttemptCounts(succeeded=1)
    hours = [
        CountedHour(
            account_id=webhook.account_id,
            webhook_id=webhook.id,
            hour=START - HOUR * number,
            counts=one,
        )
        for number in range(500)
    ]

    with all_statements() as statements:
        async with scene.store.write() as tx:
            await add_attempt_counts(tx, hours)

    assert len(statements) <= 2
    assert await counted(scene, webhook) == [(1, 0)] * 500
    async with scene.store.read() as tx:
        theirs = await list_attempt_counts(tx, AccountId(2), webhook.id, since=START - RETENTION)
    assert theirs == {}
