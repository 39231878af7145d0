"""How webhooks do, counted over the newest part of the log: the cost has a bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from runhook.domain.deliveries import DeliveryState
from runhook.domain.runs import AccountId
from runhook.domain.webhooks import WebhookId
from runhook.storage.columns import EPOCH
from runhook.storage.deliveries import SEARCHED
from runhook.storage.store import Transaction
from runhook.storage.tables import attempts, deliveries

HOUR = timedelta(hours=1)
HOUR_IN_MICROSECONDS = 3_600_000_000


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """So many deliveries of one hour are in one state."""

    hour: datetime
    state: DeliveryState
    count: int


@dataclass(frozen=True, slots=True)
class RecentAttempt:
    """When an attempt was made, how long it took, and whether it succeeded."""

    sent_at: datetime
    duration: timedelta
    succeeded: bool


async def count_by_hour(
    tx: Transaction, account_id: AccountId, *, since: datetime
) -> Mapping[WebhookId, Sequence[HourlyCount]]:
    """Count the account's newest ``SEARCHED`` real deliveries by webhook, hour and state."""
    columns = deliveries.c
    recent = (
        sa.select(columns.webhook_id, columns.state, columns.is_test, columns.created_at)
        .where(columns.account_id == account_id, columns.created_at >= since)
        .order_by(columns.created_at.desc(), columns.id.desc())
        .limit(SEARCHED)
        .subquery("recent")
    )
    micros: sa.ColumnElement[int] = sa.type_coerce(recent.c.created_at, sa.BigInteger)
    hour = (micros // HOUR_IN_MICROSECONDS).label("hour")
    rows = await tx.execute(
        sa.select(recent.c.webhook_id, hour, recent.c.state, sa.func.count().label("amount"))
        .where(~recent.c.is_test)
        .group_by(recent.c.webhook_id, hour, recent.c.state)
    )
    found: dict[WebhookId, list[HourlyCount]] = {}
    for row in rows:
        counted = HourlyCount(EPOCH + row.hour * HOUR, row.state, row.amount)
        found.setdefault(row.webhook_id, []).append(counted)
    return found


async def list_recent_attempts(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId, *, since: datetime
) -> Sequence[RecentAttempt]:
    """Return the attempts of a webhook's newest ``SEARCHED`` real deliveries, oldest first."""
    columns = deliveries.c
    recent = (
        sa.select(columns.id, columns.is_test)
        .where(
            columns.account_id + 0 == account_id,
            columns.webhook_id == webhook_id,
            columns.created_at >= since,
        )
        .order_by(columns.created_at.desc(), columns.id.desc())
        .limit(SEARCHED)
        .subquery("recent")
    )
    rows = await tx.execute(
        sa.select(attempts.c.sent_at, attempts.c.duration, attempts.c.failure)
        .select_from(recent.join(attempts, attempts.c.delivery_id == recent.c.id))
        .where(~recent.c.is_test)
        .order_by(attempts.c.sent_at)
    )
    return [RecentAttempt(row.sent_at, row.duration, row.failure is None) for row in rows]
