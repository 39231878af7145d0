"""What SQLite needs that PostgreSQL does not: its connections, and its form of the claim."""

import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from runhook.domain.errors import InvalidError
from runhook.domain.service.pooling import Pooling
from runhook.storage.engine._sqlite_driver import SqliteConnection, SqliteEngine, WholeConnection
from runhook.storage.engine.batches import rows_in_json
from runhook.storage.engine.claimable import claimable_of
from runhook.storage.engine.columns import as_json
from runhook.storage.engine.connection import Connection
from runhook.storage.engine.notifier import InProcess, Notifier
from runhook.storage.engine.refusals import AWAY, BROKEN, FULL, UNWRITABLE
from runhook.storage.engine.tables import deliveries, metadata

READERS = 4
BUSY_TIMEOUT_SECONDS = 10
Answer = TypeVar("Answer")
rows_given = rows_in_json
BROKEN_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
DISK_FAILURES = {sqlite3.SQLITE_FULL: FULL, sqlite3.SQLITE_IOERR: UNWRITABLE}
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A commit that returned survives a power cut. Batches make that cheap.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def file_of(url: str) -> Path:
    """The database's file, with every link on the way followed.

    Raises:
        InvalidError: the address names no file.
    """
    return file_at(sa.make_url(url))


def file_at(url: sa.URL) -> Path:
    """The file of a parsed address."""
    # Each connection would have an empty database in memory to itself, and a URI can ask for one.
    if not url.database or url.database == ":memory:" or "uri" in url.query:
        raise InvalidError(
            "RUNHOOK_DATABASE_URL: SQLite needs a file that several connections can open; "
            "give sqlite:///path"
        )
    return Path(url.database).resolve()


def open_at(url: str, pooling: Pooling) -> tuple[SqliteEngine, SqliteEngine, Notifier]:
    """An engine with the one connection that writes, one for reading, and the notifier."""
    del pooling
    read = sa.make_url(url)
    # The library would take ".." out of a path before it follows links, and open another file.
    read = read.set(drivername="sqlite+pysqlite", database=str(file_at(read)))
    writer = engine(read, connections=1, begin="BEGIN IMMEDIATE", name="writer")
    reader = engine(read, connections=READERS, begin="BEGIN", name="reader")
    return writer, reader, InProcess()


