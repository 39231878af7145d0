"""SQLite beside an event loop, with one visit to a connection's thread for each statement.

aiosqlite by itself makes four: for a cursor, the statement, its rows, and the cursor's end. Each
waits for a turn of the event loop, which is long while hundreds of requests are under way.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import aiosqlite


class Ran(NamedTuple):
    """What a statement left, in the words of the DB-API (PEP 249)."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()


class Connection(aiosqlite.Connection):
    """A connection whose transactions begin together with their first statement."""

    _begin: str | None = None

    def begin(self, statement: str) -> None:
        """Begin a transaction, with this statement, before the next one is run."""
        self._begin = statement

    def cursor(self) -> Any:
        """Return a cursor, which nobody needs to close."""
        return Cursor(self)

    async def commit(self) -> None:
        """Commit what has been begun."""
        if self._begin is None:
            await super().commit()
        self._begin = None

    async def rollback(self) -> None:
        """Undo what has been begun."""
        if self._begin is None:
            await super().rollback()
        self._begin = None

    async def run(self, method: str, sql: str, parameters: Sequence[Any]) -> Ran:
        """Run a statement on the connection's thread, with the transaction's beginning if due."""
        begin, self._begin = self._begin, None
        queue: Any = self._execute  # which has no types
        ran: Ran = await queue(run_to_its_end, self._conn, begin, method, sql, parameters)
        return ran


class Cursor:
    """Runs one statement at a time, and has all its rows at once."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ran = Ran()

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement."""
        self._ran = await self._connection.run("execute", sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Sequence[Any]) -> Self:
        """Run a statement for each row of parameters."""
        self._ran = await self._connection.run("executemany", sql, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return all rows."""
        return self._ran.rows

    async def close(self) -> None:
        """Do nothing: the thread has let go of it."""

    @property
    def description(self) -> Any:
        """The columns of the rows; None after a statement that has none."""
        return self._ran.description

    @property
    def rowcount(self) -> int:
        """How many rows were written; -1 after a query."""
        return self._ran.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The key of the row that was inserted last."""
        return self._ran.lastrowid


def run_to_its_end(
    connection: sqlite3.Connection,
    begin: str | None,
    method: str,
    sql: str,
    parameters: Sequence[Any],
) -> Ran:
    """Run a statement to its end."""
    if begin is not None:
        connection.execute(begin)
    cursor = connection.cursor()
    getattr(cursor, method)(sql, parameters)
    rows = cursor.fetchall() if cursor.description else ()
    return Ran(cursor.description, cursor.rowcount, cursor.lastrowid, rows)


def connect(*place: Any, **options: Any) -> Connection:
    """Return a connection to be awaited; arguments as for ``sqlite3.connect``."""
    connection = Connection(partial(sqlite3.connect, *place, **options), iter_chunk_size=1)
    # A process that ends does not wait for it.
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does it
    return connection
