"""What can be sent at once is claimed as it is added, and sent by the process that took the report.

Every promise holds that holds for what is claimed later.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import runhook
from runhook.dispatcher.dispatcher import Dispatcher
from runhook.dispatcher.limits import LIMITS
from runhook.domain.deliveries.delivery import FIRST_CLAIM, DeliveryState
from runhook.domain.errors import UnavailableError
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import FinishReport, Run, RunStatus
from runhook.domain.webhooks.failing import PAUSE_AFTER
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.context import Context
from runhook.operations.deliveries.handover import Handover
from runhook.operations.runs.publish import Publisher, owe_deliveries
from runhook.operations.runs.reports import Finish, Start
from runhook.operations.webhooks.subscribe import renew_secret
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import deliveries, webhooks
from tests.support.accounts import SOMEBODY, a_start_report, a_tenant, claims_of, rows_of
from tests.support.clock import ManualClock
from tests.support.databases import VAULT, SqliteDatabases
from tests.support.misbehaving import once
from tests.support.patience import PATIENCE, until
from tests.support.receiver import Receiver, status
from tests.support.scene import LEASE, Scene, deliver_due
from tests.support.waking import listening_to

STARTED, ERRORED, COMPLETED = "job.run.started", "job.run.errored", "job.run.completed"
PENDING, SENDING, SUCCEEDED = (
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.SUCCEEDED,
)
OWNER = "a worker"


class DiedError(Exception):
    """A process is no more."""


def dying(dispatcher: Dispatcher) -> Callable[[], AbstractContextManager[Handover]]:
    """Hand over to a worker whose process dies as soon as the transaction has committed."""

    @contextmanager
    def handover() -> Iterator[Handover]:
        with dispatcher.handover() as handover:
            yield handover
            raise DiedError

    return handover


def a_start(scene: Scene, run_key: str) -> Start:
    """A report that a run started."""
    return Start(scene.tenant.account_id, a_start_report(run_key))


@pytest.fixture
async def worker(scene: Scene) -> Dispatcher:
    """The worker in the process that takes the scene's reports. It never looks by itself."""
    dispatcher = await scene.dispatcher(owner=OWNER)
    scene.hand_over_to(dispatcher)
    return dispatcher


def told(receiver: Receiver) -> list[str]:
    """The types of the events that came in."""
    return [json.loads(one.body)["event_type"] for one in receiver.received]


def started(scene: Scene, run: Run) -> Event:
    """The event that a run has started."""
    return Event(type=EventType.STARTED, run=run, sequence=1, occurred_at=scene.clock.now())


async def states(scene: Scene, webhook: Webhook) -> dict[str, DeliveryState]:
    """The states of the deliveries of one run's events."""
    return {one.event_type.value: one.state for one in await scene.tenant.deliveries(webhook)}


async def test_it_is_sent_and_recorded_without_a_look_into_the_queue(
    scene: Scene, worker: Dispatcher
):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)

    async with listening_to(scene.store) as wakes:
        await scene.tenant.start()
        await worker.settle()

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert (await scene.attempt(webhook)).number == 1
    assert told(receiver) == [STARTED]
    assert wakes.count == 0


async def test_it_begins_under_a_claim_with_a_number_and_a_lease(scene: Scene, worker: Dispatcher):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)))
    await scene.webhook_at(receiver)

    await scene.tenant.start()

    (row,) = await rows_of(scene.store, deliveries)
    assert (row.state, row.claimed_by, row.claim_number) == (SENDING, OWNER, FIRST_CLAIM)
    assert row.claimed_until == scene.clock.now() + LEASE
    gate.set()
    await worker.settle()
    assert await claims_of(scene.store) == [(SUCCEEDED, None)]


async def test_it_is_signed_as_what_is_claimed_later(scene: Scene, worker: Dispatcher):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    before = scene.tenant.secrets[webhook.id]
    context = Context(scene.store, scene.clock, SOMEBODY)
    _, secret = await renew_secret(context, webhook.account_id, webhook.id, grace_days=1)

    await scene.tenant.start()
    await worker.settle()

    (request,) = receiver.received
    assert len(request.headers["webhook-signature"].split()) == 2
    for one in (secret, before):
        runhook.verify(request.body, request.headers, one.reveal(), tolerance=None)


