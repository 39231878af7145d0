"""All that a service keeps, table by table, as one database stores it and another one takes it.

Values are read and written as they are stored: no row is understood, and JSON keeps its letters.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import sqlalchemy as sa

from runhook.storage.engine.columns import StoredJson, stored_type
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import copying, duties, metadata, replicas

OF_PROCESSES = (replicas, duties)
"""Which processes there are, and what they do for all: it ends with them."""
TABLES = tuple(
    table.name for table in metadata.sorted_tables if table not in (*OF_PROCESSES, copying)
)
"""What a copy has, each after those that it refers to."""
NUMBERED = tuple(name for name in TABLES if metadata.tables[name].autoincrement_column is not None)
"""Tables whose rows the database numbers."""
NEVER_AGAIN = tuple(
    name for name in NUMBERED if metadata.tables[name].dialect_options["sqlite"]["autoincrement"]
)
"""Those whose numbers are known elsewhere, and never mean another row."""
MOST_ROWS = 1_000
"""How many rows are in memory at once, at the most."""
MOST_CHARACTERS = 8 << 20
"""How many letters and bytes they have together, unless a single row has more."""
DIGEST_BYTES = 16

Key = Sequence[Any]
"""What a row's primary key holds."""
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TableContent:
    """How many rows a table has, and a sum over all that is in them, whatever their order."""

    rows: int = 0
    checksum: int = 0

    def with_rows(self, rows: Rows) -> "TableContent":
        """The same with more rows."""
        total = sum((digest_of(row) for row in rows), start=self.checksum)
        return TableContent(self.rows + len(rows), total % (1 << 8 * DIGEST_BYTES))

    def __str__(self) -> str:
        return f"{self.checksum:0{2 * DIGEST_BYTES}x}"


def digest_of(row: Mapping[str, Any]) -> int:
    """A number that follows from all values of a row, the same on both databases."""
    stored = msgspec.msgpack.encode(tuple(row.values()))
    return int.from_bytes(blake2b(stored, digest_size=DIGEST_BYTES).digest(), "big")


async def table_content(store: Store, table: str) -> TableContent:
    """Count and sum up the rows of a table.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    content = TableContent()
    async for rows in batches_of(store, table):
        content = content.with_rows(rows)
    return content


async def batches_of(store: Store, table: str, after: Key = ()) -> AsyncIterator[Rows]:
    """Yield the rows of a table in the order of their keys, those after a key or all.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    while True:
        async with store.read() as tx:
            rows = await read_rows(tx, table, after)
        if not rows:
            return
        yield rows
        after = row_key(table, rows[-1])


def row_key(table: str, row: Mapping[str, Any]) -> Key:
    """Key of a row."""
    return [row[name] for name in key_names(table)]


def key_names(table: str) -> Sequence[str]:
    """Names of the columns of a table's primary key, in its order."""
    return [column.name for column in metadata.tables[table].primary_key]


async def read_rows(tx: Transaction, table: str, after: Key) -> Rows:
    """Rows of a table that follow a key, or the first ones: as many as are read at once."""
    queries = queries_of(table, is_first=not after)
    key = {f"after_{number}": value for number, value in enumerate(after)}
    sizes = (await tx.execute(queries.sizes, key)).scalars().all()
    if not sizes:
        return []
    rows = await tx.execute(queries.rows, {**key, "count": count_within(sizes)})
    return [dict(row) for row in rows.mappings()]


def count_within(sizes: Iterable[int]) -> int:
    """How many of the first rows, at least one, have no more letters together than are read."""
    total = count = 0
    for size in sizes:
        total += size
        if count and total > MOST_CHARACTERS:
            break
        count += 1
    return count


async def write_rows(tx: Transaction, table: str, rows: Rows) -> None:
    """Add rows to a table as they were stored elsewhere."""
    await tx.insert_many(as_stored(table), rows)


async def read_last_numbers(tx: Transaction) -> Mapping[str, int]:
    """The last number that each table of ``NUMBERED`` has given, perhaps to a row that is gone.

    It is 0 if it has given none.
    """
    given = await tx.database.last_numbers(tx.connection, NUMBERED)
    numbers = {}
    for name in NUMBERED:
        (column,) = metadata.tables[name].primary_key
        greatest = (await tx.execute(sa.select(sa.func.max(column)))).scalar() or 0
        numbers[name] = max(greatest, given.get(name, 0))
    return numbers


async def write_last_numbers(tx: Transaction, numbers: Mapping[str, int]) -> None:
    """Let the next row of each of these tables have a greater number."""
    given = {name: number for name, number in numbers.items() if number > 0}
    await tx.database.go_on_after(tx.connection, given)


async def skip_numbers(tx: Transaction, count: int) -> None:
    """Never give the next numbers to rows whose numbers are known elsewhere."""
    numbers = await read_last_numbers(tx)
    await write_last_numbers(tx, {name: numbers[name] + count for name in NEVER_AGAIN})


async def survey_tables(tx: Transaction) -> None:
    """Let the database know at once how many rows its tables have, so that it plans by that."""
    await tx.database.survey(tx.connection)


@dataclass(frozen=True, slots=True)
class Queries:
    """What reads a batch of rows: first how large each is, then as many as that allows."""

    sizes: sa.Select[Any]
    rows: sa.Select[Any]


@lru_cache
def queries_of(table: str, *, is_first: bool) -> Queries:
    """Queries of the first rows, or of those after a key."""
    stored = as_stored(table)
    key = [stored.c[name] for name in key_names(table)]
    follows = sa.true() if is_first else sa.tuple_(*key) > sa.tuple_(*key_places(key))
    letters = [sa.func.length(as_text(one)) for one in stored.c if is_long(one)]
    size = sum((sa.func.coalesce(one, 0) for one in letters), start=sa.literal(0))
    in_order = sa.select().select_from(stored).where(follows).order_by(*key)
    return Queries(
        sizes=in_order.add_columns(size).limit(MOST_ROWS),
        rows=in_order.add_columns(*(as_text(one) for one in stored.c)).limit(
            sa.bindparam("count", type_=sa.Integer)
        ),
    )


def key_places(key: Sequence[sa.ColumnClause[Any]]) -> Sequence[sa.BindParameter[Any]]:
    """Parameters for the values of a key."""
    return [sa.bindparam(f"after_{number}", type_=column.type) for number, column in enumerate(key)]


@lru_cache
def as_stored(table: str) -> sa.TableClause:
    """The table with the types that are stored."""
    columns = metadata.tables[table].c
    return sa.table(table, *(sa.column(one.name, stored_type(one.type)) for one in columns))


def is_long(column: sa.ColumnClause[Any]) -> bool:
    """Whether a column may hold much."""
    return isinstance(column.type, sa.Text | sa.LargeBinary | StoredJson)


def as_text(column: sa.ColumnClause[Any]) -> sa.ColumnElement[Any]:
    """A column, JSON as its text."""
    if isinstance(column.type, StoredJson):
        return sa.cast(column, sa.Text).label(column.name)
    return column
