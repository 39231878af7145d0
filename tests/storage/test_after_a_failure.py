"""A transaction is all or nothing, whatever failed before it on the same connection."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from runhook.domain.errors import UnavailableError
from runhook.storage.engine.store import DiskError, Store, Transaction
from runhook.storage.engine.tables import accounts, deliveries
from tests.support.accounts import Tenant, a_tenant
from tests.support.clock import ManualClock
from tests.support.databases import VAULT
from tests.support.disks import files_no_larger_than
from tests.support.running import nobody_else_writing

Failure = Callable[[Store, str], Awaitable[None]]


async def rename(tx: Transaction) -> None:
    await tx.execute(sa.update(accounts).values(name="renamed"))


async def rename_and_fail(tx: Transaction) -> None:
    await rename(tx)
    raise LookupError


async def find_name(store: Store) -> str:
    async with store.read() as tx:
        name: str = (await tx.execute(sa.select(accounts.c.name))).scalar_one()
    return name


async def rename_and_lock(tx: Transaction) -> None:
    """Write what is undone then, and what others keep from being written."""
    if tx.connection.dialect.name == "postgresql":
        await tx.execute(sa.text("SET LOCAL lock_timeout = 1"))
    await rename(tx)
    await tx.execute(sa.delete(deliveries))


async def meet_a_lock(store: Store, database_url: str) -> None:
    async with nobody_else_writing(database_url):
        with pytest.raises(UnavailableError):
            await store.commit(rename_and_lock)


async def meet_a_lock_in_an_open_block(store: Store, database_url: str) -> None:
    async with nobody_else_writing(database_url):
        with pytest.raises(UnavailableError):
            async with store.write() as tx:
                await rename_and_lock(tx)


async def meet_a_constraint(store: Store, database_url: str) -> None:
    del database_url

    async def work(tx: Transaction) -> None:
        await rename(tx)
        await tx.execute(sa.update(accounts).values(name=None))

    with pytest.raises(sa.exc.IntegrityError):
        await store.commit(work)


async def lose_the_transaction(store: Store, database_url: str) -> None:
    """End it as the database may do by itself: on a full disk, or when a server goes away."""
    del database_url

    async def work(tx: Transaction) -> None:
        await rename(tx)
        if store.file is not None:
            await tx.connection.exec_driver_sql("ROLLBACK")
        else:
            await tx.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        await rename(tx)

    with pytest.raises((UnavailableError, RuntimeError)):
        await store.commit(work)


async def assert_all_or_nothing(store: Store) -> None:
    before = await find_name(store)
    with pytest.raises(LookupError):
        await store.commit(rename_and_fail)
    assert await find_name(store) == before

    with pytest.raises(LookupError):
        async with store.write() as tx:
            await rename_and_fail(tx)
    assert await find_name(store) == before

    await store.commit(rename)
    assert await find_name(store) == "renamed"


@pytest.mark.parametrize(
    "fail", [meet_a_lock, meet_a_lock_in_an_open_block, meet_a_constraint, lose_the_transaction]
)
async def test_the_next_one_leaves_all_or_nothing(tenant: Tenant, database_url: str, fail: Failure):
    impatient = "?timeout=0" if database_url.startswith("sqlite") else ""
    store = Store.open(database_url + impatient, vault=VAULT)
    before = await find_name(store)

    await fail(store, database_url)

    assert await find_name(store) == before
    await assert_all_or_nothing(store)
    await store.close()


async def test_after_a_full_disk_too(sqlite_url: str):
    """Which is met at the commit, when the statements have all gone well."""
    store = Store.open(sqlite_url, vault=VAULT)
    await a_tenant(store, ManualClock())
    before = await find_name(store)
    log = Path(f"{store.file}-wal")

    with files_no_larger_than(log, os.getpid()):
        with pytest.raises(DiskError):
            await store.commit(rename)
        assert await find_name(store) == before
    await assert_all_or_nothing(store)
    await store.close()
