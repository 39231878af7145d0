"""SQLite beside an event loop: a transaction's statements run on a thread.

What a visit to the thread costs is the wait for a turn of the event loop, which is long while
hundreds of requests are under way. So a transaction can be run whole, in one visit. Of one that is
open to the event loop a statement is one visit, from its first word to its last row.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa

LONGEST_TURN_SECONDS = 30
"""How long a transaction waits for a connection, as others hold them all."""
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class SqliteEngine:
    """Opens transactions, at most so many at a time, each on a thread that others have after it.

    Args:
        engine: has as many connections.
        connections: how many.
        name: of the threads.
    """

    def __init__(self, engine: sa.Engine, *, connections: int, name: str) -> None:
        self.sync_engine = engine
        self._free = asyncio.LifoQueue[SqliteThread]()
        self._threads = [SqliteThread(engine, f"sqlite-{name}") for _ in range(connections)]
        for thread in self._threads:
            self._free.put_nowait(thread)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["SqliteConnection"]:
        """Open a transaction that is undone at the end of the block.

        Raises:
            TimeoutError: others have had all connections for too long.
        """
        async with asyncio.timeout(LONGEST_TURN_SECONDS):
            thread = await self._free.get()
        connection = SqliteConnection(thread)
        try:
            yield connection
        finally:
            # It is in the thread's queue before anything of the next transaction.
            undoing = connection.undo() if connection.is_open else None
            self._free.put_nowait(thread)
            if undoing is not None:
                await asyncio.shield(undoing)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["SqliteConnection"]:
        """Open a transaction that commits if the block ends well."""
        async with self.connect() as connection:
            yield connection
            await connection.commit()

    async def dispose(self) -> None:
        """Close all connections, and end the threads."""
        loop = asyncio.get_running_loop()
        for thread in self._threads:
            # What is being undone comes first.
            await loop.run_in_executor(thread.executor, thread.undo)
        # Those that have not been given back by now would stay open.
        await loop.run_in_executor(self._threads[0].executor, self.sync_engine.dispose)
        for thread in self._threads:
            thread.executor.shutdown(wait=False)


class SqliteThread:
    """A thread and its connection, which stays open from one transaction to the next.

    What a transaction leaves undone sends it back to the engine, and the next transaction opens
    another. The library's would keep its state: after a BEGIN that was refused it begins no
    transaction any more, and each statement is committed by itself.

    All but ``executor`` is used on the thread.
    """

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.engine = engine
        self._connection: sa.Connection | None = None

    @property
    def connection(self) -> sa.Connection:
        """The connection, opened when it is first used.

        Raises:
            RuntimeError: the database has ended the transaction by itself, as it does on a full
                disk. What follows would be committed without what came before.
        """
        if self._connection is None:
            self._connection = self.engine.connect()
        elif self._connection.in_transaction() and not is_in_transaction(self._connection):
            raise RuntimeError("SQLite has ended the transaction that goes on here")
        return self._connection

    def undo(self) -> None:
        """Undo what has been begun and not committed, and give the connection back."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        finally:
            self._connection.close()
            self._connection = None


def is_in_transaction(connection: sa.Connection) -> bool:
    """Whether the database has a connection's transaction open."""
    opened = connection.connection.dbapi_connection
    assert isinstance(opened, sqlite3.Connection)
    return opened.in_transaction


