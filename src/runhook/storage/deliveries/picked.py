"""Deliveries that were picked one by one, as a redelivery finds them: by their ids."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import Candidate, LogPlace, Picked
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.run import AccountId
from runhook.storage.deliveries.redeliveries import candidate_of, is_as_it_was, is_beyond
from runhook.storage.engine.store import Clock, Transaction
from runhook.storage.engine.tables import deliveries


async def missing_of(
    tx: Transaction, account_id: AccountId, picked: Picked
) -> Sequence[DeliveryId]:
    """Those of the deliveries that the account does not have, in order."""
    rows = await tx.execute(sa.select(deliveries.c.id).where(*are_picked(account_id, picked)))
    found = set(rows.scalars())
    return [one for one in picked.delivery_ids if one not in found]


async def count_picked(
    tx: Transaction, account_id: AccountId, picked: Picked, *, fixed_at: datetime
) -> Mapping[WebhookId, int]:
    """Count the deliveries that are meant, by webhook."""
    rows = await tx.execute(
        sa.select(deliveries.c.webhook_id, sa.func.count().label("chosen"))
        .where(*are_picked(account_id, picked), is_picked_chosen(fixed_at, tx.now))
        .group_by(deliveries.c.webhook_id)
    )
    return {row.webhook_id: row.chosen for row in rows}


async def look_for_picked(
    tx: Transaction,
    account_id: AccountId,
    webhook_id: WebhookId,
    picked: Picked,
    *,
    fixed_at: datetime,
    place: LogPlace,
    limit: int,
) -> Sequence[Candidate]:
    """The next picked deliveries of a webhook, the oldest first.

    Args:
        tx: where to look.
        account_id: the webhook's.
        webhook_id: whose deliveries.
        picked: which of them.
        fixed_at: what has changed since does not belong to them any more.
        place: how far they have been looked at already.
        limit: how many to look at.
    """
    columns = deliveries.c
    rows = await tx.execute(
        sa.select(
            columns.id, columns.created_at, is_picked_chosen(fixed_at, tx.now).label("is_chosen")
        )
        .where(
            *are_picked(account_id, picked),
            columns.webhook_id == webhook_id,
            is_beyond(place),
        )
        .order_by(columns.created_at, columns.id)
        .limit(limit)
    )
    return [candidate_of(row) for row in rows]


def are_picked(account_id: AccountId, picked: Picked) -> Sequence[sa.ColumnElement[bool]]:
    """Conditions for an account's picked deliveries."""
    # The addition keeps the account's index out of it, which leads to more of them than their ids.
    return (
        deliveries.c.account_id + 0 == account_id,
        deliveries.c.id.in_(list(picked.delivery_ids)),
    )


def is_picked_chosen(fixed_at: datetime, now: Clock) -> sa.ColumnElement[bool]:
    """Condition that a picked delivery belongs to a redelivery."""
    columns = deliveries.c
    return sa.and_(
        columns.state != DeliveryState.SENDING, is_as_it_was(fixed_at, now), ~columns.is_test
    )
