"""Which deliveries may be sent now, and in which order."""

from typing import Any

import sqlalchemy as sa

from runhook.storage.engine.tables import IS_PENDING, deliveries

LANE = (sa.column("webhook_id", sa.Text), sa.column("places", sa.Integer))
"""A webhook to claim deliveries of, and how many."""


def claimable_of(
    webhook_id: sa.ColumnElement[str], now: sa.ColumnElement[Any]
) -> sa.Select[tuple[str]]:
    """Ids of a webhook's due deliveries that wait for no earlier one, the oldest first.

    Of one run's events, a later one waits until the earlier ones have had their first attempt. What
    tells how a job does may wait for what told it before.
    """
    earlier = deliveries.alias("earlier")
    awaited = earlier_of_run(earlier, is_unattempted(earlier))
    before = deliveries.alias("before")
    followed = (
        sa.select(before.c.id)
        .where(
            before.c.id == deliveries.c.waits_for,
            sa.or_(
                before.c.state == sa.literal_column("'sending'"),
                sa.and_(
                    before.c.state == sa.literal_column("'pending'"),
                    before.c.attempt_count == 0,
                    ~before.c.is_held,
                ),
            ),
        )
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    return (
        sa.select(deliveries.c.id)
        .where(
            IS_PENDING,
            deliveries.c.webhook_id == webhook_id,
            deliveries.c.next_attempt_at <= now,
            awaited.is_(None),
            sa.or_(deliveries.c.waits_for.is_(None), followed.is_(None)),
        )
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
    )


def earlier_of_run(
    earlier: sa.FromClause, *conditions: sa.ColumnElement[bool]
) -> sa.ScalarSelect[str]:
    """Id of a delivery that tells the same webhook of an earlier event of the run; None if none.

    Args:
        earlier: the deliveries to look among.
        conditions: what else it must be.
    """
    # Not EXISTS, which PostgreSQL may turn into a join that reads the whole table: this one is
    # looked up for each row that is taken.
    return (
        sa.select(earlier.c.id)
        .where(
            earlier.c.run_id == deliveries.c.run_id,
            earlier.c.webhook_id == deliveries.c.webhook_id,
            earlier.c.event_sequence < deliveries.c.event_sequence,
            *conditions,
        )
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )


def is_unattempted(delivery: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a delivery is to have its first attempt still."""
    return sa.and_(
        delivery.c.attempt_count == 0,
        delivery.c.state.in_([sa.literal_column("'pending'"), sa.literal_column("'sending'")]),
    )