async def test_after_a_failure_it_waits_in_the_queue_for_its_retry(
    scene: Scene, worker: Dispatcher
):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    await worker.settle()
    assert await claims_of(scene.store) == [(PENDING, None)]

    await scene.skip_to_next_attempt(webhook)
    await deliver_due(worker)

    assert [one.number for one in await scene.attempts(webhook)] == [1, 2]
    (row,) = await rows_of(scene.store, deliveries)
    assert row.claim_number == FIRST_CLAIM + 1


async def test_the_end_of_a_run_waits_while_its_start_is_under_way(
    scene: Scene, worker: Dispatcher
):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)), status(200))
    webhook = await scene.tenant.webhook(receiver.url)
    run = await scene.tenant.start()
    await receiver.wait_for(1)

    await scene.tenant.finish(run)
    assert await states(scene, webhook) == {STARTED: SENDING, COMPLETED: PENDING}
    gate.set()
    await worker.settle()
    await deliver_due(worker)

    assert told(receiver) == [STARTED, COMPLETED]


async def test_the_end_of_a_run_whose_start_was_attempted_waits_no_more(
    scene: Scene, worker: Dispatcher
):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.tenant.webhook(receiver.url)
    run = await scene.tenant.start()
    await worker.settle()

    await scene.tenant.finish(run)
    await worker.settle()

    assert told(receiver) == [STARTED, COMPLETED]
    assert await states(scene, webhook) == {STARTED: PENDING, COMPLETED: SUCCEEDED}


async def test_of_events_that_come_together_the_first_goes_and_the_others_follow(
    scene: Scene, worker: Dispatcher
):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)), status(200))
    webhook = await scene.tenant.webhook(receiver.url, event_types=[ERRORED, COMPLETED])
    run = await scene.tenant.start()

    await scene.tenant.finish(run, RunStatus.ERROR)
    assert await states(scene, webhook) == {ERRORED: SENDING, COMPLETED: PENDING}
    gate.set()
    await worker.settle()
    await deliver_due(worker)

    assert told(receiver) == [ERRORED, COMPLETED]


async def test_the_end_that_another_replica_hears_of_waits_for_the_start(
    scene: Scene, worker: Dispatcher
):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)), status(200))
    webhook = await scene.tenant.webhook(receiver.url)
    run = await scene.tenant.start()
    await receiver.wait_for(1)
    other = await scene.dispatcher(owner="another worker")

    await scene.publisher_with(other).publish(
        Finish(scene.tenant.account_id, run.id, FinishReport(status=RunStatus.SUCCESS))
    )
    await deliver_due(other)
    assert told(receiver) == [STARTED]
    gate.set()
    await worker.settle()
    await deliver_due(other)

    assert told(receiver) == [STARTED, COMPLETED]
    assert await scene.tenant.states(webhook) == [SUCCEEDED] * 2


async def test_it_is_behind_what_waits_for_its_webhook(scene: Scene, worker: Dispatcher):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await Publisher(scene.store, scene.clock).publish(a_start(scene, "elsewhere"))

    await scene.tenant.start()
    assert await scene.tenant.states(webhook) == [PENDING] * 2
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED] * 2


async def test_a_retry_that_is_due_later_is_nothing_to_wait_for(scene: Scene, worker: Dispatcher):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start("run-1")
    await worker.settle()

    await scene.tenant.start("run-2")
    await worker.settle()

    assert Counter(await scene.tenant.states(webhook)) == {PENDING: 1, SUCCEEDED: 1}


async def test_a_paused_endpoint_gets_its_probe_from_the_queue(scene: Scene, worker: Dispatcher):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)

    await scene.tenant.start()
    assert await scene.tenant.states(webhook) == [PENDING]
    await scene.skip_pause(webhook)
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED]


async def test_a_rate_limit_is_asked_for_each(scene: Scene, worker: Dispatcher):
    receiver = await scene.receiver()
    webhook = await scene.tenant.webhook(receiver.url, event_types=[STARTED], rate_limit="1/minute")

    await scene.start_many(3)
    assert await scene.tenant.states(webhook) == [PENDING] * 3
    await deliver_due(worker)

    assert len(receiver.received) == 1


