"""A table that somebody else has locked is told as what it is, and holds nobody up for good."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from runhook.domain.errors import UnavailableError
from runhook.storage.schema import migrate
from runhook.storage.store import Store
from tests.support.clock import ManualClock
from tests.support.databases import VAULT
from tests.support.patience import PATIENCE

MANY = 25
"""More than there are connections."""


@pytest.fixture
async def store(postgresql_url: str, clock: ManualClock) -> AsyncIterator[Store]:
    opened = Store.open(postgresql_url, vault=VAULT, clock=clock.as_sql())
    yield opened
    await opened.close()


async def read_accounts(store: Store) -> str:
    """Return how reading a table ends."""
    try:
        async with store.read() as tx:
            await tx.execute(sa.text("SELECT id FROM accounts"))
    except UnavailableError as error:
        return error.message
    return "read"


async def test_those_who_wait_for_a_locked_table_are_told_and_go_on_once_it_is_free(
    store: Store, postgresql_url: str
):
    operator = Store.open(postgresql_url, vault=VAULT)
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
