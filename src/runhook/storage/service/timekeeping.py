"""What the database's clock says, what is known of it, and what would wait too long for it."""

from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.service.timekeeping import Timekeeping
from runhook.domain.webhooks.failing import LONGEST_PAUSE
from runhook.storage.engine.columns import Duration, UtcDateTime
from runhook.storage.engine.store import Clock, Transaction, after
from runhook.storage.engine.tables import (
    IS_OPEN,
    IS_PENDING,
    IS_SENDING,
    deliveries,
    expectations,
    mail_pause,
    redelivery_shares,
    replicas,
    runs,
    timekeeping,
    webhooks,
)
from runhook.storage.runs.expectations import INTERVAL

FIND_TIMEKEEPING = sa.select(timekeeping)
WRITE_TIMEKEEPING = sa.update(timekeeping)
ONLY = 1
"""The id of the only row."""
SHORT = timedelta(minutes=5)
"""Longer than any lease, step or turn of a rate limit."""


async def moment_of(tx: Transaction) -> datetime:
    """The present moment on the database's clock."""
    moment: datetime = (await tx.execute(asking_moment(tx.now))).scalar_one()
    return moment


@lru_cache
def asking_moment(now: Clock) -> sa.Select[tuple[datetime]]:
    """Query of ``moment_of``."""
    return sa.select(sa.type_coerce(now, UtcDateTime))


async def find_timekeeping(tx: Transaction) -> Timekeeping | None:
    """State of the clock; None before the first look at it."""
    row = (await tx.execute(FIND_TIMEKEEPING)).one_or_none()
    if row is None:
        return None
    return Timekeeping(
        seen_at=row.seen_at,
        trusted_at=row.trusted_at,
        doubted_since=row.doubted_since,
        is_settled=row.is_settled,
    )


async def write_timekeeping(tx: Transaction, kept: Timekeeping, *, is_first: bool) -> None:
    """Write down what is known of the clock."""
    values = {
        "seen_at": kept.seen_at,
        "trusted_at": kept.trusted_at,
        "doubted_since": kept.doubted_since,
        "is_settled": kept.is_settled,
    }
    if is_first:
        await tx.execute(sa.insert(timekeeping).values(id=ONLY, **values))
    else:
        await tx.execute(WRITE_TIMEKEEPING, values)


async def let_go_on(tx: Transaction, schedule: RetrySchedule, *, limit: int) -> int:
    """Let nothing wait for longer than it ever has to, as it would once a clock is set back.

    Args:
        tx: where it waits.
        schedule: that of webhooks which have none of their own.
        limit: how many deliveries to let go on.

    Returns:
        how many deliveries waited too long, at most ``limit``; if so many did, there may be more.
    """
    paused = tx.locked(webhooks, webhooks.c.paused_until > ahead(tx.now, LONGEST_PAUSE + SHORT))
    await tx.execute(sa.update(webhooks).where(paused).values(paused_until=tx.now))
    for column in (
        webhooks.c.next_request_at,
        webhooks.c.failing_since,
        redelivery_shares.c.next_step_at,
        replicas.c.seen_at,
        mail_pause.c.paused_until,
    ):
        early = tx.locked(column.table, column > ahead(tx.now, SHORT))
        await tx.execute(sa.update(column.table).where(early).values({column: tx.now}))
    claimed = tx.locked(deliveries, IS_SENDING, deliveries.c.claimed_until > ahead(tx.now, SHORT))
    # What was claimed was due; if it is given back, it is due when it was.
    due = sa.case(
        (deliveries.c.next_attempt_at > tx.now, tx.now), else_=deliveries.c.next_attempt_at
    )
    await tx.execute(
        sa.update(deliveries).where(claimed).values(claimed_until=tx.now, next_attempt_at=due)
    )
    heard = tx.locked(runs, IS_OPEN, runs.c.heartbeat_at > tx.now)
    await tx.execute(sa.update(runs).where(heard).values(heartbeat_at=tx.now))
    missed = tx.locked(expectations, expectations.c.missed_at > after(tx.now, INTERVAL))
    await tx.execute(
        sa.update(expectations).where(missed).values(missed_at=after(tx.now, INTERVAL))
    )
    late = (
        sa.select(deliveries.c.id)
        .where(
            IS_PENDING,
            deliveries.c.next_attempt_at > after(tx.now, await longest_waits(tx, schedule)),
        )
        .limit(limit)
    )
    found = (await tx.execute(late)).scalars().all()
    if found:
        waiting = tx.locked(deliveries, deliveries.c.id.in_(found), IS_PENDING)
        await tx.execute(sa.update(deliveries).where(waiting).values(next_attempt_at=tx.now))
        tx.makes_due = True
    return len(found)


async def longest_waits(tx: Transaction, schedule: RetrySchedule) -> sa.ColumnElement[timedelta]:
    """The longest that a delivery of each webhook waits for an attempt, as an expression."""
    rows = await tx.execute(
        sa.select(webhooks.c.id, webhooks.c.retry_schedule).where(
            webhooks.c.retry_schedule.is_not(None), webhooks.c.deleted_at.is_(None)
        )
    )
    own = {
        row.id: in_microseconds(RetrySchedule.of(row.retry_schedule).longest_wait) for row in rows
    }
    if not own:
        return sa.literal(schedule.longest_wait, Duration)
    longest = sa.case(
        own, value=deliveries.c.webhook_id, else_=in_microseconds(schedule.longest_wait)
    )
    return sa.type_coerce(longest, Duration)


def in_microseconds(duration: timedelta) -> sa.ColumnElement[int]:
    """A duration as the database stores it."""
    return sa.cast(sa.literal(duration, Duration), sa.BigInteger)


def ahead(now: Clock, pause: timedelta) -> Clock:
    """The moment ``pause`` from ``now``, as an expression."""
    return after(now, sa.literal(pause, Duration))
