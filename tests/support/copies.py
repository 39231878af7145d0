"""Many deliveries in one statement."""

import sqlalchemy as sa

from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries


async def copy_delivery(store: Store, count: int) -> None:
    """Copy the only delivery that there is, so many times; the copies' ids sort before others."""
    columns = ", ".join(one.name for one in deliveries.c if one.name != "id")
    async with store.write() as tx:
        await tx.execute(
            sa.text(
                "WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL "
                "SELECT number + 1 FROM copies WHERE number < :count) "
                f"INSERT INTO deliveries (id, {columns}) "
                f"SELECT 'wev_0' || number, {columns} FROM deliveries, copies"
            ),
            {"count": count},
        )
