"""A table that another program locks is named in the error, and delays others for a while only."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa

from runhook.domain.errors import UnavailableError
from runhook.operations.commits.group_commit import GroupCommit
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import ContendedError, Store
from tests.support.clock import ManualClock
from tests.support.databases import open_store
from tests.support.patience import PATIENCE

MANY = 25
"""More than there are connections."""


@pytest.fixture
async def store(postgresql_url: str, clock: ManualClock) -> AsyncIterator[Store]:
    opened = open_store(postgresql_url, clock=clock.as_sql())
    yield opened
    await opened.close()


async def read_accounts(store: Store) -> str:
    """How reading a table ends."""
    try:
        async with store.read() as tx:
            await tx.execute(sa.text("SELECT id FROM accounts"))
    except UnavailableError as error:
        return error.message
    return "read"


async def test_those_who_wait_for_a_locked_table_are_told_and_go_on_once_it_is_free(
    store: Store, postgresql_url: str
):
    operator = open_store(postgresql_url)
    async with operator.write() as tx:
        await tx.execute(sa.text("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"))
        async with asyncio.timeout(PATIENCE):
            told = await asyncio.gather(*(read_accounts(store) for _ in range(MANY)))
    await operator.close()

    assert set(told) == {"The database is not available; try again shortly."}
    assert await read_accounts(store) == "read"


async def test_a_schema_that_is_being_changed_is_waited_for(store: Store, postgresql_url: str):
    async with store.write() as tx:
        await tx.database.lock_schema(tx.connection)
        shown = await tx.execute(sa.text("SHOW lock_timeout"))

    assert shown.scalar_one() == "0"
    await migrate(store)


@pytest.fixture
async def two_rows(store: Store) -> AsyncIterator[None]:
    async with store.write() as tx:
        await tx.execute(sa.text("CREATE TABLE pairs (id int PRIMARY KEY, changes int)"))
        await tx.execute(sa.text("INSERT INTO pairs VALUES (1, 0), (2, 0)"))
    yield
    async with store.write() as tx:
        await tx.execute(sa.text("DROP TABLE pairs"))


CHANGE = sa.text("UPDATE pairs SET changes = changes + 1 WHERE id = :id")


@pytest.mark.usefixtures("two_rows")
async def test_of_two_transactions_in_each_others_way_one_goes_on_and_one_is_told(store: Store):
    has_first = asyncio.Barrier(2)

    async def change(*ids: int) -> str:
        try:
            async with store.write() as tx:
                await tx.execute(CHANGE, {"id": ids[0]})
                await has_first.wait()
                await tx.execute(CHANGE, {"id": ids[1]})
        except ContendedError as error:
            return error.message
        return "changed"

    told = await asyncio.gather(change(1, 2), change(2, 1))

    assert sorted(told) == [
        "Another change of the same data came at the same time; try again.",
        "changed",
    ]
    assert not store.outage.is_known


@pytest.mark.usefixtures("two_rows")
async def test_a_batch_that_stood_in_anothers_way_is_written_again(store: Store):
    in_the_way = [True, True]
    has_first = asyncio.Barrier(2)

    async def write(ids: Sequence[int]) -> Sequence[str]:
        async with store.write() as tx:
            await tx.execute(CHANGE, {"id": ids[0]})
            if in_the_way:
                in_the_way.pop()
                await has_first.wait()
            await tx.execute(CHANGE, {"id": 3 - ids[0]})
        return ["changed"]

    told = await asyncio.gather(*(GroupCommit(write).submit(one) for one in (1, 2)))

    assert told == ["changed", "changed"]
    async with store.read() as tx:
        changes = await tx.execute(sa.text("SELECT changes FROM pairs ORDER BY id"))
    assert [row.changes for row in changes] == [2, 2]
