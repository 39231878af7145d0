"""The open database: its engines, its clock, and what a transaction is."""

import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from runhook.domain.errors import InvalidError, RunhookError, UnavailableError
from runhook.domain.people.callers import Actor
from runhook.domain.service.pooling import Pooling
from runhook.storage.engine import _postgresql, _sqlite
from runhook.storage.engine.batches import (
    Batch,
    Column,
    GivenRows,
    Row,
    columns_like,
    insertion,
)
from runhook.storage.engine.columns import UtcDateTime
from runhook.storage.engine.connection import Connection, Engine
from runhook.storage.engine.notifier import Notifier
from runhook.storage.engine.outage import Outage
from runhook.storage.engine.refusals import AWAY, CONTENDED, LockedOutError, why_away
from runhook.storage.engine.vault import Vault
from runhook.telemetry.events import LogEvent

Clock = sa.ColumnElement[datetime]
"""An SQL expression for the present moment."""
Answer = TypeVar("Answer")
FEW = 100
"""Rows that a statement is quick for, however it was planned."""


class DatabaseNow(FunctionElement[datetime]):
    """The database's own clock: it decides what is due and whose lease is over."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(DatabaseNow, "sqlite")
def _sqlite_now(element: DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:
    del element, compiler, options
    # julianday() has milliseconds, and exists in every SQLite that Python 3.11 comes with.
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"


@compiles(DatabaseNow, "postgresql")
def _postgresql_now(element: DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:
    del element, compiler, options
    # Of a statement, not of the transaction; and stable, so that an index can serve it.
    return "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)"


class Database(Hashable, Protocol):
    """What differs between the databases; ``_sqlite`` and ``_postgresql`` are the two of it."""

    def file_of(self, url: str) -> Path | None:
        """The file that only one process may deliver from; None if many may."""

    def open_at(self, url: str, pooling: Pooling) -> tuple[Engine, Engine, Notifier]:
        """The engine that writes, the one that reads, and the notifier."""

    async def run_whole(
        self,
        connection: Connection,
        work: Callable[[], Coroutine[Any, Any, Answer]],
        *,
        commits: bool,
    ) -> Answer:
        """Run all of a transaction, as ``Store.commit`` and ``Store.query`` say."""

    def claimable_ids(self, lanes: sa.FromClause, now: Clock) -> sa.Select[tuple[str]]:
        """Ids of deliveries that can be claimed now; ``lanes`` has the columns of ``LANE``."""

    def rows_given(self, name: str, columns: Sequence[Column]) -> GivenRows:
        """Rows that a statement gets as parameters, as a table with these columns."""

    def is_among(self, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
        """Whether a column's value is in the list that the parameter ``name`` holds.

        Other than with IN, the statement is the same however long the list is.
        """

    def locked(
        self, table: sa.Table, *which: sa.ColumnElement[bool], for_deletion: bool
    ) -> sa.ColumnElement[bool]:
        """As ``Transaction.locked`` says."""

    def size(self) -> sa.Select[int]:
        """Query of the database's size, in bytes."""

    def mistake_in(self, error: sa.exc.DBAPIError) -> str | None:
        """What has to be put right before an error like this ends; None if that is nothing."""

    def absence_in(self, error: sa.exc.DBAPIError) -> str | None:
        """How the database is away or locked; None if an error means nothing of that."""

    def is_contended(self, error: sa.exc.DBAPIError) -> bool:
        """Whether the database ended a transaction that stood in another's way."""

    def disk_failure_in(self, error: sa.exc.DBAPIError) -> str | None:
        """Why the database's disk takes nothing; None if an error does not mean that."""

    async def lock_schema(self, connection: Connection) -> None:
        """Let no other process change the schema before this transaction ends."""

    async def last_numbers(
        self, connection: Connection, tables: Sequence[str]
    ) -> Mapping[str, int]:
        """The last number given to a row of each of these tables, where the database keeps that."""

    async def go_on_after(self, connection: Connection, numbers: Mapping[str, int]) -> None:
        """Give the next row of each of these tables a number after this one."""

    async def plan_for_many(self, connection: Connection) -> None:
        """Have the transaction's statements planned for as many rows as they are given."""

    async def survey(self, connection: Connection) -> None:
        """Count at once what tables hold, if statements are planned by that."""


DATABASES: dict[str, Database] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "postgres": _postgresql,
}


