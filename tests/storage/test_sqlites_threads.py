"""SQLite's threads: each transaction has one to itself, which others have after it."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from runhook.storage.engine._sqlite import engine
from runhook.storage.engine._sqlite_driver import SqliteConnection, SqliteEngine


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    url = sa.make_url(f"sqlite+pysqlite:///{tmp_path / 'numbers.db'}?timeout=0")
    opened = engine(url, connections=1, begin="BEGIN IMMEDIATE", name="writer")
    async with opened.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    yield opened
    await opened.dispose()


async def insert(connection: SqliteConnection, *numbers: int) -> None:
    await connection.exec_driver_sql(
        "INSERT INTO numbers VALUES (?)", [(number,) for number in numbers]
    )


async def read(connection: SqliteConnection) -> list[int]:
    rows = await connection.exec_driver_sql("SELECT number FROM numbers ORDER BY number")
    return [row.number for row in rows]


async def test_a_transaction_without_a_statement_does_not_wait_for_the_lock(
    writer: SqliteEngine, tmp_path: Path
):
    other = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async with writer.begin():
        pass

    with pytest.raises(sa.exc.OperationalError, match="locked"):
        async with writer.begin() as connection:
            await read(connection)
    other.close()


async def test_all_connections_are_closed_with_the_engine(tmp_path: Path):
    url = sa.make_url(f"sqlite+pysqlite:///{tmp_path / 'numbers.db'}")
    opened = engine(url, connections=3, begin="BEGIN", name="reader")
    async with opened.connect() as one, opened.connect() as two, opened.connect() as three:
        for connection in (one, two, three):
            await connection.exec_driver_sql("SELECT 1")

    await opened.dispose()

    # SQLite deletes its log with the last connection.
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.db"]


async def test_rows_can_be_read_while_other_statements_are_run(writer: SqliteEngine):
    async with writer.begin() as connection:
        await insert(connection, *range(100))
        rows = await connection.exec_driver_sql("SELECT number FROM numbers ORDER BY number")
        first = rows.fetchone()
        await connection.exec_driver_sql("DELETE FROM numbers")

        assert first == (0,)
        assert [row.number for row in rows] == list(range(1, 100))


async def test_who_leaves_during_a_statement_leaves_a_connection_that_others_can_use(
    writer: SqliteEngine,
):
    is_running, goes_on = threading.Event(), threading.Event()

    def wait(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
        is_running.set()
        goes_on.wait()

    async def write() -> None:
        async with writer.begin() as connection:
            await connection.run_sync(wait)

    leaving = asyncio.create_task(write())
    await asyncio.to_thread(is_running.wait)
    leaving.cancel()
    next_one = asyncio.create_task(count(writer))
    goes_on.set()

    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await next_one == 0


async def count(engine: SqliteEngine) -> int:
    async with engine.connect() as connection:
        return len(await read(connection))


async def test_a_transaction_waits_for_a_free_connection(writer: SqliteEngine):
    async with writer.begin() as connection:
        waiting = asyncio.create_task(count(writer))
        await insert(connection, 1, 2)
        await read(connection)
        assert not waiting.done()

    assert await waiting == 2


async def test_a_statement_leaves_the_event_loop_to_others(writer: SqliteEngine):
    goes_on = threading.Event()
    async with writer.connect() as connection:
        running = asyncio.create_task(connection.run_sync(lambda _: goes_on.wait()))
        asyncio.get_running_loop().call_soon(goes_on.set)

        assert await running
