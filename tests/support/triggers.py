"""Triggers that have the database refuse a write until they are dropped."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from runhook.storage.engine.store import Store

DROP = {"sqlite": ["DROP TRIGGER refuse"], "postgresql": ["DROP FUNCTION refuse CASCADE"]}


async def refuse_writes(store: Store, write: str, error: str) -> None:
    """Let a write, such as `INSERT ON deliveries`, fail with an error."""
    await change_schema(
        store,
        {
            "sqlite": [
                f"CREATE TRIGGER refuse BEFORE {write} BEGIN SELECT RAISE(ABORT, '{error}'); END"
            ],
            "postgresql": [
                (
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN RAISE EXCEPTION '{error}'; END $$"
                ),
                f"CREATE TRIGGER refuse BEFORE {write} EXECUTE FUNCTION refuse()",
            ],
        },
    )


async def accept_writes(store: Store) -> None:
    """Drop the trigger `refuse`."""
    await change_schema(store, DROP)


async def change_schema(store: Store, statements: Mapping[str, Sequence[str]]) -> None:
    """Run the statements of this kind of database."""
    async with store.write() as tx:
        for statement in statements[tx.connection.dialect.name]:
            await tx.execute(sa.text(statement))
