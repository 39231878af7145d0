"""Deliveries as a queue: who has something waiting, claiming it, and letting go of it.

A claim is a lease with an owner. Whoever records must still hold it; a lease that is over is
returned to the queue for another worker.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import sqlalchemy as sa

from runhook.domain.deliveries import Attempt, Delivery, DeliveryId, DeliveryState, Lease
from runhook.domain.webhooks import WebhookId
from runhook.storage.columns import Duration
from runhook.storage.store import Clock, Transaction, after
from runhook.storage.tables import IS_PENDING, IS_SENDING, attempts, deliveries, webhooks

INSERT_ATTEMPTS = sa.insert(attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt leaves its delivery: a state, and the pause before the next attempt if any."""

    attempt: Attempt
    state: DeliveryState
    delay: timedelta | None = None


async def waiting_webhooks(tx: Transaction) -> dict[WebhookId, timedelta]:
    """Return the active webhooks that have something pending, and how long until it is due.

    The pause is zero or less where something is due. The cost follows the number of such webhooks,
    not of their deliveries: the index is entered once for each.
    """
    rows = await tx.execute(waiting_webhooks_statement(tx.now))
    return {row.webhook_id: row.pause for row in rows}


# Building these statements costs more than running them, so each is built once for its store.
@lru_cache
def waiting_webhooks_statement(now: Clock) -> sa.Select[tuple[str, timedelta]]:
    """Return the query of ``waiting_webhooks``."""
    lane = lanes()
    earliest = (
        sa.select(sa.func.min(deliveries.c.next_attempt_at))
        .where(IS_PENDING, deliveries.c.webhook_id == lane.c.webhook_id)
        .scalar_subquery()
    )
    pause = sa.type_coerce(earliest, sa.BigInteger) - sa.type_coerce(now, sa.BigInteger)
    return sa.select(lane.c.webhook_id, sa.type_coerce(pause, Duration).label("pause")).join(
        webhooks, sa.and_(webhooks.c.id == lane.c.webhook_id, webhooks.c.active)
    )


async def stranded_webhooks(tx: Transaction) -> Collection[WebhookId]:
    """Return the webhooks that are not active and have something pending all the same."""
    lane = lanes()
    rows = await tx.execute(
        sa.select(lane.c.webhook_id).join(
            webhooks, sa.and_(webhooks.c.id == lane.c.webhook_id, ~webhooks.c.active)
        )
    )
    return rows.scalars().all()


def lanes() -> sa.CTE:
    """Return the ids of the webhooks that have something pending, and a NULL after the last."""
    first = sa.select(sa.func.min(deliveries.c.webhook_id)).where(IS_PENDING).scalar_subquery()
    lane = sa.select(first.label("webhook_id")).cte("lane", recursive=True)
    following = (
        sa.select(sa.func.min(deliveries.c.webhook_id))
        .where(IS_PENDING, deliveries.c.webhook_id > lane.c.webhook_id)
        .scalar_subquery()
    )
    return lane.union_all(sa.select(following).where(lane.c.webhook_id.is_not(None)))


async def claim_due(
    tx: Transaction, lanes: Mapping[WebhookId, int], lease: Lease
) -> Sequence[Delivery]:
    """Claim what is due, up to so many deliveries for each webhook of ``lanes``.

    Returns:
        the claimed deliveries in the order they are to be sent.
    """
    rows = await tx.execute(
        claim_due_statement(tx.database.claimable_ids, tx.now),
        {"lanes": {**lanes}, "owner": lease.owner, "duration": lease.duration},
    )
    # RETURNING has no order of its own.
    return [
        Delivery(
            id=row.id,
            account_id=row.account_id,
            webhook_id=row.webhook_id,
            run_id=row.run_id,
            event_type=row.event_type,
            body=row.body,
            attempt_count=row.attempt_count,
            attempts_before=row.attempts_before,
        )
        for row in sorted(rows, key=lambda row: row.id)
    ]


