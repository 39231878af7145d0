"""What tests of running processes share: their token, and looks into their database."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, closing

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from runhook.storage.engine.tables import deliveries, events, runs
from tests.support.databases import CLEANER, open_store
from tests.support.patience import PATIENCE, until
from tests.support.program import Service

TOKEN = "rh_a-bootstrap-token-of-a-test"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what a process does by itself, whatever its database is."""
LONG = "60"
"""Seconds that an attempt may take, so that endpoints can wait for a test."""


def account_of(service: Service, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Point a client at a service's first account."""
    client.base_url = f"{service.url}/api/v3/accounts/1/"
    return client


async def states(database: str) -> Counter[str]:
    """How many deliveries are in which state, as the database has it."""
    store = open_store(database)
    statement = sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state)
    async with store.read() as tx:
        counted = Counter(dict((await tx.execute(statement)).all()))
    await store.close()
    return counted


async def half_written(database: str) -> list[int]:
    """Runs that do not have all their events: a transaction has left a part of what it wrote."""
    store = open_store(database)
    written = sa.select(sa.func.count()).where(events.c.run_id == runs.c.id).scalar_subquery()
    async with store.read() as tx:
        found = await tx.execute(sa.select(runs.c.id).where(runs.c.event_count != written))
        run_ids = list(found.scalars())
    await store.close()
    return run_ids


async def fates(database: str, run_ids: Collection[int]) -> list[str]:
    """What the database has of each of these runs: that it is gone, or its deliveries' states."""
    store = open_store(database)
    asked = sa.select(runs.c.id).where(runs.c.id.in_(run_ids))
    found = sa.select(
        deliveries.c.run_id, deliveries.c.state, deliveries.c.attempt_count, deliveries.c.failure
    ).where(deliveries.c.run_id.in_(run_ids))
    async with store.read() as tx:
        left = set((await tx.execute(asked)).scalars())
        rows = (await tx.execute(found)).all()
    await store.close()
    told = defaultdict(list)
    for run_id, *delivery in rows:
        told[run_id].append(tuple(delivery))
    return [
        f"run {run_id} is {'there' if run_id in left else 'gone'}, with deliveries {told[run_id]}"
        for run_id in sorted(run_ids)
    ]


OTHER_CLIENTS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND application_name <> $2
    AND ($1 = '' OR application_name LIKE 'runhook ' || $1 || '@%')
"""
END_CLAIMS = """
UPDATE deliveries SET claimed_until = 0
WHERE state = 'sending' AND ($1 = '' OR claimed_by = $1)
"""
END_DUTIES = "UPDATE duties SET held_until = 0 WHERE $1 = '' OR holder = $1"


@asynccontextmanager
async def nobody_else_writing(database: str) -> AsyncIterator[Callable[[str], Awaitable[object]]]:
    """Keep everybody else from writing deliveries, with no transaction that does half done.

    What is yielded runs a statement, which is committed in the end.
    """
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, PATIENCE, isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")

            async def execute(statement: str) -> object:
                return file.execute(statement)

            yield execute
            file.execute("COMMIT")
        return
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        await connection.execute("LOCK TABLE deliveries IN EXCLUSIVE MODE")
        yield connection.execute
    await connection.close()


async def let_leases_end(database: str, name: str = "", *, is_gone: bool = True) -> None:
    """Do what time would with the leases of a process that is gone or cut off.

    A SQLite database's leases end with the process that held them. Without a name, no other process
    has the database open.
    """
    if not database.startswith("postgresql"):
        return
    connection = await asyncpg.connect(database)
    # The server may still be at the last thing that a killed process asked of it.
    process = name.split(":")[1] if name else ""

    async def has_left() -> bool:
        return not await connection.fetchval(OTHER_CLIENTS, process, CLEANER)

    if is_gone:
        await until(has_left)
    await connection.execute(END_CLAIMS, name)
    await connection.execute(END_DUTIES, name)
    await connection.close()
