"""Deliveries that did not arrive, as a redelivery finds them.

They are counted and looked at by the partial indexes that what arrived is not in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runhook.domain.deliveries.redeliveries import Candidate, LogPlace, Selection
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.run import AccountId
from runhook.storage.deliveries.redeliveries import candidate_of, is_as_it_was, is_beyond
from runhook.storage.deliveries.rows import was_answered_with
from runhook.storage.engine.store import Clock, Transaction
from runhook.storage.engine.tables import IS_PENDING, IS_UNSENT, deliveries, webhooks


@dataclass(frozen=True, slots=True)
class UnsentCounts:
    """How many deliveries are meant, by webhook, as far as was counted."""

    by_webhook: Mapping[WebhookId, int]
    is_whole: bool
    """Whether all there are were counted."""


async def count_unsent(
    tx: Transaction,
    account_id: AccountId,
    selection: Selection,
    *,
    fixed_at: datetime,
    limit: int,
) -> UnsentCounts:
    """Count the deliveries that are meant, among the newest ``limit`` of their time."""
    looked_at = (
        select_unsent(account_id, selection.webhook_id, selection)
        .where(*within(selection))
        .with_only_columns(
            deliveries.c.webhook_id,
            is_unsent_chosen(selection, fixed_at, tx.now).label("is_chosen"),
        )
        .limit(limit)
    )
    if selection.run_id is None:
        looked_at = looked_at.order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
    rows = looked_at.subquery("looked_at")
    counts = await tx.execute(
        sa.select(
            rows.c.webhook_id,
            sa.func.count().label("looked_at"),
            sa.func.count(sa.case((rows.c.is_chosen, 1))).label("chosen"),
        ).group_by(rows.c.webhook_id)
    )
    counted = counts.all()
    return UnsentCounts(
        {row.webhook_id: row.chosen for row in counted if row.chosen},
        is_whole=sum(row.looked_at for row in counted) < limit,
    )


async def webhooks_with_unsent(
    tx: Transaction, account_id: AccountId, selection: Selection
) -> Sequence[WebhookId]:
    """Webhooks, deleted ones too, with undelivered deliveries in the selection's time."""
    # Not EXISTS, which PostgreSQL may turn into a join that reads the whole index.
    any_unsent = (
        sa.select(deliveries.c.id)
        .where(IS_UNSENT, deliveries.c.webhook_id == webhooks.c.id, *within(selection))
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    rows = await tx.execute(
        sa.select(webhooks.c.id)
        .where(webhooks.c.account_id == account_id, any_unsent.is_not(None))
        .order_by(webhooks.c.id)
    )
    return rows.scalars().all()


async def look_for_unsent(
    tx: Transaction,
    account_id: AccountId,
    webhook_id: WebhookId,
    selection: Selection,
    *,
    fixed_at: datetime,
    place: LogPlace,
    limit: int,
) -> Sequence[Candidate]:
    """The next undelivered deliveries of a webhook, the oldest first.

    Args:
        tx: where to look.
        account_id: the webhook's.
        webhook_id: whose deliveries.
        selection: which of them are chosen.
        fixed_at: what has changed since is not.
        place: how far they have been looked at already.
        limit: how many to look at.
    """
    columns = deliveries.c
    query = (
        select_unsent(account_id, webhook_id, selection)
        .where(
            *within(selection),
            is_beyond(place),
        )
        .with_only_columns(
            columns.id,
            columns.created_at,
            is_unsent_chosen(selection, fixed_at, tx.now).label("is_chosen"),
        )
    )
    if selection.run_id is None:
        query = query.order_by(columns.created_at, columns.id).limit(limit)
    candidates = [candidate_of(row) for row in await tx.execute(query)]
    return sorted(candidates, key=lambda one: (one.created_at, one.id))


async def count_pending(tx: Transaction, webhook_id: WebhookId, *, limit: int) -> int:
    """Count pending deliveries of a webhook, up to a limit."""
    waiting = (
        sa.select(deliveries.c.id)
        .where(IS_PENDING, deliveries.c.webhook_id == webhook_id)
        .limit(limit)
        .subquery("waiting")
    )
    rows = await tx.execute(sa.select(sa.func.count()).select_from(waiting))
    return int(rows.scalar_one())


def select_unsent(
    account_id: AccountId, webhook_id: WebhookId | None, selection: Selection
) -> sa.Select[Any]:
    """Query of an account's, a webhook's or a run's undelivered deliveries.

    Of a run they come in no order: an index that has it would be read to its end for a few.
    """
    columns = deliveries.c
    is_narrow = webhook_id is not None or selection.run_id is not None
    # The addition keeps an account's index out of it where another one leads to fewer deliveries.
    query = sa.select(columns.id).where(
        IS_UNSENT, (columns.account_id + 0 if is_narrow else columns.account_id) == account_id
    )
    if webhook_id is not None:
        query = query.where(columns.webhook_id == webhook_id)
    if selection.run_id is not None:
        query = query.where(columns.run_id == selection.run_id)
    return query


def within(selection: Selection) -> Sequence[sa.ColumnElement[bool]]:
    """Conditions of a selection's time."""
    found = [deliveries.c.created_at >= selection.since]
    if selection.until is not None:
        found.append(deliveries.c.created_at < selection.until)
    return found


def is_unsent_chosen(
    selection: Selection, fixed_at: datetime, now: Clock
) -> sa.ColumnElement[bool]:
    """Condition that an undelivered delivery belongs to a redelivery."""
    columns = deliveries.c
    conditions = [
        columns.state.in_(list(selection.states)),
        is_as_it_was(fixed_at, now),
        ~columns.is_test,
    ]
    if selection.event_types:
        conditions.append(columns.event_type.in_(list(selection.event_types)))
    if selection.job_id is not None:
        conditions.append(columns.job_id == selection.job_id)
    if selection.code_class is not None:
        conditions.append(was_answered_with(columns.http_status_code, selection.code_class))
    return sa.and_(*conditions)
