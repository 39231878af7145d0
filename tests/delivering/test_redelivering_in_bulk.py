"""What did not arrive is sent once more, each delivery once, whatever happens meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.dispatcher.loop import NO_PAUSE
from runhook.dispatcher.redeliverer import BREATH, INTERVAL, Redeliverer
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import (
    Obstacle,
    Picked,
    Redelivery,
    RedeliveryProgress,
    RedeliveryState,
    Selection,
)
from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.errors import InvalidError
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.context import Context
from runhook.operations.deliveries.redeliver import redeliver
from runhook.operations.deliveries.redeliver_many import (
    begin_redelivery,
    cancel_redelivery,
    concerned_webhooks,
    preview_redelivery,
)
from runhook.operations.deliveries.redeliver_step import BACKLOG, STEP, WAIT
from runhook.operations.webhooks.send_test import send_test
from runhook.storage.deliveries.redeliveries import find_redelivery
from runhook.storage.deliveries.rows import list_attempts
from runhook.storage.deliveries.unsent import UnsentCounts, count_unsent
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import SOMEBODY, end_waiting, rows_of
from tests.support.api import LEASE
from tests.support.databases import open_store
from tests.support.patience import PATIENCE, work_off
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due
from tests.support.triggers import accept_writes, refuse_writes
from tests.support.waking import listening_to

NO_RETRIES = RetrySchedule.parse("")
MONTH = timedelta(days=30)
A_SECOND = timedelta(seconds=1)
AN_HOUR = timedelta(hours=1)
FAILED, PENDING = DeliveryState.FAILED, DeliveryState.PENDING
CANCELED = DeliveryState.CANCELED
SKIPPED, SUCCEEDED = DeliveryState.SKIPPED, DeliveryState.SUCCEEDED


async def begin(scene: Scene, **narrowed: object) -> Redelivery:
    """Begin to redeliver what did not arrive in the last hour; what follows comes later."""
    selection = replace(Selection(since=scene.clock.now() - AN_HOUR), **narrowed)
    redelivery = await begin_redelivery(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        selection,
        retention=MONTH,
    )
    scene.clock.advance(A_SECOND)
    return redelivery


async def pick(scene: Scene, *picked: DeliveryId) -> Redelivery:
    """Begin to redeliver these; what follows comes later."""
    redelivery = await begin_redelivery(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        Picked(picked),
        retention=MONTH,
    )
    scene.clock.advance(A_SECOND)
    return redelivery


def redeliverer(scene: Scene, store: Store | None = None) -> Redeliverer:
    return Redeliverer(store or scene.store, scene.clock)


async def go_on(scene: Scene) -> None:
    """Take steps until none is due."""
    working = redeliverer(scene)
    await work_off(working.tick, idle=INTERVAL)


async def now(scene: Scene, redelivery: Redelivery) -> Redelivery:
    """How far a redelivery has come."""
    async with scene.store.read() as tx:
        found = await find_redelivery(tx, redelivery.account_id, redelivery.id)
    assert found is not None
    return found


async def failing_webhook(scene: Scene, runs: int = 1) -> Webhook:
    """Make a webhook whose endpoint refuses what so many runs owe it, and takes the rest."""
    receiver = await scene.receiver(*[status(500)] * runs, status(200))
    webhook = await scene.webhook_at(receiver)
    await start_runs(scene, runs)
    await deliver_due(await scene.dispatcher(schedule=NO_RETRIES))
    scene.clock.advance(A_SECOND)
    assert await scene.tenant.states(webhook) == [FAILED] * runs
    return webhook


async def skipping_webhook(scene: Scene, runs: int) -> Webhook:
    """Make a webhook that was inactive when so many runs started."""
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.deactivate(webhook)
    await start_runs(scene, runs)
    webhook = await scene.tenant.activate(webhook)
    scene.clock.advance(A_SECOND)
    return webhook


async def start_runs(scene: Scene, count: int) -> None:
    """Start runs, in one transaction or a few."""
    at = scene.clock.now().isoformat()
    await asyncio.gather(*(scene.tenant.start(f"{at} {number}") for number in range(count)))


async def test_what_failed_is_sent_once_more_with_the_same_id_and_bytes(scene: Scene):
    receiver = await scene.receiver(*[status(500)] * 3, status(200))
    webhook = await scene.webhook_at(receiver)
    await start_runs(scene, 3)
    worker = await scene.dispatcher(schedule=NO_RETRIES)
    await deliver_due(worker)
    scene.clock.advance(A_SECOND)

    begun = await begin(scene)
    await go_on(scene)
    await deliver_due(worker)

    first, again = receiver.received[:3], receiver.received[3:]
    assert sorted(one.headers["webhook-id"] for one in first) == sorted(
        one.headers["webhook-id"] for one in again
    )
    assert sorted(one.body for one in first) == sorted(one.body for one in again)
    assert await scene.tenant.states(webhook) == [SUCCEEDED] * 3
    assert (begun.state, begun.total, begun.queued) == (RedeliveryState.RUNNING, 3, 0)
    ended = await now(scene, begun)
    assert (ended.state, ended.total, ended.queued) == (RedeliveryState.FINISHED, 3, 3)
    assert (ended.created_by, ended.ended_at) == (SOMEBODY.name, scene.clock.now())
    one = (await scene.tenant.deliveries(webhook))[0]
    async with scene.store.read() as tx:
        attempts = await list_attempts(tx, one.id)
    assert [attempt.trigger for attempt in attempts] == ["scheduled", "manual"]


async def test_it_says_how_many_have_arrived_and_failed_and_wait(scene: Scene):
    refusing, taking = status(500), status(200)
    receiver = await scene.receiver(*[refusing] * 4, taking, refusing, taking)
    webhook = await scene.webhook_at(receiver)
    await start_runs(scene, 4)
    worker = await scene.dispatcher(schedule=NO_RETRIES)
    await deliver_due(worker)
    scene.clock.advance(A_SECOND)
    begun = await begin(scene)
    await go_on(scene)
    assert (await now(scene, begun)).progress == RedeliveryProgress(waiting=4)

    await deliver_due(worker)

    (share,) = (await now(scene, begun)).shares
    assert (share.webhook_id, share.queued) == (webhook.id, 4)
    assert share.progress == RedeliveryProgress(arrived=3, failed=1)


async def test_what_a_later_redelivery_took_counts_for_that_one(scene: Scene):
    await failing_webhook(scene, 3)
    first = await begin(scene)
    await go_on(scene)
    scene.clock.advance(A_SECOND)
    waiting = [row.id for row in await rows_of(scene.store, deliveries)]

    second = await pick(scene, *waiting[:2])
    await go_on(scene)

    assert (await now(scene, first)).progress == RedeliveryProgress(waiting=1, elsewhere=2)
    assert (await now(scene, second)).progress == RedeliveryProgress(waiting=2)


async def test_what_fails_again_gets_its_whole_retry_schedule(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher(schedule=RetrySchedule.parse("10"))
    for _ in range(2):
        await deliver_due(worker)
        scene.clock.advance(timedelta(minutes=1))
    await begin(scene)
    await go_on(scene)
    await deliver_due(worker)

    delivery = await scene.tenant.delivery(webhook)

    assert (delivery.state, delivery.attempt_count) == (PENDING, 3)


async def test_what_was_skipped_or_canceled_is_sent_too(scene: Scene):
    skipping = await skipping_webhook(scene, 2)
    canceled = await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()
    await scene.tenant.deactivate(canceled)
    await scene.tenant.activate(canceled)
    assert await scene.tenant.states(canceled) == [DeliveryState.CANCELED]

    await begin(scene)
    await go_on(scene)
    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(skipping) == [SUCCEEDED] * 3
    assert await scene.tenant.states(canceled) == [SUCCEEDED]


async def test_a_selection_narrows_what_is_meant(scene: Scene):
    webhook = await scene.tenant.webhook(active=False)
    another = await scene.tenant.webhook(active=False)
    early = await scene.tenant.start("early")
    scene.clock.advance(timedelta(minutes=1))
    late = await scene.tenant.start("late", job_name="hourly")
    await scene.tenant.finish(late, RunStatus.ERROR)
    failed = await failing_webhook(scene)

    async def total(**narrowed: object) -> dict[str, int]:
        selection = replace(Selection(since=scene.clock.now() - AN_HOUR), **narrowed)
        found = await preview_redelivery(
            scene.store,
            scene.tenant.account_id,
            selection,
            retention=MONTH,
            clock=scene.clock,
        )
        begun = await begin(scene, **narrowed)
        assert {share.webhook_id: share.total for share in begun.shares} == {
            webhook.id: count for webhook, count in found.counts
        }
        return {webhook.id: count for webhook, count in found.counts}

    assert await total() == {webhook.id: 5, another.id: 5, failed.id: 1}
    assert await total(states=(FAILED,)) == {failed.id: 1}
    assert await total(webhook_id=webhook.id) == {webhook.id: 5}
    assert await total(webhook_id=webhook.id, run_id=late.id) == {webhook.id: 3}
    assert await total(run_id=early.id) == {webhook.id: 1, another.id: 1}
    assert await total(job_id=late.job.id) == {webhook.id: 3, another.id: 3}
    assert await total(event_types=(EventType.ERRORED,)) == {webhook.id: 1, another.id: 1}
    assert await total(until=late.created_at) == {webhook.id: 1, another.id: 1}
    assert await total(since=late.created_at, until=late.created_at + A_SECOND) == {
        webhook.id: 3 + 1,
        another.id: 3 + 1,
        failed.id: 1,
    }
    assert await total(run_id=404) == {}
    assert await total(code_class=5) == {failed.id: 1}
    assert await total(code_class=0) == {webhook.id: 5, another.id: 5}
    assert await total(code_class=4) == {}


async def test_what_is_narrowed_to_a_run_is_what_is_sent(scene: Scene):
    webhook = await scene.tenant.webhook(active=False)
    early = await scene.tenant.start("early")
    scene.clock.advance(A_SECOND)
    await scene.tenant.start("late")
    await scene.tenant.activate(webhook)
    scene.clock.advance(A_SECOND)

    begun = await begin(scene, run_id=early.id)
    await go_on(scene)

    assert await scene.tenant.states(webhook) == [PENDING, SKIPPED]
    assert (await now(scene, begun)).queued == 1


async def test_what_fails_or_is_made_after_it_began_is_left_to_itself(scene: Scene):
    skipping = await skipping_webhook(scene, 1)
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start("before")
    begun = await begin(scene)
    await scene.tenant.start("after")
    await deliver_due(await scene.dispatcher(schedule=NO_RETRIES))
    scene.clock.advance(A_SECOND)
    await scene.tenant.deactivate(skipping)
    await scene.tenant.start("later still")
    await scene.tenant.activate(skipping)
    scene.clock.advance(A_SECOND)

    await go_on(scene)

    ended = await now(scene, begun)
    assert (ended.state, ended.total, ended.queued) == (RedeliveryState.FINISHED, 1, 1)
    assert await scene.tenant.states(webhook) == [FAILED, FAILED, PENDING]
    assert await scene.tenant.states(skipping) == [PENDING, SUCCEEDED, SUCCEEDED, SKIPPED]


async def test_what_somebody_redelivered_by_hand_meanwhile_is_not_sent_again(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await start_runs(scene, 2)
    worker = await scene.dispatcher(schedule=NO_RETRIES)
    await deliver_due(worker)
    scene.clock.advance(A_SECOND)
    begun = await begin(scene)
    by_hand = (await scene.tenant.deliveries(webhook))[0]
    await redeliver(
        Context(scene.store, scene.clock, SOMEBODY), scene.tenant.account_id, webhook.id, by_hand.id
    )
    await deliver_due(worker)
    scene.clock.advance(A_SECOND)

    await go_on(scene)
    await deliver_due(worker)

    sent = [one.headers["webhook-id"] for one in receiver.received]
    assert sent.count(by_hand.id) == 2
    assert len(sent) == 4
    assert (await now(scene, begun)).queued == 1


async def test_what_a_webhook_that_is_off_or_gone_did_not_get_is_passed_over_and_counted(
    scene: Scene,
):
    off = await skipping_webhook(scene, 2)
    gone = await skipping_webhook(scene, 3)
    on = await skipping_webhook(scene, 1)
    await scene.tenant.deactivate(off)
    await scene.tenant.remove(gone)
    scene.clock.advance(A_SECOND)

    begun = await begin(scene)
    await go_on(scene)

    ended = await now(scene, begun)
    assert ended.state is RedeliveryState.FINISHED
    assert ended.passed_over == {
        # Each started its runs while the later ones were not there yet.
        Obstacle.WEBHOOK_INACTIVE: 2 + 3 + 1,
        Obstacle.WEBHOOK_DELETED: 3 + 1,
        Obstacle.OUTDATED: 0,
    }
    assert (ended.queued, await scene.tenant.states(on)) == (1, [PENDING])
    assert SKIPPED in await scene.tenant.states(off)


async def test_a_webhook_that_is_switched_on_meanwhile_gets_the_rest(scene: Scene):
    webhook = await skipping_webhook(scene, 1)
    await scene.tenant.deactivate(webhook)
    scene.clock.advance(A_SECOND)
    await begin(scene)
    await scene.tenant.activate(webhook)

    await go_on(scene)

    assert await scene.tenant.states(webhook) == [PENDING]


async def test_tests_are_never_redelivered(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await send_test(
        Context(scene.store, scene.clock, RUNHOOK),
        await scene.sender(),
        scene.tenant.account_id,
        webhook.id,
        lease=LEASE,
    )
    scene.clock.advance(A_SECOND)

    begun = await begin(scene)
    await go_on(scene)

    assert (begun.state, begun.total, begun.shares) == (RedeliveryState.FINISHED, 0, ())
    assert await scene.tenant.states(webhook) == [FAILED]


async def test_a_test_beside_it_changes_nothing_about_that(scene: Scene):
    webhook = await failing_webhook(scene)
    await send_test(
        Context(scene.store, scene.clock, RUNHOOK),
        await scene.sender(),
        scene.tenant.account_id,
        webhook.id,
        lease=LEASE,
    )
    async with scene.store.write() as tx:
        await end_waiting(tx, FAILED)
    scene.clock.advance(A_SECOND)

    begun = await begin(scene)
    await go_on(scene)

    assert (await now(scene, begun)).queued == begun.total == 1
    assert [
        row.is_test for row in await rows_of(scene.store, deliveries) if row.state == PENDING
    ] == [False]


async def test_what_was_picked_is_sent_once_more_whatever_became_of_it(scene: Scene):
    """One had arrived, one waits for its retry, one was skipped, and one is not among them."""
    receiver = await scene.receiver(status(200), status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    worker = await scene.dispatcher(schedule=RetrySchedule.parse("3600"))
    for key in ("arrives", "waits", "is left"):
        await scene.tenant.start(key)
        await deliver_due(worker)
        scene.clock.advance(A_SECOND)
    await scene.tenant.deactivate(webhook)
    await scene.tenant.start("is skipped")
    await scene.tenant.activate(webhook)
    scene.clock.advance(A_SECOND)
    arrived, canceled, left, skipped = await scene.tenant.deliveries(webhook)
    assert await scene.tenant.states(webhook) == [SUCCEEDED, CANCELED, SUCCEEDED, SKIPPED]

    begun = await pick(scene, skipped.id, arrived.id, canceled.id)
    await go_on(scene)
    await deliver_due(worker)

    sent = [one.headers["webhook-id"] for one in receiver.received]
    assert [sent.count(one.id) for one in (arrived, canceled, left, skipped)] == [2, 2, 1, 1]
    ended = await now(scene, begun)
    assert (ended.state, ended.total, ended.queued) == (RedeliveryState.FINISHED, 3, 3)


async def test_one_that_waits_for_its_retry_is_picked_to_wait_no_longer(scene: Scene):
    receiver = await scene.receiver(status(500), status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher(schedule=RetrySchedule.parse("3600"))
    await deliver_due(worker)
    scene.clock.advance(A_SECOND)
    (waiting,) = await scene.tenant.deliveries(webhook)

    await pick(scene, waiting.id)
    await go_on(scene)
    await deliver_due(worker)

    after = await scene.tenant.delivery(webhook)
    # Its only retry: a delivery that waits keeps its place in the schedule.
    assert (after.state, after.attempt_count, after.attempts_before) == (FAILED, 2, 0)


async def test_what_was_picked_twice_is_sent_once(scene: Scene):
    webhook = await skipping_webhook(scene, 2)
    ids = [one.id for one in await scene.tenant.deliveries(webhook)]
    both = [await pick(scene, *ids), await pick(scene, *reversed(ids))]

    await go_on(scene)
    await drain(scene)

    assert sum([(await now(scene, one)).queued for one in both]) == 2
    assert [(await now(scene, one)).state for one in both] == [RedeliveryState.FINISHED] * 2


async def test_a_test_that_was_picked_and_a_webhook_that_is_off_get_nothing(scene: Scene):
    webhook = await skipping_webhook(scene, 1)
    await send_test(
        Context(scene.store, scene.clock, RUNHOOK),
        await scene.sender(),
        scene.tenant.account_id,
        webhook.id,
        lease=LEASE,
    )
    await scene.tenant.deactivate(webhook)
    scene.clock.advance(A_SECOND)
    rows = await rows_of(scene.store, deliveries)

    begun = await pick(scene, *[row.id for row in rows])
    await go_on(scene)

    ended = await now(scene, begun)
    assert (len(rows), ended.total, ended.queued) == (2, 1, 0)
    assert ended.passed_over[Obstacle.WEBHOOK_INACTIVE] == 1


async def test_the_same_request_twice_at_once_queues_each_delivery_once(
    scene: Scene, database_url: str
):
    """Two records, and two replicas that go on with them at once."""
    webhook = await skipping_webhook(scene, STEP + 20)
    both = await asyncio.gather(*(begin(scene) for _ in range(2)))
    stores = [open_store(database_url, clock=scene.clock.as_sql()) for _ in range(2)]

    async def replica(store: Store) -> None:
        working = redeliverer(scene, store)
        while None in [(await now(scene, one)).ended_at for one in both]:
            # What the other replica has is passed over, so that there may be nothing for this one.
            await working.tick()
            await drain(scene)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(replica(store) for store in stores))
    for store in stores:
        await store.close()

    ended = [await now(scene, one) for one in both]
    assert both[0].id != both[1].id
    assert [one.total for one in ended] == [STEP + 20] * 2
    assert sum(one.queued for one in ended) == STEP + 20
    assert await scene.tenant.states(webhook) == [SUCCEEDED] * (STEP + 20)


async def drain(scene: Scene) -> None:
    """Let everything that waits have arrived, and some time pass."""
    async with scene.store.write() as tx:
        await end_waiting(tx, SUCCEEDED)
    scene.clock.advance(WAIT)


async def test_a_step_that_breaks_leaves_nothing_and_is_taken_again(scene: Scene):
    """The process dies with the deliveries in the queue and its progress not yet written."""
    webhook = await skipping_webhook(scene, 2)
    begun = await begin(scene)
    await refuse_writes(scene.store, "UPDATE ON redelivery_shares", "no progress today")
    with pytest.raises(sa.exc.DBAPIError, match="no progress today"):
        await redeliverer(scene).tick()

    assert await scene.tenant.states(webhook) == [SKIPPED] * 2
    assert await now(scene, begun) == begun
    await accept_writes(scene.store)
    await go_on(scene)
    assert await scene.tenant.states(webhook) == [PENDING] * 2
    assert (await now(scene, begun)).queued == 2


async def test_a_step_queues_only_so_many_and_wakes_the_dispatcher(scene: Scene):
    webhook = await skipping_webhook(scene, STEP + 1)
    begun = await begin(scene)
    working = redeliverer(scene)

    async with listening_to(scene.store) as wakes:
        pause = await working.tick()
        await wakes.wait_for(1)

    assert pause == BREATH
    states = await scene.tenant.states(webhook)
    assert states == [PENDING] * STEP + [SKIPPED]
    assert (await now(scene, begun)).queued == STEP


async def test_a_share_waits_while_much_waits_for_its_webhook_and_others_go_on(scene: Scene):
    other = await skipping_webhook(scene, 1)
    await scene.tenant.deactivate(other)
    busy = await skipping_webhook(scene, 1)
    await start_runs(scene, BACKLOG + 1)
    await scene.tenant.activate(other)
    scene.clock.advance(A_SECOND)
    begun = await begin(scene)

    await go_on(scene)
    waiting = await now(scene, begun)
    await drain(scene)
    await go_on(scene)

    assert {share.webhook_id: share.queued for share in waiting.shares} == {
        busy.id: 0,
        other.id: BACKLOG + 3,
    }
    assert (await now(scene, begun)).queued == BACKLOG + 4


async def test_waiting_costs_a_look_a_second(scene: Scene):
    await skipping_webhook(scene, 1)
    await start_runs(scene, BACKLOG + 1)
    begun = await begin(scene)
    working = redeliverer(scene)

    pauses = [await working.tick(), await working.tick()]
    scene.clock.advance(WAIT)
    pauses.append(await working.tick())

    assert pauses == [NO_PAUSE, INTERVAL, NO_PAUSE]
    assert (await now(scene, begun)).state is RedeliveryState.RUNNING


async def test_many_shares_that_wait_cost_no_more_transactions_than_one(scene: Scene):
    for _ in range(5):
        await skipping_webhook(scene, 1)
    await start_runs(scene, BACKLOG + 1)
    begun = await begin(scene)
    working = redeliverer(scene)

    pauses = [await working.tick(), await working.tick()]
    scene.clock.advance(WAIT)
    pauses += [await working.tick(), await working.tick()]

    assert len(begun.shares) == 5
    assert pauses == [NO_PAUSE, INTERVAL] * 2
    assert (await now(scene, begun)).queued == 0


async def test_a_canceled_redelivery_goes_no_further(scene: Scene):
    webhook = await skipping_webhook(scene, STEP + 1)
    begun = await begin(scene)
    working = redeliverer(scene)
    await working.tick()

    canceled = await cancel_redelivery(
        Context(scene.store, scene.clock, SOMEBODY), begun.account_id, begun.id
    )
    await drain(scene)
    pause = await working.tick()

    assert (canceled.state, canceled.queued) == (RedeliveryState.CANCELED, STEP)
    assert (pause, (await now(scene, begun)).state) == (INTERVAL, RedeliveryState.CANCELED)
    assert await scene.tenant.states(webhook) == [SUCCEEDED] * STEP + [SKIPPED]


async def test_a_cancellation_and_a_step_come_one_after_the_other(scene: Scene, database_url: str):
    webhook = await skipping_webhook(scene, STEP + 1)
    begun = await begin(scene)
    store = open_store(database_url, clock=scene.clock.as_sql())

    _, canceled = await asyncio.gather(
        redeliverer(scene, store).tick(),
        cancel_redelivery(Context(scene.store, scene.clock, SOMEBODY), begun.account_id, begun.id),
    )
    await store.close()

    ended = await now(scene, begun)
    assert ended.state is RedeliveryState.CANCELED
    assert canceled.queued == ended.queued
    assert (await scene.tenant.states(webhook)).count(PENDING) == ended.queued


async def test_another_accounts_webhook_is_not_known(scene: Scene):
    with pytest.raises(InvalidError, match=r"^webhook_id: this account has no webhook wsu_1$"):
        await begin(scene, webhook_id="wsu_1")


async def test_where_not_all_was_counted_every_webhook_that_may_be_concerned_has_a_share(
    scene: Scene,
):
    first, second = await skipping_webhook(scene, 1), await skipping_webhook(scene, 1)
    await scene.webhook_at(await scene.receiver())
    selection = Selection(since=scene.clock.now() - AN_HOUR)

    async def concerned(selection: Selection) -> Sequence[str]:
        some = UnsentCounts({first.id: 1}, is_whole=False)
        async with scene.store.read() as tx:
            return await concerned_webhooks(tx, scene.tenant.account_id, selection, some)

    assert await concerned(selection) == sorted([first.id, second.id])
    assert await concerned(replace(selection, webhook_id=second.id)) == [second.id]


@pytest.mark.parametrize(("limit", "counted"), [(2, 2), (3, 3), (4, 3)])
async def test_a_count_looks_at_so_many_and_says_if_there_may_be_more(
    scene: Scene, limit: int, counted: int
):
    webhook = await skipping_webhook(scene, 3)
    selection = Selection(since=scene.clock.now() - AN_HOUR)

    async with scene.store.read() as tx:
        found = await count_unsent(
            tx, scene.tenant.account_id, selection, fixed_at=scene.clock.now(), limit=limit
        )

    assert found == UnsentCounts({webhook.id: counted}, is_whole=limit > 3)
