"""What is done alike with rows of any table: they are counted, and the old ones deleted."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runhook.storage.engine.store import Transaction


async def count_rows(table: sa.Table, *conditions: sa.ColumnElement[bool], tx: Transaction) -> int:
    """Count the rows of a table that meet all conditions."""
    query = sa.select(sa.func.count()).select_from(table).where(*conditions)
    counted: int = (await tx.execute(query)).scalar_one()
    return counted


async def delete_oldest(
    ended_at: sa.Column[Any], *, tx: Transaction, before: datetime, limit: int
) -> int:
    """Delete up to ``limit`` rows that ended before a time, the oldest first; return how many."""
    table = ended_at.table
    old = sa.select(table.c.id).where(ended_at < before).order_by(ended_at).limit(limit)
    locked = tx.locked(table, table.c.id.in_(old), for_deletion=True)
    return (await tx.execute(sa.delete(table).where(locked))).rowcount
