"""SQLite's thread gets statements that return nothing together with those that follow."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runhook.storage.engine._sqlite_driver import SqliteConnection, connect_sqlite


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[SqliteConnection]:
    connection = await connect_sqlite(tmp_path / "numbers.db", isolation_level=None)
    await connection.cursor().execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    connection.begin("BEGIN IMMEDIATE")
    yield connection
    await connection.rollback()
    await connection.close()


async def postpone(connection: SqliteConnection, *numbers: int) -> None:
    with connection.postponing():
        for number in numbers:
            await connection.cursor().execute("INSERT INTO numbers VALUES (?)", [number])


async def read(connection: SqliteConnection) -> list[Any]:
    rows = await (await connection.cursor().execute("SELECT number FROM numbers")).fetchall()
    return [number for (number,) in rows]


async def test_they_are_run_in_their_order_before_the_next_statement(connection: SqliteConnection):
    await postpone(connection, 1, 2)
    assert connection.total_changes == 0

    assert await read(connection) == [1, 2]


async def test_they_are_run_before_the_commit_if_nothing_else_comes(connection: SqliteConnection):
    await postpone(connection, 1, 2)

    await connection.commit()

    assert not connection.in_transaction
    assert await read(connection) == [1, 2]


async def test_they_are_forgotten_with_their_transaction(connection: SqliteConnection):
    await postpone(connection, 1)

    await connection.rollback()

    assert await read(connection) == []


async def test_an_error_names_the_statement_that_it_came_from(connection: SqliteConnection):
    await postpone(connection, 1, 1)

    with pytest.raises(sqlite3.IntegrityError) as caught:
        await read(connection)

    assert caught.value.__notes__ == ["It was this statement: INSERT INTO numbers VALUES (?)"]


async def test_a_transaction_without_a_statement_does_not_wait_for_the_lock(
    connection: SqliteConnection, tmp_path: Path
):
    another = await connect_sqlite(tmp_path / "numbers.db", isolation_level=None, timeout=0)
    await postpone(connection, 1)
    await read(connection)

    another.begin("BEGIN IMMEDIATE")
    await another.commit()

    another.begin("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await read(another)
    await another.close()


async def test_after_a_commit_there_is_nothing_to_undo_that_is_waited_for(
    connection: SqliteConnection,
):
    await postpone(connection, 1)
    await connection.commit()

    with pytest.raises(StopIteration):
        connection.rollback().send(None)

    assert await read(connection) == [1]
