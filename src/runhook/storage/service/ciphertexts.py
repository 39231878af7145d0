"""Everything in the database that the master keys encrypted, of all accounts, a batch at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from runhook.domain.messages.telling import WebhookId
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import webhooks
from runhook.storage.webhooks.rows import CIPHERTEXTS as COLUMNS


@dataclass(frozen=True, slots=True)
class Ciphertexts:
    """What is encrypted of one webhook, by the name of the column that holds it."""

    webhook_id: WebhookId
    by_column: Mapping[str, bytes]


async def list_ciphertexts(
    tx: Transaction, *, after: WebhookId, limit: int
) -> Sequence[Ciphertexts]:
    """Ciphertexts of the webhooks whose ids follow ``after``."""
    rows = await tx.execute(batch(after, limit))
    return [ciphertexts_in(row) for row in rows.mappings()]


async def lock_ciphertexts(
    tx: Transaction, *, after: WebhookId, limit: int
) -> Sequence[Ciphertexts]:
    """The same, locked until the transaction ends."""
    rows = await tx.execute(batch(after, limit).with_for_update())
    return [ciphertexts_in(row) for row in rows.mappings()]


async def replace_ciphertexts(tx: Transaction, replaced: Sequence[Ciphertexts]) -> None:
    """Write ciphertexts, which were locked, anew; what a webhook has none of stays empty."""
    if not replaced:
        return
    statement = (
        sa.update(webhooks)
        .where(webhooks.c.id == sa.bindparam("webhook_id"))
        .values({column: sa.bindparam(f"new_{column.name}") for column in COLUMNS})
    )
    await tx.execute(
        statement,
        [
            {
                "webhook_id": one.webhook_id,
                **{f"new_{column.name}": one.by_column.get(column.name) for column in COLUMNS},
            }
            for one in replaced
        ],
    )


def batch(after: WebhookId, limit: int) -> sa.Select[tuple[str, bytes]]:
    """The query of both readings."""
    return (
        sa.select(webhooks.c.id, *COLUMNS)
        .where(webhooks.c.id > after, sa.or_(*(column.is_not(None) for column in COLUMNS)))
        .order_by(webhooks.c.id)
        .limit(limit)
    )


def ciphertexts_in(row: sa.RowMapping) -> Ciphertexts:
    """Read a row."""
    return Ciphertexts(
        row["id"],
        {column.name: row[column] for column in COLUMNS if row[column] is not None},
    )
