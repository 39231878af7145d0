"""Attempts of webhooks, counted by the hour while they are recorded.

A consumer has none: what it acknowledges counts as succeeded, without a duration.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.deliveries.attempt_counts import HOUR, AttemptCounts
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.batches import Batch, columns_like, insertion
from runhook.storage.engine.store import Database, Transaction
from runhook.storage.engine.tables import DURATION_COLUMNS, attempt_counts, webhooks

ADDED_UP = ("succeeded", "failed", *DURATION_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedHour:
    """What to add to an hour of a webhook."""

    account_id: AccountId
    webhook_id: WebhookId
    hour: datetime
    counts: AttemptCounts


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """How many attempts of one hour succeeded, and how many failed."""

    hour: datetime
    succeeded: int
    failed: int


async def add_attempt_counts(tx: Transaction, counted: Sequence[CountedHour]) -> None:
    """Add to the counts of hours, of which none is given twice.

    In the order of their keys, so that two workers wait for each other in one order.
    """
    await tx.execute_many(
        adding_counts(tx.database),
        [
            {
                "webhook_id": one.webhook_id,
                "hour": one.hour,
                "ends_at": one.hour + HOUR,
                "account_id": one.account_id,
                "succeeded": one.counts.succeeded,
                "failed": one.counts.failed,
                "longest": one.counts.longest,
                **dict(zip(DURATION_COLUMNS, one.counts.durations, strict=True)),
            }
            for one in sorted(counted, key=lambda one: (one.webhook_id, one.hour))
        ],
    )


@lru_cache
def adding_counts(database: Database) -> Batch:
    """Batch of ``add_attempt_counts``."""
    given = database.rows_given("counted", columns_like(attempt_counts, attempt_counts.c.keys()))
    inserting = insertion(attempt_counts, given, dict(given.table.c))
    before, added = attempt_counts.c, inserting.excluded
    statement = inserting.on_conflict_do_update(
        index_elements=[before.webhook_id, before.hour],
        set_={
            **{name: before[name] + added[name] for name in ADDED_UP},
            "longest": sa.case(
                (added.longest > before.longest, added.longest), else_=before.longest
            ),
        },
    )
    return Batch(statement, given)


async def count_by_hour(
    tx: Transaction,
    account_id: AccountId,
    webhook_ids: Collection[WebhookId],
    *,
    since: datetime,
) -> Mapping[WebhookId, Sequence[HourlyCount]]:
    """Hourly counts of some of the account's webhooks since an hour, without durations."""
    columns = attempt_counts.c
    rows = await tx.execute(
        sa.select(columns.webhook_id, columns.hour, columns.succeeded, columns.failed).where(
            columns.account_id == account_id,
            columns.webhook_id.in_(list(webhook_ids)),
            columns.hour >= since,
        )
    )
    found: dict[WebhookId, list[HourlyCount]] = {}
    for row in rows:
        counted = HourlyCount(row.hour, row.succeeded, row.failed)
        found.setdefault(row.webhook_id, []).append(counted)
    return found


async def count_account_by_hour(
    tx: Transaction, account_id: AccountId, *, since: datetime
) -> Sequence[HourlyCount]:
    """Hourly counts of all of the account's webhooks that send, together, since an hour."""
    columns = attempt_counts.c
    rows = await tx.execute(
        sa.select(
            columns.hour,
            sa.cast(sa.func.sum(columns.succeeded), sa.BigInteger).label("succeeded"),
            sa.cast(sa.func.sum(columns.failed), sa.BigInteger).label("failed"),
        )
        .select_from(webhooks.join(attempt_counts, columns.webhook_id == webhooks.c.id))
        .where(webhooks.c.account_id == account_id, ~webhooks.c.is_consumed, columns.hour >= since)
        .group_by(columns.hour)
        .order_by(columns.hour)
    )
    return [HourlyCount(row.hour, row.succeeded, row.failed) for row in rows]


async def list_attempt_counts(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId, *, since: datetime
) -> Mapping[datetime, AttemptCounts]:
    """Hourly counts of a webhook since an hour, the earliest first."""
    columns = attempt_counts.c
    rows = await tx.execute(
        sa.select(attempt_counts)
        .where(
            columns.account_id == account_id,
            columns.webhook_id == webhook_id,
            columns.hour >= since,
        )
        .order_by(columns.hour)
    )
    return {row.hour: counts_in(row) for row in rows}


async def delete_old_attempt_counts(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` hours that ended before ``before``; return how many."""
    columns = attempt_counts.c
    old = (
        sa.select(columns.webhook_id, columns.hour)
        .where(columns.ends_at < before)
        .order_by(columns.ends_at)
        .limit(limit)
    )
    chosen = sa.tuple_(columns.webhook_id, columns.hour).in_(old)
    locked = tx.locked(attempt_counts, chosen, for_deletion=True)
    return (await tx.execute(sa.delete(attempt_counts).where(locked))).rowcount


def counts_in(row: sa.Row[Any]) -> AttemptCounts:
    """The counts in a row."""
    return AttemptCounts(
        succeeded=row.succeeded,
        failed=row.failed,
        durations=[getattr(row, name) for name in DURATION_COLUMNS],
        longest=row.longest,
    )
