"""SQLite beside an event loop, with a visit to a connection's thread for each answer from it.

aiosqlite by itself makes four for each statement: for a cursor, the statement, its rows, and the
cursor's end. Each waits for a turn of the event loop, which is long while hundreds of requests are
under way.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Self

import aiosqlite


class Ran(NamedTuple):
    """What a statement left, in the words of the DB-API (PEP 249)."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()


class Statement(NamedTuple):
    """A statement, and the cursor's method that runs it."""

    method: str
    sql: str
    parameters: Sequence[Any] = ()


class SqliteConnection(aiosqlite.Connection):
    """A connection that goes to its thread only for what somebody waits for.

    A transaction begins together with its first statement, and statements that return nothing are
    run together with the next one that does, or with the commit.
    """

    _begin: Statement | None = None
    _postponed: tuple[Statement, ...] = ()
    _is_postponing = False

    def begin(self, sql: str) -> None:
        """Begin a transaction, with this statement, before the next one is run."""
        self._begin = Statement("execute", sql)

    @contextmanager
    def postponing(self) -> Iterator[None]:
        """Run no statement within before the next one after it, which fails if one of them does.

        What they return is lost.
        """
        self._is_postponing = True
        try:
            yield
        finally:
            self._is_postponing = False

    def cursor(self) -> Any:
        """A cursor, which need not be closed."""
        return Cursor(self)

    async def commit(self) -> None:
        """Commit what has been begun."""
        if self._begin is None or self._postponed:
            await self._run_now(Statement("execute", "COMMIT"))
        self._begin = None

    async def rollback(self) -> None:
        """Undo what has been begun; the pool asks for it after each commit, too."""
        if self._begin is None and self.in_transaction:
            await super().rollback()
        self._begin, self._postponed = None, ()

    async def run(self, statement: Statement) -> Ran:
        """Run a statement on the connection's thread, after all that it was to be run with."""
        if self._is_postponing:
            self._postponed += (statement,)
            return Ran()
        return await self._run_now(statement)

    async def _run_now(self, statement: Statement) -> Ran:
        statements = (*filter(None, [self._begin]), *self._postponed, statement)
        self._begin, self._postponed = None, ()
        queue: Any = self._execute  # which has no types
        ran: Ran = await queue(run_all, self._conn, statements)
        return ran


class Cursor:
    """Runs one statement at a time, and has all its rows at once."""

    arraysize = 1

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._ran = Ran()

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement."""
        self._ran = await self._connection.run(Statement("execute", sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Any]) -> Self:
        """Run a statement for each row of parameters."""
        self._ran = await self._connection.run(Statement("executemany", sql, parameters))
        return self

    async def fetchall(self) -> Sequence[Any]:
        """All rows."""
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


def run_all(connection: sqlite3.Connection, statements: Sequence[Statement]) -> Ran:
    """Run statements to their ends, and return what the last one left."""
    for statement in statements:
        cursor = connection.cursor()
        try:
            getattr(cursor, statement.method)(statement.sql, statement.parameters)
            rows = cursor.fetchall() if cursor.description else ()
        except sqlite3.Error as error:
            error.add_note(f"It was this statement: {statement.sql}")
            raise
    return Ran(cursor.description, cursor.rowcount, cursor.lastrowid, rows)


def connect_sqlite(*place: Any, **options: Any) -> SqliteConnection:
    """A connection to be awaited; arguments as for ``sqlite3.connect``."""
    connection = SqliteConnection(partial(sqlite3.connect, *place, **options), iter_chunk_size=1)
    # A process that ends does not wait for it.
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does it
    return connection
