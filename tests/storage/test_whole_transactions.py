"""A transaction that is run whole: on SQLite in one visit to its thread, on PostgreSQL as ever."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Event, get_ident
from typing import NoReturn

import pytest
import sqlalchemy as sa

from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import accounts
from tests.storage.test_errors_of_others import ERRORS
from tests.support.accounts import Tenant
from tests.support.databases import VAULT
from tests.support.patience import PATIENCE

RUN = pytest.mark.parametrize("run", [Store.commit, Store.query], ids=["commit", "query"])


class EventLoop:
    """The running event loop, for what is on another thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in a turn of the loop, and wait until the tasks it wakes have heard."""
        if get_ident() == self._thread:
            function()
            return
        has_ended = Event()

        def call() -> None:
            function()
            # A task that was canceled has its turn before this.
            self._loop.call_soon(has_ended.set)

        self._loop.call_soon_threadsafe(call)
        assert has_ended.wait(PATIENCE)


async def rename(tx: Transaction) -> None:
    await tx.execute(sa.update(accounts).values(name="renamed"))


async def find_name(tx: Transaction) -> str:
    name: str = (await tx.execute(sa.select(accounts.c.name))).scalar_one()
    return name


async def test_it_commits_when_its_work_is_done(tenant: Tenant):
    async def work(tx: Transaction) -> str:
        await rename(tx)
        return await find_name(tx)

    assert await tenant.store.commit(work) == "renamed"

    assert await tenant.store.query(find_name) == "renamed"


async def test_an_error_leaves_no_trace(tenant: Tenant):
    before = await tenant.store.query(find_name)

    async def work(tx: Transaction) -> None:
        await rename(tx)
        raise LookupError

    with pytest.raises(LookupError):
        await tenant.store.commit(work)

    assert await tenant.store.query(find_name) == before


async def test_what_only_reads_leaves_no_trace(tenant: Tenant):
    before = await tenant.store.query(find_name)

    await tenant.store.query(rename)

    assert await tenant.store.query(find_name) == before


@RUN
async def test_an_error_of_other_code_is_not_taken_for_an_outage(
    tenant: Tenant,
    run: Callable[[Store, Callable[[Transaction], object]], Awaitable[None]],
    subtests: pytest.Subtests,
):
    async def work(tx: Transaction, error: Exception) -> NoReturn:
        await find_name(tx)
        raise error

    for error in ERRORS:
        with subtests.test(error=type(error).__name__):
            with pytest.raises(type(error)) as raised:
                await run(tenant.store, partial(work, error=error))

            assert raised.value is error
            assert not tenant.store.outage.is_known


async def test_who_is_canceled_meanwhile_leaves_no_trace(tenant: Tenant):
    before = await tenant.store.query(find_name)
    loop = EventLoop()

    async def work(tx: Transaction) -> None:
        await rename(tx)
        loop.call(running.cancel)
        await find_name(tx)

    running = asyncio.create_task(tenant.store.commit(work))
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await tenant.store.query(find_name) == before


async def test_who_is_canceled_stays_until_it_has_ended(sqlite_url: str):
    """What the transaction takes on the event loop's side is given back by who began it."""
    store = Store.open(sqlite_url, vault=VAULT)
    loop = EventLoop()
    taken = []

    async def work(tx: Transaction) -> None:
        await find_names(tx)
        loop.call(running.cancel)
        loop.call(running.cancel)
        loop.call(lambda: taken.append(running.done()))

    running = asyncio.create_task(store.commit(work))
    await asyncio.wait([running])

    assert running.cancelled()
    assert taken == [False]
    await store.close()


async def test_on_sqlite_it_is_on_one_thread_which_is_not_the_event_loops(sqlite_url: str):
    store = Store.open(sqlite_url, vault=VAULT)

    async def work(tx: Transaction) -> list[int]:
        threads = [get_ident()]
        for _ in range(3):
            await find_names(tx)
            threads.append(get_ident())
        return threads

    threads = await store.commit(work)

    assert len(set(threads)) == 1
    assert threads[0] != get_ident()
    await store.close()


async def test_on_sqlite_it_waits_for_nothing_else(sqlite_url: str):
    store = Store.open(sqlite_url, vault=VAULT)

    async def work(tx: Transaction) -> None:
        await find_names(tx)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="beside its database"):
        await store.commit(work)

    assert await store.query(find_names) == []
    await store.close()


async def find_names(tx: Transaction) -> list[str]:
    return list((await tx.execute(sa.select(accounts.c.name))).scalars())
