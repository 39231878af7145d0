"""Many rows in one statement, which has them as a table.

A statement for each row costs more than what the database does with the row, and on SQLite the
thread has to win back Python's lock after each. So the rows are parameters: on PostgreSQL an array
for each column, on SQLite one list of all rows in JSON, beside which their bytes lie in one piece.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, count
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from runhook.storage.engine.columns import StoredJson, as_json, stored_type

Row = Mapping[str, Any]
Column = sa.ColumnClause[Any]
Type = sa.types.TypeEngine[Any]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class GivenRows:
    """Rows that a statement gets as parameters."""

    table: sa.FromClause
    """What they are within the statement."""
    parameters: Callable[[Sequence[Row]], dict[str, Any]]
    """What the statement gets for them; each has a value for each column.

    Raises:
        KeyError: one lacks a value.
    """


@dataclass(frozen=True, slots=True)
class Batch:
    """A statement for many rows."""

    statement: sa.Insert | sa.Update
    given: GivenRows


def columns_like(table: sa.FromClause, names: Iterable[str]) -> Sequence[Column]:
    """Columns for what is given of these columns of a table."""
    return [sa.column(name, table.c[name].type) for name in names]


def insertion(
    table: sa.TableClause, given: GivenRows, values: Mapping[str, sa.ColumnElement[Any]]
) -> Insert:
    """Statement that adds a row for each given one, with these values in its columns."""
    # Without a condition SQLite would read ON CONFLICT as the condition of a join.
    rows = sa.select(*values.values()).select_from(given.table).where(sa.true())
    return insert(table).from_select(list(values), rows)


def rows_in_arrays(name: str, columns: Sequence[Column]) -> GivenRows:
    """Rows as PostgreSQL gets them."""
    places = {f"{name}__{column.name}": column for column in columns}
    arrays = [
        sa.bindparam(place, type_=sa.ARRAY(without_collation(column.type), dimensions=1))
        for place, column in places.items()
    ]
    table = sa.func.unnest(*arrays).table_valued(*columns).render_derived(name=name)

    def parameters(rows: Sequence[Row]) -> dict[str, Any]:
        return {place: [row[column.name] for row in rows] for place, column in places.items()}

    return GivenRows(table, parameters)


def without_collation(type_: Type) -> Type:
    """A type as the elements of an array can have it."""
    return sa.Text() if isinstance(type_, sa.Text) else type_


def rows_in_json(name: str, columns: Sequence[Column]) -> GivenRows:
    """Rows as SQLite gets them: each is a list of its values.

    Of a value that lies apart the list has where it begins, counted from 1, and how long it is.
    """
    listed = sa.bindparam(name, type_=sa.Text)
    apart = sa.bindparam(f"{name}__apart", type_=sa.LargeBinary)
    row = sa.func.json_each(listed).table_valued("value").c.value
    items = (sa.func.json_extract(row, sa.literal_column(f"'$[{place}]'")) for place in count())
    values = [value_of(column, items, apart).label(column.name) for column in columns]

    def parameters(rows: Sequence[Row]) -> dict[str, Any]:
        lists, pieces = listed_and_apart(rows, columns)
        given: dict[str, Any] = {listed.key: lists}
        return {**given, apart.key: pieces} if any(map(lies_apart, columns)) else given

    return GivenRows(sa.select(*values).subquery(name), parameters)


def value_of(
    column: Column, items: Iterator[sa.ColumnElement[Any]], apart: sa.ColumnElement[bytes]
) -> sa.ColumnElement[Any]:
    """A column's value, as an expression of the next items of a list."""
    if not lies_apart(column):
        return sa.type_coerce(next(items), column.type)
    piece = sa.func.substr(apart, next(items), next(items))
    return sa.type_coerce(piece if is_bytes(column) else sa.cast(piece, sa.Text), column.type)


def listed_and_apart(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[str, bytes]:
    """Write rows as lists in JSON, and what lies beside them."""
    items: list[Sequence[Any]] = []
    pieces: list[bytes] = []
    start = 1
    for column in columns:
        convert = converter_of(column)
        values = [row[column.name] for row in rows]
        if convert is not None:
            values = [*map(convert, values)]
        if lies_apart(column):
            parts = [one.encode() if isinstance(one, str) else one for one in values]
            lengths = [None if part is None else len(part) for part in parts]
            *starts, start = accumulate((length or 0 for length in lengths), initial=start)
            pieces += filter(None, parts)
            items += [starts, lengths]
        else:
            items.append(values)
    # Of no bytes at all SQLite would take no piece.
    return as_json([*zip(*items, strict=True)]), b"".join([*pieces, b"\0"])


def is_bytes(column: Column) -> bool:
    """Whether a column has bytes."""
    return isinstance(column.type, sa.LargeBinary)


def lies_apart(column: Column) -> bool:
    """Whether a column's values lie beside the list.

    JSON has no bytes, and JSON in it would have to be written and read once more.
    """
    return is_bytes(column) or isinstance(stored_type(column.type), StoredJson)


@cache
def converter_of(column: Column) -> Convert | None:
    """What makes of a column's value what is stored; None if that is the same."""
    if is_bytes(column):
        return None
    return column.type.dialect_impl(sqlite_dialect()).bind_processor(sqlite_dialect())


@cache
def sqlite_dialect() -> sa.Dialect:
    """How SQLite's engines convert values."""
    return sa.create_engine("sqlite://", json_serializer=as_json).dialect