@dataclass(slots=True)
class Transaction:
    """A connection inside a transaction, with the database's clock and the vault at hand."""

    connection: Connection
    database: Database
    now: Clock
    vault: Vault
    acts_for: Actor | None = None
    """The actor whose permission this transaction has checked; None if not checked."""
    makes_due: bool = False
    """Whether something is due once this has committed: set by statements that make it so, so that
    dispatchers are woken then, in every process."""
    plans_for_many: bool = False
    """Whether its statements are planned for as many rows as they are given."""
    told: list[Callable[[], None]] = field(default_factory=list)
    """Writes the lines of the log that are true once this has committed."""

    def tell(self, event: LogEvent, **fields: Any) -> None:
        """Log something if this commits, and then."""
        self.told.append(partial(event.say, **fields))

    async def execute(
        self,
        statement: sa.Executable,
        parameters: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
    ) -> sa.CursorResult[Any]:
        """Run one statement."""
        return await self.connection.execute(statement, parameters)

    def locked(
        self, table: sa.Table, *which: sa.ColumnElement[bool], for_deletion: bool = False
    ) -> sa.ColumnElement[bool]:
        """Condition for rows that are changed together: all are locked first, by their keys' order.

        Two transactions that want the same rows then never wait for each other.

        Args:
            table: whose rows are changed.
            which: conditions, asked again of a row that another transaction has just changed.
            for_deletion: whether they are deleted, so that no row may be added that refers to them.
        """
        return self.database.locked(table, *which, for_deletion=for_deletion)

    async def execute_many(self, batch: Batch, rows: Sequence[Row]) -> sa.CursorResult[Any]:
        """Run one statement for all of these rows."""
        if len(rows) > FEW and not self.plans_for_many:
            self.plans_for_many = True
            await self.database.plan_for_many(self.connection)
        return await self.execute(batch.statement, batch.given.parameters(rows))

    async def insert_many(self, table: sa.TableClause, rows: Sequence[Row]) -> None:
        """Add rows with one statement, each with the same columns."""
        await self.execute_many(inserting(self.database, table, tuple(rows[0])), rows)


@lru_cache
def inserting(database: Database, table: sa.TableClause, names: tuple[str, ...]) -> Batch:
    """Batch that adds rows with these columns."""
    given = database.rows_given("added", columns_like(table, names))
    return Batch(insertion(table, given, dict(given.table.c)), given)


PROBE = sa.select(sa.literal(1))
Work = Callable[[Transaction], Coroutine[Any, Any, Answer]]
"""What is done in a transaction."""


def after(now: Clock, pause: sa.ColumnElement[timedelta]) -> Clock:
    """The moment ``pause`` from ``now``, as an expression."""
    return sa.type_coerce(sa.type_coerce(now, sa.BigInteger) + pause, UtcDateTime)


class DiskError(UnavailableError):
    """The database's disk takes nothing: it is full, or fails. Waiting does not help."""


class ContendedError(UnavailableError):
    """The transaction stood in another's way and left no trace: it can be repeated at once."""


