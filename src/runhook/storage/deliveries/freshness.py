"""What tells a page that stays open whether its rows have changed: asked for again and again."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import deliveries, runs

Row = tuple[Any, ...]


async def newest_deliveries(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId | None, *, limit: int
) -> Sequence[Row]:
    """What can change of an account's newest deliveries, or of one of its webhooks'."""
    columns = deliveries.c
    # The addition keeps an account's index out of it where another one leads to fewer deliveries.
    account = columns.account_id if webhook_id is None else columns.account_id + 0
    query = (
        sa.select(columns.id, columns.state, columns.attempt_count, columns.updated_at)
        .where(account == account_id)
        .order_by(columns.created_at.desc(), columns.id.desc())
        .limit(limit)
    )
    if webhook_id is not None:
        query = query.where(columns.webhook_id == webhook_id)
    return [tuple(row) for row in await tx.execute(query)]


async def states_of_deliveries(
    tx: Transaction, account_id: AccountId, delivery_ids: Collection[DeliveryId]
) -> Sequence[Row]:
    """What can change of these deliveries, as far as they are this account's."""
    columns = deliveries.c
    rows = await tx.execute(
        sa.select(columns.id, columns.state, columns.attempt_count, columns.updated_at)
        .where(columns.account_id + 0 == account_id, columns.id.in_(list(delivery_ids)))
        .order_by(columns.id)
    )
    return [tuple(row) for row in rows]


async def newest_runs(tx: Transaction, account_id: AccountId, *, limit: int) -> Sequence[Row]:
    """What can change of an account's newest runs."""
    rows = await tx.execute(
        sa.select(
            runs.c.id,
            runs.c.status,
            runs.c.progress,
            runs.c.cancel_requested_at,
            runs.c.finished_at,
        )
        .where(runs.c.account_id == account_id)
        .order_by(runs.c.id.desc())
        .limit(limit)
    )
    return [tuple(row) for row in rows]
