"""What was committed without our hearing of it is sent at once, and once.

A server can write a commit and vanish before it says so. SQLite, in the same process, cannot.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from runhook.dispatcher.dispatcher import Dispatcher
from runhook.domain.deliveries.delivery import DeliveryState, Lease
from runhook.domain.errors import UnavailableError
from runhook.domain.people.callers import RUNHOOK
from runhook.operations.context import Context
from runhook.operations.deliveries.attempt import claim_deliveries
from runhook.operations.runs.publish import Start
from runhook.operations.webhooks.send_test import send_test
from tests.support.accounts import a_start_report, a_tenant, claims_of
from tests.support.clock import ManualClock
from tests.support.databases import PostgresqlDatabases, open_store
from tests.support.misbehaving import once
from tests.support.receiver import status
from tests.support.relay import Relay
from tests.support.scene import LEASE, Scene, deliver_due

OWNER = "a worker"
PENDING, SENDING, SUCCEEDED = (
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.SUCCEEDED,
)


@pytest.fixture
def database_url(postgresql_databases: PostgresqlDatabases, tmp_path: Path) -> Iterator[str]:
    with postgresql_databases.new(tmp_path) as url:
        yield url


@pytest.fixture
async def relay(database_url: str) -> AsyncIterator[Relay]:
    async with Relay(database_url) as started:
        yield started


@pytest.fixture
async def scene(relay: Relay, clock: ManualClock) -> AsyncIterator[Scene]:
    store = open_store(relay.url, clock=clock.as_sql())
    async with AsyncExitStack() as stack:
        yield Scene(await a_tenant(store, clock), stack)
    await store.close()


@pytest.fixture
async def worker(scene: Scene) -> Dispatcher:
    """The worker in the process that takes the scene's reports."""
    dispatcher = await scene.dispatcher(owner=OWNER)
    scene.hand_over_to(dispatcher)
    return dispatcher


def a_start(scene: Scene, run_key: str) -> Start:
    """A report that a run started."""
    return Start(scene.tenant.account_id, a_start_report(run_key))


async def test_a_delivery_that_was_added_as_claimed_is_sent_with_the_next_look(
    scene: Scene, relay: Relay, worker: Dispatcher
):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)

    relay.lose_answer()
    with pytest.raises(UnavailableError):
        await scene.tenant.start()
    assert await claims_of(scene.store) == [(SENDING, OWNER)]
    assert worker.held == 0
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert len(receiver.received) == 1


async def test_a_delivery_that_was_claimed_is_sent_with_the_next_look(scene: Scene, relay: Relay):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher(owner=OWNER)

    relay.lose_answer()
    with pytest.raises(UnavailableError):
        await worker.tick()
    assert await claims_of(scene.store) == [(SENDING, OWNER)]
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert len(receiver.received) == 1


async def test_a_delivery_that_could_not_be_given_back_is_sent_with_the_next_look(
    scene: Scene, relay: Relay
):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    # With that margin it is given back for its lease's sake.
    worker = await scene.dispatcher(owner=OWNER, send_margin=2 * LEASE)

    await worker.tick()
    relay.lose_commit()
    await worker.settle()
    assert await claims_of(scene.store) == [(SENDING, OWNER)]
    await worker.tick()
    await worker.settle()

    assert await scene.tenant.states(webhook) == [PENDING]


async def test_a_delivery_whose_claim_could_not_be_made_longer_is_sent_with_the_next_look(
    scene: Scene, relay: Relay
):
    receiver = await scene.receiver()
    webhook = await scene.tenant.webhook(
        receiver.url, event_types=["job.run.started"], attempt_timeout=60
    )
    await scene.tenant.start()
    worker = await scene.dispatcher(owner=OWNER)

    await worker.tick()
    relay.lose_commit()
    await worker.settle()
    assert await claims_of(scene.store) == [(SENDING, OWNER)]
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert len(receiver.received) == 1


async def test_an_attempt_whose_record_was_not_confirmed_is_not_made_again(
    scene: Scene, relay: Relay
):
    answering = asyncio.Event()
    receiver = await scene.receiver(once(answering, status(200)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher(owner=OWNER)
    await worker.tick()
    await receiver.wait_for(1)

    relay.lose_answer()
    answering.set()
    await worker.settle()
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED]
    assert (await scene.attempt(webhook)).number == 1
    assert len(receiver.received) == 1


async def test_a_commit_that_the_server_finishes_late_is_found_by_a_later_look(
    scene: Scene, relay: Relay
):
    """Another connection claims as the worker's lost one would have."""
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    worker = await scene.dispatcher(owner=OWNER)
    relay.lose_commit()
    with pytest.raises(UnavailableError):
        await worker.tick()
    await deliver_due(worker)
    await scene.tenant.start("late")
    await claim_deliveries(scene.store, {webhook.id: 1}, Lease(owner=OWNER, duration=LEASE))

    scene.clock.advance(LEASE / 2)
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED] * 2
    assert len(receiver.received) == 2


async def test_what_is_under_way_is_left_alone(scene: Scene, relay: Relay, worker: Dispatcher):
    """Its own deliveries, those of other workers, and tests, which are in no ledger."""
    answering = asyncio.Event()
    receiver = await scene.receiver(once(answering, status(200)))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start("own")
    await receiver.wait_for(1)
    other = await scene.dispatcher(owner="another worker")
    await scene.publisher_with(other).publish(a_start(scene, "of another"))
    await receiver.wait_for(2)
    testing = asyncio.create_task(
        send_test(
            Context(scene.store, scene.clock, RUNHOOK),
            await scene.sender(),
            webhook.account_id,
            webhook.id,
            lease=Lease(owner=OWNER, duration=LEASE),
        )
    )
    await receiver.wait_for(3)

    relay.lose_answer()
    with pytest.raises(UnavailableError):
        await scene.tenant.start("lost")
    await worker.tick()
    await receiver.wait_for(4)
    answering.set()
    await asyncio.gather(worker.settle(), other.settle(), testing)
    await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [SUCCEEDED] * 4
    assert len(receiver.received) == 4
