"""Pages of lists, counted without ever counting without end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from runhook.storage.engine.store import Transaction

Item = TypeVar("Item")
Order = TypeVar("Order")

COUNTED_BEYOND = 100_000
"""So many rows after a page are counted; a long history must not make each page slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Generic[Order]):
    """Which part of a list, in which order."""

    order: Order
    is_descending: bool = False
    limit: int
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """A part of a list, and how long the list is, as far as ``COUNTED_BEYOND`` rows behind it."""

    items: Sequence[Item]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From a moment to another, both included; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def conditions(self, column: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
        """Conditions of the period on a column."""
        found: list[sa.ColumnElement[bool]] = []
        if self.since is not None:
            found.append(column >= self.since)
        if self.until is not None:
            found.append(column <= self.until)
        return found


async def page_of(
    query: sa.Select[Any],
    counted: sa.Select[Any],
    item_of: Callable[[sa.Row[Any]], Item],
    *,
    tx: Transaction,
    part: Slice[Any],
) -> Page[Item]:
    """Read a page of a query's rows.

    Args:
        query: the rows in their order.
        counted: the same rows in no order, with as little as possible of each.
        item_of: makes an item of a row.
        tx: where to ask.
        part: which rows.
    """
    rows = (await tx.execute(query.limit(part.limit).offset(part.offset))).all()
    within = counted.limit(part.offset + part.limit + COUNTED_BEYOND).subquery()
    total = await tx.execute(sa.select(sa.func.count()).select_from(within))
    return Page(items=[item_of(row) for row in rows], total=total.scalar_one())
