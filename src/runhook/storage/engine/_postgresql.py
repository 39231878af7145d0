"""What PostgreSQL needs that SQLite does not: its connections, and its form of the claim."""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from runhook.domain.errors import InvalidError
from runhook.storage.engine.batches import Batch, around_values
from runhook.storage.engine.claimable import CLAIMED, LANES, claimable_of
from runhook.storage.engine.connection import Connection, Engine
from runhook.storage.engine.notifier import Notifier
from runhook.storage.engine.refusals import READ_ONLY
from runhook.storage.engine.tables import deliveries

Answer = TypeVar("Answer")
SCHEMA_LOCK = 0x72756E68
"""Any number that no one else uses on this database; this one spells "runh"."""
FULL = "53100"
FORBIDDEN = "42501"
CONTENDED = ("40P01", "40001")
"""Deadlock, and serialization failure."""
TYPED_PLACE = re.compile(r"\$\d+::\w+")
PLAIN_ROW = re.compile(r"\((?:\$\d+::\w+(?: COLLATE \"C\")?(?:, )?)+\)")
AWAY_CODES = ("08", READ_ONLY, "53", "55P03", "57", "58")
"""How the SQLSTATE of such errors begins: connections, read-only standbys, no disk, memory or
connections left, locks, shutting down or starting up, the system's own."""


def file_of(url: str) -> None:
    """None: a server keeps the files, and lets in as many processes as connect."""
    del url


def open_at(url: str) -> tuple[Engine, Engine, Notifier]:
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
    connector = connecting.Connector(f"postgresql://{rest}")
    created: Engine = connecting.open_pool(connector)
    return created, created, listening.ListenNotify(connector)


async def run_whole(
    connection: Connection, work: Callable[[], Coroutine[Any, Any, Answer]], *, commits: bool
) -> Answer:
    """Run a transaction; what opened it ends it."""
    del connection, commits
    return await work()


def claimable_ids(now: sa.ColumnElement[Any]) -> sa.Select[tuple[str]]:
    """Ids of deliveries that can be claimed in the lanes of ``LANES``.

    Rows that another worker is claiming are passed over, never waited for.
    """
    lane = (
        sa.func.json_each_text(LANES)
        .table_valued(sa.column("key", sa.Text), sa.column("value", sa.Text))
        .render_derived(name="lane")
    )
    taken = (
        claimable_of(lane.c.key, now)
        .limit(sa.cast(lane.c.value, sa.Integer))
        .with_for_update(skip_locked=True)
        .lateral("taken")
    )
    ids = sa.select(taken.c.id).select_from(lane.join(taken, sa.true())).scalar_subquery()
    # The planner expects thousands of rows from the join, and would read the whole table to find
    # them again. Of an array it expects ten.
    return sa.select(sa.func.unnest(sa.func.array(ids, type_=sa.ARRAY(sa.Text))).label("id"))


async def claim(
    connection: Connection,
    claiming: sa.Update,
    now: sa.ColumnElement[Any],
    parameters: Mapping[str, Any],
) -> Sequence[Sequence[Any]]:
    """Claim what can be claimed, and read it as it is then, with one statement."""
    return (await connection.execute(claiming_and_returning(claiming, now), parameters)).all()


@lru_cache
def claiming_and_returning(claiming: sa.Update, now: sa.ColumnElement[Any]) -> sa.UpdateBase:
    """Statement of ``claim``."""
    claimable = claimable_ids(now).cte("claimable")
    return claiming.where(deliveries.c.id.in_(sa.select(claimable.c.id))).returning(*CLAIMED)


async def read_many(
    connection: Connection, query: sa.Select[Any], parameters: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    """Rows of a query."""
    rows: Sequence[Sequence[Any]] = (await connection.execute(query, parameters)).all()
    return rows


@lru_cache
def is_held(name: str) -> sa.ColumnElement[bool]:
    """Whether a delivery's claim is among those of the parameter ``name``: ids and numbers."""
    numbers = sa.bindparam(name, type_=JSONB)
    # Of an array the planner expects few rows, and looks each one up.
    ids = sa.select(sa.func.jsonb_object_keys(numbers).column_valued("id")).scalar_subquery()
    number = sa.cast(numbers[deliveries.c.id].astext, sa.Integer)
    return sa.and_(
        deliveries.c.id == sa.any_(sa.func.array(ids, type_=sa.ARRAY(sa.Text))),
        deliveries.c.claim_number == number,
    )


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
        .with_for_update(key_share=not for_deletion)
        .cte("locked")
    )
    mine = sa.select(*rows.c)
    return key[0].in_(mine) if len(key) == 1 else sa.tuple_(*key).in_(mine)


def size() -> sa.Select[int]:
    """Query of the size of the database's files, in bytes."""
    return sa.select(sa.func.pg_database_size(sa.func.current_database(), type_=sa.BigInteger))


def is_away(error: sa.exc.DBAPIError) -> bool:
    """Whether an error means that the database is away, locked or full, and is no bug."""
    if error.connection_invalidated or isinstance(error, sa.exc.InterfaceError):
        return True
    # The driver's classes do not tell these apart, the server's codes do.
    code = getattr(error.orig, "sqlstate", None) or ""
    return code.startswith(AWAY_CODES)


def is_contended(error: sa.exc.DBAPIError) -> bool:
    """Whether the server ended a transaction that stood in another's way, and may be repeated."""
    return getattr(error.orig, "sqlstate", None) in CONTENDED


def is_full(error: sa.exc.DBAPIError) -> bool:
    """Whether an error means that the server's disk is full."""
    return getattr(error.orig, "sqlstate", None) == FULL


def is_forbidden(error: sa.exc.DBAPIError) -> bool:
    """Whether the server does not let this user do what has to be done."""
    return getattr(error.orig, "sqlstate", None) == FORBIDDEN


def is_broken(error: sa.exc.DBAPIError) -> bool:
    """Say no: the files are the server's."""
    del error
    return False


async def run_batch(connection: Connection, batch: Batch, columns: Sequence[Sequence[Any]]) -> None:
    """Run a statement for many rows, as one statement wherever it can be made one.

    The server then plans and begins it once for all rows, not once for each.
    """
    sql = for_columns(batch.sql)
    if sql is None:
        await connection.exec_driver_sql(batch.sql, list(zip(*columns, strict=True)))
    else:
        await connection.exec_driver_sql(sql, tuple(columns))


@lru_cache
def for_columns(sql: str) -> str | None:
    """Rewrite a statement to take each column of its VALUES as an array.

    It is None where these are no row of plain placeholders.
    """
    parts = around_values(sql)
    if parts is None or not PLAIN_ROW.fullmatch(parts[1]):
        return None
    before, row, after = parts
    columns = ", ".join(f"{place}[]" for place in TYPED_PLACE.findall(row))
    return f"{before}SELECT * FROM unnest({columns}){after}"  # noqa: S608 - our own statement


async def lock_schema(connection: Connection) -> None:
    """Wait for other processes that change the schema, and make later ones wait for us."""
    # Bringing a large database up to date takes as long as it takes.
    await connection.execute(sa.text("SET LOCAL lock_timeout = 0"))
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK)))


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


async def survey(connection: Connection) -> None:
    """Make statistics, which the server would make later: until then its plans are for few rows."""
    await connection.exec_driver_sql("ANALYZE")
