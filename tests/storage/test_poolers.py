"""Through a pooler that gives each transaction another connection, all works and nothing stays.

PgBouncer has fewer connections to the server here than one process of ours opens to it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from runhook.domain.errors import UnavailableError
from runhook.domain.service.pooling import Pooling
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from tests.support.accounts import Tenant, a_tenant
from tests.support.clock import ManualClock
from tests.support.databases import VAULT, PostgresqlDatabases
from tests.support.pooler import POOL_SIZE, Pooler, a_pooler
from tests.support.waking import listening_to

MANY = 12
"""Transactions at once: more than any pool has connections."""
LEFT = """
SELECT (SELECT count(*) FROM pg_prepared_statements)
    + (SELECT count(*) FROM pg_listening_channels())
    + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
    + (SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout%')
"""


@pytest.fixture
def direct_url(postgresql_databases: PostgresqlDatabases, postgresql_url: str) -> str:
    """The address of an empty database without any pooler."""
    del postgresql_url
    return postgresql_databases.url


@pytest.fixture
def pooler(postgresql_server: str, direct_url: str) -> Iterator[Pooler]:
    """A pooler without connections of an earlier test, which have just been ended."""
    del direct_url
    with a_pooler(postgresql_server) as started:
        yield started


@pytest.fixture
async def opened(
    pooler: Pooler, direct_url: str, clock: ManualClock
) -> AsyncIterator[Callable[..., Store]]:
    """Opens stores, over the pooler unless another address is given."""
    async with AsyncExitStack() as stack:

        def open_store(url: str | None = None, pooling: Pooling = Pooling.AUTO) -> Store:
            store = Store.open(
                url or pooler.url_of(direct_url), vault=VAULT, clock=clock.as_sql(), pooling=pooling
            )
            stack.push_async_callback(store.close)
            return store

        yield open_store


async def value_of(store: Store, expression: str) -> object:
    """What an expression is within a transaction."""
    async with store.read() as tx:
        return (await tx.execute(sa.text(f"SELECT {expression}"))).scalar_one()


async def left_in(url: str) -> int:
    """What clients have left in the sessions of all connections of a pool."""
    clients = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(POOL_SIZE)]
    transactions = [client.transaction() for client in clients]
    # At once, so that each has a connection of its own.
    for transaction in transactions:
        await transaction.start()
    left = sum([await client.fetchval(LEFT) for client in clients])
    for client in clients:
        client.terminate()
    return left


async def test_more_transactions_than_the_pool_has_connections_take_turns(
    opened: Callable[..., Store],
):
    store = opened()

    async def change(number: int) -> int:
        async with store.write() as tx:
            await tx.execute(sa.text("SELECT 1"))
            await asyncio.sleep(0)
            shown = await tx.execute(sa.text("SELECT CAST(:number AS integer)"), {"number": number})
            return shown.scalar_one()

    assert await asyncio.gather(*map(change, range(MANY))) == list(range(MANY))


async def test_nothing_is_left_in_the_servers_sessions(
    opened: Callable[..., Store], pooler: Pooler, direct_url: str, clock: ManualClock
):
    store = opened()
    await migrate(store)
    async with listening_to(store):
        tenant = await a_tenant(store, clock)
        await tenant.webhook()
        await asyncio.gather(*(tenant.start(f"run-{number}") for number in range(MANY)))

    assert await left_in(pooler.url_of(direct_url)) == 0


@pytest.mark.parametrize("pooling", [Pooling.AUTO, Pooling.TRANSACTION])
async def test_each_transaction_waits_for_locks_as_long_as_without_a_pooler(
    opened: Callable[..., Store], pooling: Pooling
):
    store = opened(pooling=pooling)

    for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
        shown = await value_of(store, f"current_setting('{name}')")
        assert shown == {"lock_timeout": "10s"}.get(name, "15s")


async def test_nothing_is_kept_prepared_where_a_setting_says_that_there_is_a_pooler(
    opened: Callable[..., Store], direct_url: str
):
    """As before a pooler that hides itself."""
    store = opened(direct_url, Pooling.TRANSACTION)

    assert await value_of(store, "count(*) FROM pg_prepared_statements") == 0


async def test_a_worker_behind_a_pooler_is_not_woken_by_others_and_says_so_once(
    opened: Callable[..., Store], clock: ManualClock
):
    store = opened()

    with capture_logs() as logged:
        async with listening_to(store) as wakes:
            elsewhere = await a_tenant(opened(), clock)
            await elsewhere.webhook()
            await elsewhere.start()
            here = await a_tenant(store, clock, account_id=2)
            await here.webhook()
            await here.start()
            assert not store.notifier.hears_others

    # By what its own process has published.
    assert wakes.count == 1
    events = [line["event"] for line in logged if line["event"].startswith("notifications")]
    assert events == ["notifications.absent"]


@pytest.mark.needs("notify")
async def test_a_worker_without_a_pooler_hears_of_what_is_published_through_one(
    opened: Callable[..., Store], direct_url: str, clock: ManualClock
):
    elsewhere = await a_tenant(opened(), clock)
    await elsewhere.webhook()

    async with listening_to(opened(direct_url)) as wakes:
        await elsewhere.start()
        await wakes.wait_for(1)


@pytest.fixture
def pooler_of_sessions(postgresql_server: str) -> Iterator[Pooler]:
    with a_pooler(postgresql_server, pool_mode="session", default_pool_size="20") as one:
        yield one


@pytest.mark.needs("notify")
async def test_through_a_pooler_of_sessions_workers_wake_each_other_once_a_setting_says_so(
    opened: Callable[..., Store], pooler_of_sessions: Pooler, direct_url: str, clock: ManualClock
):
    url = pooler_of_sessions.url_of(direct_url)
    elsewhere: Tenant = await a_tenant(opened(url, Pooling.SESSION), clock)
    await elsewhere.webhook()

    async with listening_to(opened(url, Pooling.SESSION)) as wakes:
        await elsewhere.start()
        await wakes.wait_for(1)


async def test_a_pooler_of_statements_is_refused_with_what_to_set(
    postgresql_server: str, opened: Callable[..., Store], direct_url: str
):
    with (
        a_pooler(postgresql_server, pool_mode="statement") as pooler,
        pytest.raises(UnavailableError, match="pool_mode = transaction"),
    ):
        await value_of(opened(pooler.url_of(direct_url)), "1")


async def test_what_a_pooler_refuses_is_told_with_what_to_do(
    opened: Callable[..., Store], pooler: Pooler, direct_url: str
):
    url = pooler.url_of(direct_url)
    for address, words in [
        (url.replace("//postgres", "//stranger"), "the user or the password"),
        (f"{url}&options=-c%20geqo%3Doff", "PgBouncer: ignore_startup_parameters"),
        (url.replace("/test_", "/no_such_"), "names does not exist"),
    ]:
        with pytest.raises(UnavailableError) as refusal:
            await value_of(opened(address), "1")
        assert words in refusal.value.message


async def test_a_pooler_whose_server_is_away_is_waited_for(
    opened: Callable[..., Store], direct_url: str
):
    with (
        a_pooler("postgresql://me@127.0.0.1:1/none") as pooler,
        pytest.raises(UnavailableError, match="try again shortly"),
    ):
        await value_of(opened(pooler.url_of(direct_url)), "1")


async def test_after_a_pooler_was_restarted_all_goes_on(
    postgresql_server: str, opened: Callable[..., Store], direct_url: str
):
    with a_pooler(postgresql_server) as pooler:
        store = opened(pooler.url_of(direct_url))
        with pytest.raises(UnavailableError):
            async with store.write() as tx:
                pooler.stop()
                await tx.execute(sa.text("SELECT 1"))
        pooler.start()

        assert await value_of(store, "1") == 1