class Store:
    """The database, open. SQLite has one writer at a time; PostgreSQL as many as its pool."""

    def __init__(
        self,
        database: Database,
        *,
        file: Path | None,
        writer: Engine,
        reader: Engine,
        notifier: Notifier,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._database = database
        self._file = file
        self._writer = writer
        self._reader = reader
        self._vault = vault
        self._clock = clock
        self.outage = Outage(self._probe)
        """Whether the database is away, or its disk takes nothing."""
        self._told: Callable[[], RunhookError | None] = lambda: None
        self.notifier = notifier
        """Wakes dispatchers, once a transaction that made something due has committed."""
        for engine in {writer.sync_engine, reader.sync_engine}:
            sa.event.listen(engine, "handle_error", self._tell_apart)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        vault: Vault,
        clock: Clock | None = None,
        pooling: Pooling = Pooling.AUTO,
    ) -> "Store":
        """Open the database at ``url``; nothing is connected before it is used.

        Args:
            url: `sqlite:///path`, or `postgresql://user:password@host/name` as libpq spells it,
                with several hosts if one can take over from another.
            vault: encrypts and decrypts webhooks' secrets.
            clock: an SQL expression for the present; the database's clock unless a test has
                another.
            pooling: what a pooler before PostgreSQL does with connections.

        Raises:
            InvalidError: the address is of neither kind, or is SQLite's and names no file.
        """
        driver, is_address, _ = url.partition("://")
        if not is_address:
            raise InvalidError("RUNHOOK_DATABASE_URL is not a database address")
        database = DATABASES.get(driver.partition("+")[0])
        if database is None:
            raise InvalidError(
                f"RUNHOOK_DATABASE_URL: `{driver}` is not supported; "
                "give sqlite:///path or postgresql://user@host/name"
            )
        file = database.file_of(url)
        writer, reader, notifier = database.open_at(url, pooling)
        return cls(
            database,
            file=file,
            writer=writer,
            reader=reader,
            notifier=notifier,
            vault=vault,
            clock=DatabaseNow() if clock is None else clock,
        )

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database, which one process may deliver from; None on PostgreSQL."""
        return self._file

    @property
    def vault(self) -> Vault:
        """Encrypts and decrypts with the master key."""
        return self._vault

    async def commit(self, work: Work[Answer]) -> Answer:
        """Run a whole transaction that commits if ``work`` ends well, and else leaves no trace.

        On SQLite it is one visit to the transaction's thread, where the statements of an open block
        wait for a turn of the event loop each.

        Args:
            work: gets the transaction. It may await what takes that, and nothing else; and it may
                run on another thread, so that it changes nothing of the event loop's.

        Raises:
            UnavailableError: as ``write``.
        """
        async with self.write() as tx:
            return await self._database.run_whole(tx.connection, partial(work, tx), commits=True)

    async def query(self, work: Work[Answer]) -> Answer:
        """Run a whole transaction that only reads; all else as ``commit`` and ``read``."""
        async with self.read() as tx:
            return await self._database.run_whole(tx.connection, partial(work, tx), commits=False)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """Open a transaction that commits if the block ends well, and else leaves no trace.

        Raises:
            UnavailableError: the database cannot be reached, or is locked, its disk takes nothing
                (``DiskError``), or another transaction was in the way (``ContendedError``).
        """
        async with self._opened(self._writer.begin()) as connection:
            tx = Transaction(connection, self._database, self._clock, self._vault)
            yield tx
            if tx.makes_due:
                await self.notifier.tell_others(connection)
        self.outage.end()
        for say in tx.told:
            say()
        if tx.makes_due:
            self.notifier.wake()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads.

        On SQLite all its statements see one state of the database, on PostgreSQL each sees what had
        been committed when it began.

        Raises:
            UnavailableError: the database cannot be reached.
        """
        async with self._opened(self._reader.connect()) as connection:
            yield Transaction(connection, self._database, self._clock, self._vault)

    def has_told(self, error: RunhookError) -> bool:
        """Whether an error is the last that this database was the cause of, and not another one."""
        return self._told() is error

    async def close(self) -> None:
        """Close every connection."""
        await self.outage.close()
        for engine in (self._reader, self._writer):
            await engine.dispose()
            # SQLAlchemy remembers dialects that were asked for a table, with what they compiled.
            engine.sync_engine.clear_compiled_cache()

    async def _probe(self) -> None:
        async with self.write() as tx:
            # Without a statement nothing would be begun.
            await tx.execute(PROBE)

    @asynccontextmanager
    async def _opened(
        self, opening: AbstractAsyncContextManager[Connection]
    ) -> AsyncIterator[Connection]:
        async with AsyncExitStack() as opened:
            try:
                connection = await opened.enter_async_context(opening)
            except (sa.exc.TimeoutError, OSError) as error:
                self.outage.begin(why_away(error))
                told = str(error) if isinstance(error, LockedOutError) else AWAY
                raise self._noted(UnavailableError(told)) from error
            yield connection

    def _tell_apart(self, context: sa.ExceptionContext) -> None:
        """Raise an error of the database as what it means to callers, unless it is a bug.

        It is called where a statement, a commit or a connection fails. An error that other code
        raises within a transaction never comes here.
        """
        # The pool asks whether a connection still stands, and replaces it if it does not.
        if context.is_pre_ping:
            return
        meaning = self._meaning_of(context.sqlalchemy_exception or context.original_exception)
        if meaning is not None:
            raise self._noted(meaning)

    def _noted(self, error: RunhookError) -> RunhookError:
        # The error would keep all that was under way when it was raised.
        self._told = weakref.ref(error)
        return error

    def _meaning_of(self, error: BaseException) -> RunhookError | None:
        if isinstance(error, OSError):
            # The driver lets some errors of the network through as they are.
            self.outage.begin(why_away(error))
            return UnavailableError(AWAY)
        if not isinstance(error, sa.exc.DBAPIError):
            return None
        if (mistake := self._database.mistake_in(error)) is not None:
            return InvalidError(mistake)
        if (failure := self._database.disk_failure_in(error)) is not None:
            self.outage.begin(failure, is_of_disk=True)
            return DiskError(failure)
        if self._database.is_contended(error):
            return ContendedError(CONTENDED)
        if (absence := self._database.absence_in(error)) is not None:
            self.outage.begin(why_away(error.driver_exception))
            return UnavailableError(absence)
        return None