async def test_a_failure_on_hold_is_not_sent_before_its_time(scene: Scene, worker: Dispatcher):
    receiver = await scene.receiver()
    webhook = await scene.tenant.webhook(
        receiver.url, event_types=[COMPLETED], notify="changes", hold=5
    )
    run = await scene.tenant.start()

    await scene.tenant.finish(run, RunStatus.ERROR)

    assert await scene.tenant.states(webhook) == [PENDING]
    assert worker.held == 0


async def test_what_is_skipped_is_not_sent(scene: Scene, worker: Dispatcher):
    webhook = await scene.tenant.webhook((await scene.receiver()).url, active=False)

    await scene.tenant.start()

    assert await scene.tenant.states(webhook) == [DeliveryState.SKIPPED]
    assert worker.held == 0


async def test_a_webhook_whose_secret_cannot_be_opened_keeps_its_deliveries_in_the_queue(
    scene: Scene, worker: Dispatcher
):
    webhook = await scene.webhook_at(await scene.receiver())
    async with scene.store.write() as tx:
        await tx.execute(sa.update(webhooks).values(secret_ciphertext=b"of another key"))

    await scene.tenant.start()

    assert await scene.tenant.states(webhook) == [PENDING]


async def test_a_full_lane_leaves_the_rest_to_the_queue_and_fills_no_other(
    scene: Scene, worker: Dispatcher
):
    gate = asyncio.Event()
    hanging = await scene.receiver(once(gate, status(200)))
    healthy = await scene.receiver()
    stuck = await scene.webhook_at(hanging)
    other = await scene.webhook_at(healthy)
    many = 3 * LIMITS.requests_per_lane

    async def is_known_to_be_quick() -> bool:
        return await scene.tenant.states(other) == [SUCCEEDED]

    # Of an endpoint that has not answered yet, a lane takes fewer.
    await scene.tenant.start("the first")
    await until(is_known_to_be_quick)
    await scene.start_many(many)
    await healthy.wait_for(1 + many)
    await scene.start_many(many, "later")
    await healthy.wait_for(1 + 2 * many)
    await hanging.wait_for(LIMITS.requests_per_lane)

    counts = Counter(await scene.tenant.states(stuck))
    assert counts[SENDING] >= LIMITS.requests_per_lane
    assert counts[PENDING] >= LIMITS.requests_per_lane
    assert len(hanging.received) == LIMITS.requests_per_lane
    gate.set()
    await worker.settle()
    await deliver_due(worker)
    for webhook in (stuck, other):
        assert Counter(await scene.tenant.states(webhook)) == {SUCCEEDED: 1 + 2 * many}


async def test_nothing_is_held_or_sent_of_a_transaction_that_failed(
    scene: Scene, worker: Dispatcher
):
    receiver = await scene.receiver()
    run = await scene.tenant.start()
    webhook = await scene.webhook_at(receiver)

    with pytest.raises(DiedError), worker.handover() as handover:
        async with scene.store.write() as tx:
            await owe_deliveries(tx, [started(scene, run)], public_url=None, handover=handover)
            assert len(handover.taken) == 1
            raise DiedError

    assert worker.held == 0
    assert await claims_of(scene.store) == []
    await scene.tenant.start("run-2")
    await worker.settle()
    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert len(receiver.received) == 1