def engine(url: sa.URL, *, connections: int, begin: str, name: str) -> SqliteEngine:
    """Make an engine whose transactions start with ``begin``.

    A transaction that reads first and writes later can fail at once with "locked", whatever the
    timeout: so writing ones take the lock at their beginning.
    """
    created = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=connections,
        max_overflow=0,
        # Errors are logged, and values are not for a log.
        hide_parameters=True,
        json_serializer=as_json,
        connect_args={
            "factory": WholeConnection,
            # A thread has a connection to itself as long as a transaction lasts.
            "check_same_thread": False,
            # The driver would begin transactions by itself, and too late.
            "isolation_level": None,
            # The address may have another, as the library's own parameter.
            **({} if "timeout" in url.query else {"timeout": BUSY_TIMEOUT_SECONDS}),
        },
    )

    @sa.event.listens_for(created, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in PRAGMAS:
            connection.execute(pragma)

    @sa.event.listens_for(created, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return SqliteEngine(created, connections=connections, name=name)


def threaded(connection: Connection) -> SqliteConnection:
    """Narrow a connection's type to this database's."""
    assert isinstance(connection, SqliteConnection)
    return connection


async def run_whole(
    connection: Connection, work: Callable[[], Coroutine[Any, Any, Answer]], *, commits: bool
) -> Answer:
    """Run a transaction on its thread, in one visit."""
    return await threaded(connection).run_whole(work, commits=commits)


def claimable_ids(lanes: sa.FromClause, now: sa.ColumnElement[Any]) -> sa.Select[tuple[str]]:
    """Ids of deliveries that can be claimed.

    SQLite has no LATERAL: as many as the widest lane has places for are taken of each, then each
    is cut to its own places.
    """
    widest = sa.select(sa.func.max(lanes.c.places)).correlate(None).scalar_subquery()
    candidate = deliveries.alias("candidate")
    ranked = (
        sa.select(
            candidate.c.id,
            lanes.c.places,
            sa.func.row_number()
            .over(
                partition_by=candidate.c.webhook_id,
                order_by=(candidate.c.next_attempt_at, candidate.c.id),
            )
            .label("place"),
        )
        .select_from(lanes)
        .join(candidate, candidate.c.id.in_(claimable_of(lanes.c.webhook_id, now).limit(widest)))
        .subquery("ranked")
    )
    return sa.select(ranked.c.id).where(ranked.c.place <= ranked.c.places)


@lru_cache
def is_among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Whether a column's value is in the list that the parameter ``name`` holds."""
    listed = sa.func.json_each(sa.bindparam(name, type_=sa.JSON)).table_valued("value")
    return column.in_(sa.select(listed.c.value))


def locked(
    table: sa.Table, *which: sa.ColumnElement[bool], for_deletion: bool
) -> sa.ColumnElement[bool]:
    """The conditions as they are: a transaction that writes holds the whole database."""
    del table, for_deletion
    return sa.and_(*which)


def size() -> sa.Select[int]:
    """Query of the size of the database's file, in bytes."""
    pages = sa.func.pragma_page_count().table_valued("page_count")
    page = sa.func.pragma_page_size().table_valued("page_size")
    in_all: sa.ColumnElement[int] = pages.c.page_count * page.c.page_size
    return sa.select(in_all.label("bytes")).select_from(pages.join(page, sa.true()))


def mistake_in(error: sa.exc.DBAPIError) -> str | None:
    """What has to be put right: a file that is damaged, or no database at all."""
    is_broken = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in BROKEN_CODES
    return BROKEN if is_broken else None


def absence_in(error: sa.exc.DBAPIError) -> str | None:
    """How the database is away: locked, mostly. A mistake in a statement is a bug."""
    # The driver calls a mistake in a statement operational too; its code tells them apart.
    code = getattr(error.orig, "sqlite_errorcode", None)
    is_away = isinstance(error, sa.exc.OperationalError) and code != sqlite3.SQLITE_ERROR
    return AWAY if is_away else None


def is_contended(error: sa.exc.DBAPIError) -> bool:
    """Whether a transaction stood in another's way: never, as there is one writer at a time."""
    del error
    return False


def disk_failure_in(error: sa.exc.DBAPIError) -> str | None:
    """Why the disk cannot be written. SQLite reports a used-up quota as an error of the disk."""
    return DISK_FAILURES.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)


async def lock_schema(connection: Connection) -> None:
    """Do nothing: a transaction that writes holds the whole database."""
    del connection


# One row for each table that never gives a number again, once it has given one.
numbering = sa.table("sqlite_sequence", sa.column("name", sa.Text), sa.column("seq", sa.Integer))


async def last_numbers(connection: Connection, tables: Sequence[str]) -> Mapping[str, int]:
    """The last numbers of those tables that never give one again."""
    given = await connection.execute(
        sa.select(numbering.c.name, numbering.c.seq).where(numbering.c.name.in_(tables))
    )
    return {row.name: row.seq for row in given}


async def go_on_after(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Set the last numbers of the tables that keep them; others go on after their last row."""
    for name, number in numbers.items():
        if not metadata.tables[name].dialect_options["sqlite"]["autoincrement"]:
            continue
        await connection.execute(sa.delete(numbering).where(numbering.c.name == name))
        await connection.execute(sa.insert(numbering).values(name=name, seq=number))


async def plan_for_many(connection: Connection) -> None:
    """Do nothing: plans are the same for any number of rows."""
    del connection


async def survey(connection: Connection) -> None:
    """Do nothing: plans follow from the statements and the indexes alone."""
    del connection
