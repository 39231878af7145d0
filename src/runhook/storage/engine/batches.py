"""One statement for many rows, handed to the driver as it wants them.

SQLAlchemy would take the parameters of each row apart anew, which costs several times what the
database does with the row. Here a statement is compiled once, and rows are taken column by column.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

VALUES = "VALUES "
PLACEHOLDER = re.compile(r"\?|\$\d+")

Row = Mapping[str, Any]
Place = Callable[[Sequence[Row]], Iterable[Any]]
"""What one placeholder of the statement gets, from each of some rows."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A compiled statement and how to fill its placeholders, in their order."""

    sql: str
    places: tuple[Place, ...]

    def columns(self, rows: Sequence[Row]) -> list[list[Any]]:
        """Values of each placeholder, row after row."""
        return [list(place(rows)) for place in self.places]


@lru_cache
def compile_batch(
    statement: sa.Insert | sa.Update, dialect: sa.Dialect, names: tuple[str, ...]
) -> Batch:
    """Compile a statement for rows with these names.

    It is found again by identity: build each statement once.
    """
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler)
    return Batch(
        sql=compiled.string,
        places=tuple(
            source_of_placeholder(compiled, name, dialect) for name in compiled.positiontup or ()
        ),
    )


def a_row_of(name: str, *columns: sa.ColumnClause[Any]) -> sa.CTE:
    """A table of one row of a batch, whose values stand in one place of the statement."""
    row = tuple(sa.bindparam(column.name, type_=column.type) for column in columns)
    return sa.values(*columns, name=name).data([row]).cte(name)


def around_values(sql: str) -> tuple[str, str, str] | None:
    """Split a statement at its VALUES: before, the row, after.

    It is None where there is none, or where placeholders stand elsewhere, too.
    """
    before, keyword, rest = sql.partition(VALUES)
    end = closing(rest)
    row, after = rest[:end], rest[end:]
    if not keyword or PLACEHOLDER.search(before + after):
        return None
    return before, row, after


def closing(text: str) -> int:
    """Position after the parenthesis that closes the first one."""
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return position + 1
    return 0


def source_of_placeholder(compiled: SQLCompiler, name: str, dialect: sa.Dialect) -> Place:
    """Source of one placeholder: a value of the row, or one that the statement holds."""
    parameter = compiled.binds[name]
    process = parameter.type.dialect_impl(dialect).bind_processor(dialect) or itself
    if not parameter.required:
        return lambda rows: repeat(process(parameter.effective_value), len(rows))
    value = itemgetter(name)
    return lambda rows: map(process, map(value, rows))


def itself(value: Any) -> Any:
    """A value that the driver takes as it is."""
    return value