@lru_cache
def claim_due_statement(
    claimable_ids: Callable[[Clock], sa.Select[tuple[str]]], now: Clock
) -> sa.UpdateBase:
    """Return the statement of ``claim_due``."""
    claimable = claimable_ids(now).cte("claimable")
    return (
        sa.update(deliveries)
        .where(deliveries.c.id.in_(sa.select(claimable.c.id)))
        .values(
            state=DeliveryState.SENDING,
            claimed_by=sa.bindparam("owner"),
            claimed_until=after(now, sa.bindparam("duration", type_=Duration)),
        )
        .returning(
            deliveries.c.id,
            deliveries.c.account_id,
            deliveries.c.webhook_id,
            deliveries.c.run_id,
            deliveries.c.event_type,
            deliveries.c.body,
            deliveries.c.attempt_count,
            deliveries.c.attempts_before,
        )
    )


async def hold_claims(
    tx: Transaction, delivery_ids: Collection[DeliveryId], owner: str
) -> set[DeliveryId]:
    """Return which of these deliveries ``owner`` still holds, and keep them held to the end."""
    rows = await tx.execute(
        sa.select(deliveries.c.id)
        .where(
            deliveries.c.id.in_(list(delivery_ids)), IS_SENDING, deliveries.c.claimed_by == owner
        )
        .order_by(deliveries.c.id)
        .with_for_update()
    )
    return set(rows.scalars())


async def end_attempts(tx: Transaction, endings: Sequence[Ending]) -> None:
    """Write attempts and what they leave their deliveries in; the claims must be held.

    A delivery that is to be retried is canceled instead if its webhook was deactivated meanwhile.
    """
    await tx.execute_many(
        INSERT_ATTEMPTS,
        [
            {
                "delivery_id": ending.attempt.delivery_id,
                "number": ending.attempt.number,
                "sent_at": ending.attempt.sent_at,
                "duration": ending.attempt.outcome.duration,
                "http_status_code": ending.attempt.outcome.status_code,
                "failure": ending.attempt.outcome.failure,
                "error": ending.attempt.outcome.error,
                "request_headers": ending.attempt.request_headers,
                "response_headers": dict(ending.attempt.outcome.response_headers),
                "response_body": ending.attempt.outcome.response_body,
            }
            for ending in endings
        ],
    )
    await tx.execute_many(
        end_attempts_statement(tx.now),
        [
            {
                "delivery_id": ending.attempt.delivery_id,
                "new_state": ending.state,
                "number": ending.attempt.number,
                "code": ending.attempt.outcome.status_code,
                "why": ending.attempt.outcome.failure,
                "delay": ending.delay,
            }
            for ending in endings
        ],
    )


@lru_cache
def end_attempts_statement(now: Clock) -> sa.Update:
    """Return the statement that writes what an attempt leaves its delivery in."""
    return (
        sa.update(deliveries)
        .where(deliveries.c.id == sa.bindparam("delivery_id"))
        .values(
            state=sa.bindparam("new_state"),
            claimed_by=None,
            claimed_until=None,
            attempt_count=sa.bindparam("number"),
            http_status_code=sa.bindparam("code"),
            failure=sa.bindparam("why"),
            next_attempt_at=after(now, sa.bindparam("delay", type_=Duration)),
            updated_at=now,
        )
    )


async def release_claims(tx: Transaction, delivery_ids: Collection[DeliveryId], owner: str) -> None:
    """Give back deliveries that ``owner`` claimed and has not sent."""
    await tx.execute(
        back_to_pending().where(
            deliveries.c.id.in_(list(delivery_ids)), deliveries.c.claimed_by == owner
        )
    )


async def return_abandoned(tx: Transaction) -> int:
    """Return to the queue what is claimed by workers whose lease is over; a test has failed."""
    over = deliveries.c.claimed_until <= tx.now
    return (await tx.execute(back_to_pending().where(over))).rowcount


async def return_all_claimed(tx: Transaction) -> int:
    """Return to the queue all that is claimed, where no worker can be alive; tests have failed."""
    return (await tx.execute(back_to_pending())).rowcount


def back_to_pending() -> sa.Update:
    """Return the statement that takes deliveries from their workers, to be narrowed.

    What they were due at stays, and so does their place in the queue. A test has none: nobody waits
    for it any more.
    """
    state = sa.case((deliveries.c.is_test, DeliveryState.FAILED), else_=DeliveryState.PENDING)
    return (
        sa.update(deliveries)
        .where(IS_SENDING)
        .values(state=state, claimed_by=None, claimed_until=None)
    )
