"""At the commit, the dispatchers of every process hear that something has become due."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from structlog.testing import capture_logs

from runhook.domain.deliveries.delivery import Lease
from runhook.operations.deliveries import attempt
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.storage.engine.store import Store
from tests.storage.claiming import LEASE, claim
from tests.support.accounts import Tenant, a_start_report, a_tenant
from tests.support.clock import ManualClock
from tests.support.databases import VAULT, open_store
from tests.support.patience import PATIENCE
from tests.support.relay import Relay
from tests.support.waking import listening_to

LISTENING = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'
"""


async def test_a_worker_is_woken_once_by_what_its_own_process_publishes(
    tenant: Tenant, store: Store
):
    await tenant.webhook()

    async with listening_to(store) as wakes:
        await tenant.start("run-1")
        await tenant.start("run-2")

    assert wakes.count == 2


async def test_what_a_worker_gives_back_wakes_the_others(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.start()
    stopping = Lease(owner="stopping", duration=LEASE)
    claimed = await attempt.claim_deliveries(store, {webhook.id: 1}, stopping)

    async with listening_to(store) as wakes:
        await attempt.release(store, claimed)

    assert wakes.count == 1


async def test_what_is_rescued_wakes_and_a_look_that_finds_nothing_does_not(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    await claim(store, {webhook.id: 1}, owner="dead")

    async with listening_to(store) as wakes:
        await attempt.rescue(store)
        assert wakes.count == 0
        clock.advance(LEASE)
        await attempt.rescue(store)

    assert wakes.count == 1


async def test_a_worker_that_stops_listening_is_left_alone(tenant: Tenant, store: Store):
    await tenant.webhook()
    async with listening_to(store) as wakes:
        pass

    await tenant.start()

    assert wakes.count == 0


@pytest.fixture
async def tenant_elsewhere(postgresql_url: str, clock: ManualClock):
    """The account as another process has it."""
    store = open_store(postgresql_url, clock=clock.as_sql())
    yield await a_tenant(store, clock)
    await store.close()


@pytest.fixture
async def shared_store(postgresql_url: str, clock: ManualClock):
    """The database as this process has it."""
    store = open_store(postgresql_url, clock=clock.as_sql())
    yield store
    await store.close()


@pytest.fixture
async def relay(postgresql_url: str) -> AsyncIterator[Relay]:
    async with Relay(postgresql_url) as started:
        yield started


@pytest.mark.needs("sessions", "notify")
async def test_a_worker_is_woken_by_what_another_process_publishes(
    tenant_elsewhere: Tenant, shared_store: Store
):
    await tenant_elsewhere.webhook()

    async with listening_to(shared_store) as wakes:
        await tenant_elsewhere.start()
        await wakes.wait_for(1)


@pytest.mark.needs("sessions", "notify")
async def test_reports_that_share_a_commit_share_a_notification(
    tenant_elsewhere: Tenant, shared_store: Store
):
    await tenant_elsewhere.webhook()
    publisher = Publisher(tenant_elsewhere.store, tenant_elsewhere.clock)

    async def start(number: int) -> None:
        report = a_start_report(f"run-{number}")
        await publisher.publish(Start(tenant_elsewhere.account_id, report))

    # The first report of an account goes alone, since its fan-out is not known yet.
    await start(0)
    async with listening_to(shared_store) as wakes:
        await asyncio.gather(*(start(number) for number in range(1, 51)))
        await tenant_elsewhere.start("the last")
        await wakes.wait_for(2)

    assert wakes.count == 2


@pytest.mark.needs("sessions", "notify")
async def test_a_worker_whose_connection_is_cut_listens_again_and_looks_at_once(
    tenant_elsewhere: Tenant, shared_store: Store, postgresql_url: str
):
    """No notification reached anyone for what was published in between."""
    await tenant_elsewhere.webhook()
    administrator = await asyncpg.connect(postgresql_url)

    async with listening_to(shared_store) as wakes:
        ended = await administrator.fetch(
            f"SELECT pg_terminate_backend(pid) FROM ({LISTENING}) AS one"
        )
        await wakes.wait_for(1)
        await tenant_elsewhere.start()
        await wakes.wait_for(2)

    await administrator.close()
    assert len(ended) == 1


async def test_a_worker_asks_a_server_that_is_away_again_and_again():
    asked = 0
    often = asyncio.Event()

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            often.set()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        store = Store.open(f"postgresql://me@127.0.0.1:{port}/none?sslmode=disable", vault=VAULT)
        listening = asyncio.create_task(store.notifier.listen(lambda: None))
        async with asyncio.timeout(PATIENCE):
            await often.wait()
        is_over = listening.done()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await store.close()

    assert not is_over


@pytest.mark.needs("sessions", "notify")
async def test_a_worker_that_was_turned_away_asks_again_and_says_so_once(
    tenant_elsewhere: Tenant, relay: Relay, clock: ManualClock
):
    """As by a database that is being made anew, and has another encoding for a moment."""
    await tenant_elsewhere.webhook()
    store = open_store(relay.url, clock=clock.as_sql())
    relay.pretend_encoding("LATIN1", times=2)

    with capture_logs() as logged:
        async with listening_to(store) as wakes:
            await tenant_elsewhere.start()
            await wakes.wait_for(1)

    await store.close()
    (line,) = logged
    assert line["event"] == "notifications.off"
    assert "UTF-8" in line["reason"]
