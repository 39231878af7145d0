"""How much is to be sent: counted where only that is, so that history costs nothing."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from runhook.domain.runs import AccountId
from runhook.storage.columns import EPOCH, Duration
from runhook.storage.store import Transaction
from runhook.storage.tables import IS_PENDING, IS_SENDING, deliveries, webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What an account's deliveries wait for."""

    waiting: int
    """Deliveries that are to be sent, now or later."""
    due: int
    """Those of them that are to be sent now."""
    oldest_due: timedelta | None
    """How long the first of those has been due; None if there is none."""


async def backlog_of(tx: Transaction, account_id: AccountId) -> Backlog:
    """Count what is to be sent; the cost follows that, and the number of webhooks."""
    pending = (IS_PENDING, deliveries.c.webhook_id == webhooks.c.id)
    is_due = deliveries.c.next_attempt_at <= tx.now
    each = (
        sa.select(
            count_of(*pending).label("waiting"),
            count_of(*pending, is_due).label("due"),
            sa.select(sa.func.min(deliveries.c.next_attempt_at))
            .where(*pending)
            .scalar_subquery()
            .label("earliest"),
        )
        .where(webhooks.c.account_id == account_id)
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
                sa.type_coerce(age, Duration).label("age"),
            )
        )
    ).one()
    return Backlog(waiting=row.waiting, due=row.due, oldest_due=row.age if row.due else None)


def count_of(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Return the query of how many deliveries are so."""
    return sa.select(sa.func.count()).select_from(deliveries).where(*conditions).scalar_subquery()


async def count_sending(tx: Transaction, account_id: AccountId) -> int:
    """Return how many of an account's deliveries workers hold."""
    counted: int = (
        await tx.execute(
            sa.select(sa.func.count())
            .select_from(deliveries)
            .where(
                IS_SENDING,
                # All of them have a lease. Without a word of it SQLite passes over its index.
                deliveries.c.claimed_until >= EPOCH,
                deliveries.c.account_id == account_id,
            )
        )
    ).scalar_one()
    return counted