async def test_its_transaction_never_waits_for_the_event_loop(
    sqlite_databases: SqliteDatabases, tmp_path: Path, clock: ManualClock
):
    """On SQLite it holds the only connection that writes for as long as it lasts."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(sqlite_databases.new(tmp_path))
        store = Store.open(url, vault=VAULT, clock=clock.as_sql())
        stack.push_async_callback(store.close)
        scene = Scene(await a_tenant(store, clock), stack)
        receiver = await scene.receiver()
        run = await scene.tenant.start()
        await scene.webhook_at(receiver)
        worker = await scene.dispatcher(owner=OWNER)
        has_begun, may_go_on, is_done = (threading.Event() for _ in range(3))

        async def work(tx: Transaction) -> None:
            has_begun.set()
            may_go_on.wait(PATIENCE)
            await owe_deliveries(tx, [started(scene, run)], public_url=None, handover=handover)
            is_done.set()

        with worker.handover() as handover:
            committing = asyncio.create_task(store.commit(work))
            await asyncio.to_thread(has_begun.wait, PATIENCE)
            may_go_on.set()
            # The event loop does nothing else meanwhile.
            assert is_done.wait(PATIENCE)
            await committing
        await worker.settle()

    assert told(receiver) == [STARTED]


async def test_what_is_being_handed_over_is_not_taken_for_a_claim_that_was_forgotten(
    scene: Scene, worker: Dispatcher
):
    receiver = await scene.receiver()
    run = await scene.tenant.start()
    webhook = await scene.webhook_at(receiver)
    with pytest.raises(UnavailableError), worker.handover():
        raise UnavailableError  # from now on it looks for what it may have claimed

    with worker.handover() as handover:
        async with scene.store.write() as tx:
            await owe_deliveries(tx, [started(scene, run)], public_url=None, handover=handover)
        await worker.tick()
        assert await claims_of(scene.store) == [(SENDING, OWNER)]
    await worker.settle()

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert len(receiver.received) == 1


async def test_it_arrives_though_its_process_died_right_after_the_commit(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    dead = await scene.dispatcher(owner="dead")

    with pytest.raises(DiedError):
        await Publisher(scene.store, scene.clock, handovers=dying(dead)).publish(
            a_start(scene, "run-1")
        )
    assert await claims_of(scene.store) == [(SENDING, "dead")]
    assert receiver.received == []
    scene.clock.advance(LEASE)
    await scene.rescue()
    await deliver_due(await scene.dispatcher(owner="next"))

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert len(receiver.received) == 1


async def test_it_is_given_back_if_the_process_is_told_to_stop_before_it_is_sent(
    scene: Scene, worker: Dispatcher
):
    receiver = await scene.receiver()
    run = await scene.tenant.start()
    await scene.webhook_at(receiver)

    with worker.handover() as handover:
        async with scene.store.write() as tx:
            await owe_deliveries(tx, [started(scene, run)], public_url=None, handover=handover)
        assert await claims_of(scene.store) == [(SENDING, OWNER)]
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
    await stopping

    assert await claims_of(scene.store) == [(PENDING, None)]
    assert receiver.received == []


async def test_a_process_that_stops_takes_nothing_over(scene: Scene, worker: Dispatcher):
    webhook = await scene.webhook_at(await scene.receiver())
    await worker.stop()

    await scene.tenant.start()

    assert await scene.tenant.states(webhook) == [PENDING]


async def test_a_lease_that_ended_before_it_could_be_sent_is_given_back(
    scene: Scene, worker: Dispatcher
):
    receiver = await scene.receiver()
    run = await scene.tenant.start()
    await scene.webhook_at(receiver)

    with worker.handover() as handover:
        async with scene.store.write() as tx:
            await owe_deliveries(tx, [started(scene, run)], public_url=None, handover=handover)
        scene.clock.advance(LEASE)
    await worker.settle()

    assert await claims_of(scene.store) == [(PENDING, None)]
    assert receiver.received == []


async def test_a_time_limit_of_the_webhooks_own_makes_the_lease_longer(
    scene: Scene, worker: Dispatcher
):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(200)))
    await scene.tenant.webhook(receiver.url, event_types=[STARTED], attempt_timeout=60)
    await scene.tenant.start()
    await receiver.wait_for(1)

    (row,) = await rows_of(scene.store, deliveries)
    assert row.claimed_until == scene.clock.now() + LEASE + timedelta(seconds=60)
    gate.set()
    await worker.settle()


async def test_it_is_recorded_only_by_who_holds_it_still(scene: Scene, worker: Dispatcher):
    late = asyncio.Event()
    receiver = await scene.receiver(once(late, status(500)), status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    await receiver.wait_for(1)
    scene.clock.advance(LEASE)
    await scene.rescue()
    await deliver_due(await scene.dispatcher(owner="next"))

    late.set()
    await worker.settle()

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert (await scene.attempt(webhook)).http_status_code == 200