class SqliteConnection:
    """A transaction, which begins together with its first statement."""

    def __init__(self, thread: SqliteThread) -> None:
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._is_run_whole = False
        """Whether it is used on the thread, and not from the event loop."""
        self._is_wanted = True
        self.is_open = False
        """Whether something has been begun that is neither committed nor undone."""

    @property
    def dialect(self) -> sa.Dialect:
        """What statements are compiled for."""
        return self._thread.engine.dialect

    async def execute(
        self, statement: sa.Executable, parameters: Any = None
    ) -> sa.CursorResult[Any]:
        """Run one statement."""
        return await self._visit(
            partial(sa.Connection.execute, statement=statement, parameters=parameters)
        )

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement in SQLite's own words."""
        return await self.run_sync(sa.Connection.exec_driver_sql, statement, parameters)

    async def run_sync(
        self,
        fn: Callable[Concatenate[sa.Connection, Given], Answer],
        *arg: Given.args,
        **kw: Given.kwargs,
    ) -> Answer:
        """Run a function on the thread."""
        return await self._visit(lambda connection: fn(connection, *arg, **kw))

    async def run_whole(
        self, work: Callable[[], Coroutine[Any, Any, Answer]], *, commits: bool
    ) -> Answer:
        """Run all of a transaction on the thread, from its beginning to its end, in one visit.

        Who is canceled meanwhile waits until it has ended, and leaves no trace unless the commit
        had begun.

        Args:
            work: awaits this connection and nothing else.
            commits: whether it commits if ``work`` ends well.
        """
        self.is_open = True
        running = self._thread.executor.submit(self._run_whole, work, commits=commits)
        while not running.done():
            try:
                await until_ended(running)
            except asyncio.CancelledError:
                self._is_wanted = False
        if not self._is_wanted:
            raise asyncio.CancelledError
        try:
            return running.result()
        finally:
            # An error holds this frame, and would be held by it.
            del running

    async def commit(self) -> None:
        """Commit what has been begun, which ends it."""
        if self.is_open:
            await self._visit(sa.Connection.commit)
            self.is_open = False

    def undo(self) -> asyncio.Future[None]:
        """Undo what has not been committed, as soon as what is running has ended."""
        return self._loop.run_in_executor(self._thread.executor, self._thread.undo)

    async def _visit(self, function: Callable[[sa.Connection], Answer]) -> Answer:
        if self._is_run_whole:
            return self._run(function)
        self.is_open = True
        return await self._loop.run_in_executor(self._thread.executor, self._run, function)

    def _run_whole(
        self, work: Callable[[], Coroutine[Any, Any, Answer]], *, commits: bool
    ) -> Answer:
        self._is_run_whole = True
        try:
            answer = run_to_end(work())
        finally:
            self._is_run_whole = False
        if commits and self._is_wanted:
            self._thread.connection.commit()
        else:
            self._thread.connection.rollback()
        self.is_open = False
        return answer

    def _run(self, function: Callable[[sa.Connection], Answer]) -> Answer:
        return function(self._thread.connection)


def run_to_end(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine that has nothing to wait for, and return its answer."""
    try:
        work.send(None)
    except StopIteration as ended:
        answer: Answer = ended.value
        return answer
    work.close()
    raise RuntimeError("a transaction that is run whole waited for something beside its database")


async def until_ended(running: Future[Any]) -> None:
    """Wait for the end of what runs on a thread, and a single turn of the event loop after it."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    running.add_done_callback(lambda _: loop.call_soon_threadsafe(wake, ended))
    await ended


def wake(waiting: asyncio.Future[None]) -> None:
    """Let a future's waiter go on, unless it has gone."""
    if not waiting.done():
        waiting.set_result(None)


class WholeCursor(sqlite3.Cursor):
    """Fetches all rows at once, so that another thread can read them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._rows: deque[Any] = deque()

    def execute(self, sql: str, parameters: Any = ()) -> Self:
        """Run a statement to its end."""
        super().execute(sql, parameters)
        self._rows = deque(super().fetchall())
        return self

    def fetchone(self) -> Any:
        """The next row; None after the last one."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        """The next rows."""
        return [self._rows.popleft() for _ in range(min(size or 1, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    def __next__(self) -> Any:
        if not self._rows:
            raise StopIteration
        return self._rows.popleft()


class WholeConnection(sqlite3.Connection):
    """A connection whose cursors have all their rows at once."""

    def cursor(self, factory: Any = WholeCursor) -> Any:
        """A cursor."""
        return super().cursor(factory)
