"""What PostgreSQL needs that SQLite does not: its connections, and its form of the claim."""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeVar

import sqlalchemy as sa

from runhook.domain.errors import InvalidError
from runhook.domain.service.pooling import Pooling
from runhook.storage.engine.batches import rows_in_arrays
from runhook.storage.engine.claimable import claimable_of
from runhook.storage.engine.connection import Connection, Engine
from runhook.storage.engine.notifier import Notifier
from runhook.storage.engine.refusals import (
    AWAY,
    FORBIDDEN,
    FULL,
    NO_SCHEMA,
    READ_ONLY,
    TAKES_NO_WRITES,
    UNWRITABLE,
)

Answer = TypeVar("Answer")
rows_given = rows_in_arrays
PLAN_ANEW = sa.select(sa.func.set_config("plan_cache_mode", "force_custom_plan", sa.true()))
VERSION_TABLE = "alembic_version"
MAKE_VERSION_TABLE = f"""
CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (
    version_num varchar(32) NOT NULL CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY
)
"""
"""As Alembic would."""
DISK_FAILURES = {"53100": FULL, "58030": UNWRITABLE}
"""Why the server's disk takes nothing, by SQLSTATE."""
INTERNAL = "XX000"
OUT_OF_ROOM = re.compile("Disk quota exceeded|File too large")
"""What the system says of a file, and PostgreSQL has no SQLSTATE for."""
MISTAKES = {"42501": FORBIDDEN, "3F000": NO_SCHEMA}
"""What there is to put right, by SQLSTATE."""
CONTENDED = ("40P01", "40001", "42P07")
"""Deadlock, serialization failure, and a table that another process made just before."""
MADE_TWICE = re.compile(r"pg_(?:class|type)_\w+_nsp_index")
"""Names a unique index in which two met who made the same table at the same time."""
AWAY_CODES = ("08", "53", "55P03", "57", "58")
"""How the SQLSTATE of such errors begins: connections, no memory or connections left, locks,
shutting down or starting up, the system's own."""


def file_of(url: str) -> None:
    """None: a server keeps the files, and lets in as many processes as connect."""
    del url


def open_at(url: str, pooling: Pooling) -> tuple[Engine, Engine, Notifier]:
    """One engine to write and to read with, a pool of connections, and the notifier.

    Raises:
        InvalidError: the driver is not installed, or the address is none.
    """
    try:
        # A service on SQLite does without the driver, which is an extra, and half of SQLAlchemy.
        connecting = import_module("runhook.storage.engine._connecting")
        listening = import_module("runhook.storage.engine._listening")
    except ModuleNotFoundError:
        raise InvalidError(
            "PostgreSQL needs one more package: pip install 'runhook[server,postgres]'"
        ) from None
    _, _, rest = url.partition("://")
    connector = connecting.Connector(f"postgresql://{rest}", pooling)
    created: Engine = connecting.open_pool(connector)
    return created, created, listening.ListenNotify(connector)


async def run_whole(
    connection: Connection, work: Callable[[], Coroutine[Any, Any, Answer]], *, commits: bool
) -> Answer:
    """Run a transaction; what opened it ends it."""
    del connection, commits
    return await work()


def claimable_ids(lanes: sa.FromClause, now: sa.ColumnElement[Any]) -> sa.Select[tuple[str]]:
    """Ids of deliveries that can be claimed.

    Rows that another worker is claiming are passed over, never waited for.
    """
    taken = (
        claimable_of(lanes.c.webhook_id, now)
        .limit(lanes.c.places)
        .with_for_update(skip_locked=True)
        .lateral("taken")
    )
    ids = sa.select(taken.c.id).select_from(lanes.join(taken, sa.true())).scalar_subquery()
    # The planner expects thousands of rows from the join, and would read the whole table to find
    # them again. Of an array it expects ten.
    return sa.select(sa.func.unnest(sa.func.array(ids, type_=sa.ARRAY(sa.Text))).label("id"))


@lru_cache
def is_among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Whether a column's value is in the list that the parameter ``name`` holds."""
    return column == sa.any_(sa.bindparam(name, type_=sa.ARRAY(column.type)))


