"""How much is to be sent: counted where only that is, so that history costs nothing."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from runhook.domain.runs.run import AccountId
from runhook.storage.deliveries.waiting import first_lanes, is_of_lane
from runhook.storage.engine.columns import EPOCH, Duration
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import IS_PENDING, IS_SENDING, deliveries, webhooks

COUNTED = 10_000
"""Limit of the count for each webhook: a million for a dead endpoint cost no more."""

LANES = 1_000
"""Limit of webhooks in the count over all accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Counts of the pending deliveries of one account or of all."""

    waiting: int
    """Pending deliveries, due or not."""
    due: int
    """Pending deliveries that are due; those for a paused endpoint or a consumer are not."""
    is_whole: bool
    """Whether all that wait were counted, and not only the first ``COUNTED`` of some webhook, or
    the first ``LANES`` webhooks."""
    oldest_due: timedelta | None
    """How long the oldest of the due ones has been due; None without any."""


async def backlog_of(tx: Transaction, account_id: AccountId | None) -> Backlog:
    """Count pending deliveries, of all accounts if None.

    The cost follows an account's webhooks. Of all accounts it follows those that something waits
    for, of which ``LANES`` are looked at.
    """
    pending = (IS_PENDING, deliveries.c.webhook_id == webhooks.c.id)
    is_due = deliveries.c.next_attempt_at <= tx.now
    is_open = sa.and_(webhooks.c.active, ~webhooks.c.is_consumed, webhooks.c.paused_until.is_(None))
    earliest = sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(*pending)
    each = (
        sa.select(
            count_of(*pending).label("waiting"),
            sa.case((is_open, count_of(*pending, is_due)), else_=0).label("due"),
            sa.case((is_open, earliest.scalar_subquery())).label("earliest"),
        )
        .select_from(webhooks if account_id is not None else webhooks_in_lanes())
        .where(*of_account(account_id))
        .subquery("each")
    )
    age = sa.type_coerce(tx.now, sa.BigInteger) - sa.type_coerce(
        sa.func.min(each.c.earliest), sa.BigInteger
    )
    row = (
        await tx.execute(
            sa.select(
                sa.cast(sa.func.coalesce(sa.func.sum(each.c.waiting), 0), sa.BigInteger).label(
                    "waiting"
                ),
                sa.cast(sa.func.coalesce(sa.func.sum(each.c.due), 0), sa.BigInteger).label("due"),
                sa.func.coalesce(sa.func.max(each.c.waiting), 0).label("most"),
                sa.func.count().label("webhooks"),
                sa.type_coerce(age, Duration).label("age"),
            )
        )
    ).one()
    return Backlog(
        waiting=row.waiting,
        due=row.due,
        is_whole=row.most < COUNTED and (account_id is not None or row.webhooks < LANES),
        oldest_due=row.age if row.due else None,
    )


async def oldest_waiting(tx: Transaction, account_id: AccountId) -> timedelta | None:
    """How old the oldest pending delivery of an account is; None if none is to be sent.

    Of each webhook, the ``COUNTED`` that are due first are looked at.
    """
    some = (
        sa.select(deliveries.c.id)
        .where(IS_PENDING, deliveries.c.webhook_id == webhooks.c.id)
        .order_by(deliveries.c.next_attempt_at)
        .limit(sa.literal_column(str(COUNTED)))
        .correlate(webhooks)
        .subquery("some")
    )
    # Ids sort by time.
    first_of_each = sa.select(sa.func.min(some.c.id)).scalar_subquery()
    first = (
        sa.select(sa.func.min(first_of_each))
        .select_from(webhooks)
        .where(*of_account(account_id), ~webhooks.c.is_consumed)
        .scalar_subquery()
    )
    age = sa.type_coerce(tx.now, sa.BigInteger) - sa.type_coerce(
        deliveries.c.created_at, sa.BigInteger
    )
    query = sa.select(sa.type_coerce(age, Duration)).where(deliveries.c.id == first)
    found: timedelta | None = (await tx.execute(query)).scalar_one_or_none()
    return found


def webhooks_in_lanes() -> sa.FromClause:
    """The first webhooks that something waits for."""
    lane = first_lanes(LANES)
    return lane.join(webhooks, is_of_lane(lane))


def count_of(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Query that counts deliveries, up to ``COUNTED``."""
    some = (
        sa.select(deliveries.c.id)
        .where(*conditions)
        .limit(sa.literal_column(str(COUNTED)))
        .correlate(webhooks)
        .subquery("some")
    )
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


async def count_sending(tx: Transaction, account_id: AccountId | None) -> int:
    """Count claimed deliveries, of an account or of all."""
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries)
        # All of them have a lease. Without a word of it SQLite passes over its index.
        .where(IS_SENDING, deliveries.c.claimed_until >= EPOCH)
    )
    if account_id is not None:
        query = query.where(deliveries.c.account_id == account_id)
    counted: int = (await tx.execute(query)).scalar_one()
    return counted


async def count_paused(tx: Transaction, account_id: AccountId | None) -> int:
    """Count active webhooks whose endpoint is paused, of an account or of all."""
    query = (
        sa.select(sa.func.count())
        .select_from(webhooks)
        .where(webhooks.c.active, webhooks.c.paused_until.is_not(None), *of_account(account_id))
    )
    counted: int = (await tx.execute(query)).scalar_one()
    return counted


async def database_size(tx: Transaction) -> int:
    """Size of the database in bytes."""
    size: int = (await tx.execute(tx.database.size())).scalar_one()
    return size


def of_account(account_id: AccountId | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on webhooks: an account's, or all of them."""
    return () if account_id is None else (webhooks.c.account_id == account_id,)
