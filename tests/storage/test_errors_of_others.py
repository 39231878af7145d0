"""An error that is not the database's passes through a transaction as it is."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import sqlalchemy as sa

from runhook.domain.errors import UnavailableError
from runhook.storage.engine.store import Store, Transaction

ERRORS = [
    FileNotFoundError("an artifact's file"),
    PermissionError("a folder"),
    ConnectionResetError("a client that has gone"),
    TimeoutError("an endpoint that is slow"),
    ssl.SSLError("a certificate"),
    UnavailableError("Too many others upload at the moment."),
]
OPENED: list[Callable[[Store], AbstractAsyncContextManager[Transaction]]] = [
    Store.write,
    Store.read,
]


@asynccontextmanager
async def too_late() -> AsyncIterator[None]:
    """Let no time for what is within."""
    async with asyncio.timeout(0):
        yield


@pytest.mark.parametrize("opened", OPENED, ids=lambda opened: opened.__name__)
async def test_an_error_of_other_code_is_not_taken_for_an_outage(
    store: Store,
    opened: Callable[[Store], AbstractAsyncContextManager[Transaction]],
    subtests: pytest.Subtests,
):
    for error in ERRORS:
        with subtests.test(error=type(error).__name__):
            with pytest.raises(type(error)) as raised:
                async with opened(store) as tx:
                    await tx.execute(sa.text("SELECT 1"))
                    raise error

            assert raised.value is error
            assert not store.outage.is_known


@pytest.mark.parametrize("opened", OPENED, ids=lambda opened: opened.__name__)
async def test_a_time_limit_within_a_transaction_is_not_taken_for_an_outage(
    store: Store, opened: Callable[[Store], AbstractAsyncContextManager[Transaction]]
):
    with pytest.raises(TimeoutError):
        async with opened(store) as tx:
            async with too_late():
                await asyncio.Event().wait()
            await tx.execute(sa.text("SELECT 1"))

    assert not store.outage.is_known


async def test_what_was_written_before_an_error_of_other_code_leaves_no_trace(store: Store):
    with pytest.raises(FileNotFoundError):
        async with store.write() as tx:
            await tx.execute(sa.text("UPDATE accounts SET name = 'changed'"))
            raise FileNotFoundError

    async with store.read() as tx:
        changed = await tx.execute(sa.text("SELECT 1 FROM accounts WHERE name = 'changed'"))
    assert changed.all() == []


async def test_a_bug_in_a_statement_is_told_as_one(store: Store):
    with pytest.raises(sa.exc.DBAPIError):
        async with store.write() as tx:
            await tx.execute(sa.text("SELECT nothing FROM nowhere"))

    assert not store.outage.is_known