def locked(
    table: sa.Table, *which: sa.ColumnElement[bool], for_deletion: bool
) -> sa.ColumnElement[bool]:
    """Lock rows in the order of their keys, as a condition of the statement that changes them.

    By itself that would lock each as it comes to it, in the order of its plan.
    """
    key = tuple(table.primary_key)
    rows = (
        sa.select(*key)
        .where(*which)
        .order_by(*key)
        .with_for_update(key_share=not for_deletion, of=table)
        .cte("locked")
    )
    mine = sa.select(*rows.c)
    return key[0].in_(mine) if len(key) == 1 else sa.tuple_(*key).in_(mine)


def size() -> sa.Select[int]:
    """Query of the size of the database's files, in bytes."""
    return sa.select(sa.func.pg_database_size(sa.func.current_database(), type_=sa.BigInteger))


def mistake_in(error: sa.exc.DBAPIError) -> str | None:
    """What has to be put right: a permission, or a schema that is not there."""
    return MISTAKES.get(getattr(error.orig, "sqlstate", None) or "")


def absence_in(error: sa.exc.DBAPIError) -> str | None:
    """How the database is away or locked; None if an error means nothing of that."""
    # The driver's classes do not tell these apart, the server's codes do.
    code = getattr(error.orig, "sqlstate", None) or ""
    if code == READ_ONLY:
        return TAKES_NO_WRITES
    is_lost = error.connection_invalidated or isinstance(error, sa.exc.InterfaceError)
    return AWAY if is_lost or code.startswith(AWAY_CODES) else None


def is_contended(error: sa.exc.DBAPIError) -> bool:
    """Whether the server ended a transaction that stood in another's way, and may be repeated."""
    is_made_twice = isinstance(error, sa.exc.IntegrityError) and MADE_TWICE.search(str(error.orig))
    return bool(is_made_twice) or getattr(error.orig, "sqlstate", None) in CONTENDED


def disk_failure_in(error: sa.exc.DBAPIError) -> str | None:
    """Why the server's disk takes nothing; None if an error does not mean that."""
    code = getattr(error.orig, "sqlstate", None) or ""
    if code == INTERNAL and OUT_OF_ROOM.search(str(error.orig)):
        return UNWRITABLE
    return DISK_FAILURES.get(code)


async def lock_schema(connection: Connection) -> None:
    """Wait for other processes that change the schema, and make later ones wait for us.

    The row that says which version the schema has is locked. Where there is none yet, those who
    make its table wait for the first, and then begin again.
    """
    # Bringing a large database up to date takes as long as it takes.
    await connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
    if not await connection.run_sync(lambda one: sa.inspect(one).has_table(VERSION_TABLE)):
        await connection.execute(sa.text(MAKE_VERSION_TABLE))
    versions = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text))
    await connection.execute(sa.select(versions.c.version_num).with_for_update())


numbering = sa.table(
    "pg_sequences",
    sa.column("schemaname", sa.Text),
    sa.column("sequencename", sa.Text),
    sa.column("last_value", sa.BigInteger),
)


async def last_numbers(connection: Connection, tables: Sequence[str]) -> Mapping[str, int]:
    """The last numbers of those tables that have given any."""
    own_name = sa.func.format("%I.%I", numbering.c.schemaname, numbering.c.sequencename)
    last = sa.select(numbering.c.last_value).where(
        own_name == sa.func.pg_get_serial_sequence(sa.bindparam("name", type_=sa.Text), "id")
    )
    found = {name: (await connection.execute(last, {"name": name})).scalar() for name in tables}
    return {name: number for name, number in found.items() if number is not None}


async def go_on_after(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Set the last numbers."""
    for name, number in numbers.items():
        sequence = sa.func.pg_get_serial_sequence(name, "id")
        await connection.execute(sa.select(sa.func.setval(sequence, number)))


async def plan_for_many(connection: Connection) -> None:
    """Make no use of plans that are kept in this transaction.

    Those are for ten rows, whatever a statement is given, and can compare each with each.
    """
    await connection.execute(PLAN_ANEW)


async def survey(connection: Connection) -> None:
    """Make statistics, which the server would make later: until then its plans are for few rows."""
    await connection.exec_driver_sql("ANALYZE")
