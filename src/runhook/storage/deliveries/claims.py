"""Claims of deliveries: taken, held, and let go of.

A claim is a lease with a number. A worker that records, renews or gives back names it, and must
hold it still; a lease that is over is returned to the queue, and claimed anew under another number.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import (
    LONGEST_LEASE,
    Attempt,
    AttemptTrigger,
    Claim,
    Delivery,
    DeliveryState,
    Lease,
    move_delivery,
)
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.run import RunId
from runhook.storage.deliveries.rows import rendered_of
from runhook.storage.engine.batches import Batch, GivenRows
from runhook.storage.engine.claimable import LANE, is_unattempted
from runhook.storage.engine.columns import Duration
from runhook.storage.engine.store import Clock, Database, Transaction, after
from runhook.storage.engine.tables import (
    IS_SENDING,
    IS_STILL_SENDING,
    attempts,
    deliveries,
)

FIND_UNATTEMPTED = sa.select(deliveries.c.run_id, deliveries.c.webhook_id).where(
    deliveries.c.run_id.in_(sa.bindparam("run_ids", expanding=True)), is_unattempted(deliveries)
)
CLAIMS_OF = sa.select(deliveries.c.id, deliveries.c.claim_number).where(
    IS_SENDING, deliveries.c.claimed_by == sa.bindparam("owner"), ~deliveries.c.is_test
)
CLAIMED = (
    deliveries.c.id,
    deliveries.c.claim_number,
    deliveries.c.account_id,
    deliveries.c.webhook_id,
    deliveries.c.run_id,
    deliveries.c.event_type,
    deliveries.c.body,
    deliveries.c.envelope,
    deliveries.c.attempt_count,
    deliveries.c.attempts_before,
    deliveries.c.next_trigger,
)
"""What a worker gets of a delivery."""
SCHEDULED: sa.ColumnElement[AttemptTrigger] = sa.literal_column(f"'{AttemptTrigger.SCHEDULED}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """How an attempt leaves its delivery: a state, and the pause before the next attempt if any."""

    claim: Claim
    attempt: Attempt
    state: DeliveryState
    delay: timedelta | None = None


async def find_unattempted(
    tx: Transaction, run_ids: Collection[RunId]
) -> set[tuple[RunId, WebhookId]]:
    """Find which webhooks are to be told of earlier events of these runs still."""
    rows = await tx.execute(FIND_UNATTEMPTED, {"run_ids": sorted(run_ids)})
    return {(row.run_id, row.webhook_id) for row in rows}


async def claim_due(
    tx: Transaction, lanes: Mapping[WebhookId, int], lease: Lease
) -> Sequence[Delivery]:
    """Claim what is due, up to so many deliveries for each webhook of ``lanes``.

    Returns:
        the claimed deliveries in the order they are to be sent.
    """
    claiming = claiming_batch(tx.database, tx.now)
    places = [{"webhook_id": one, "places": count} for one, count in lanes.items()]
    rows: Iterable[Sequence[Any]] = await tx.execute(
        claiming.statement,
        {**claiming.given.parameters(places), "owner": lease.owner, "lease": lease.duration},
    )
    claimed = [
        Delivery(
            id=id_,
            claim_number=claim_number,
            account_id=account_id,
            webhook_id=webhook_id,
            run_id=run_id,
            event_type=event_type,
            rendered=rendered_of(body, envelope),
            attempt_count=attempt_count,
            attempts_before=attempts_before,
            next_trigger=next_trigger,
        )
        for (
            id_,
            claim_number,
            account_id,
            webhook_id,
            run_id,
            event_type,
            body,
            envelope,
            attempt_count,
            attempts_before,
            next_trigger,
        ) in rows
    ]
    # They come in no order of their own.
    return sorted(claimed, key=lambda one: one.id)


@lru_cache
def claiming_batch(database: Database, now: Clock) -> Batch:
    """Batch of ``claim_due``, for lanes."""
    lanes = database.rows_given("lanes", LANE)
    claimable = database.claimable_ids(lanes.table, now).cte("claimable")
    claiming = (
        sa.update(deliveries)
        .where(deliveries.c.id.in_(sa.select(claimable.c.id)))
        .values(
            state=move_delivery(DeliveryState.PENDING, DeliveryState.SENDING),
            claim_number=deliveries.c.claim_number + sa.literal_column("1"),
            claimed_by=sa.bindparam("owner"),
            claimed_until=after(now, sa.bindparam("lease", type_=Duration)),
        )
        .returning(*CLAIMED)
    )
    return Batch(claiming, lanes)


async def hold_claims(tx: Transaction, claims: Collection[Claim]) -> set[Claim]:
    """Find which of these claims are still held, and keep them until the transaction ends."""
    rows: Iterable[Sequence[Any]] = await tx.execute(
        holding_claims(tx.database), parameters_of(tx.database, claims)
    )
    return {Claim(id_, number) for id_, number in rows}


@lru_cache
def holding_claims(database: Database) -> sa.Select[tuple[DeliveryId, int]]:
    """Query of ``hold_claims``."""
    return (
        sa.select(deliveries.c.id, deliveries.c.claim_number)
        .where(is_held(database))
        .order_by(deliveries.c.id)
        .with_for_update()
    )


@lru_cache
def given_claims(database: Database) -> GivenRows:
    """Claims that a statement gets as parameters."""
    return database.rows_given(
        "claims", (sa.column("delivery_id", sa.Text), sa.column("number", sa.Integer))
    )


@lru_cache
def is_held(database: Database) -> sa.ColumnElement[bool]:
    """Condition that a delivery's claim is among the given ones, and held."""
    claims = given_claims(database).table
    is_given = sa.tuple_(deliveries.c.id, deliveries.c.claim_number).in_(
        sa.select(claims.c.delivery_id, claims.c.number)
    )
    return sa.and_(is_given, IS_STILL_SENDING)


@lru_cache
def are_held(database: Database) -> sa.ColumnElement[bool]:
    """Condition for deliveries whose claims are among the given ones and held; locks them."""
    return database.locked(deliveries, is_held(database), for_deletion=False)


def parameters_of(database: Database, claims: Collection[Claim]) -> dict[str, Any]:
    """What a statement with ``is_held`` gets for claims."""
    rows = [{"delivery_id": one.delivery_id, "number": one.number} for one in claims]
    return given_claims(database).parameters(rows)


async def end_attempts(tx: Transaction, endings: Sequence[AttemptEnd]) -> set[Claim]:
    """Write attempts and what they leave their deliveries in; return the claims that were held.

    Of a claim that is lost nothing is written.
    """
    rows: Iterable[Sequence[Any]] = await tx.execute_many(
        ending_attempts(tx.database, tx.now),
        [
            {
                "delivery_id": ending.claim.delivery_id,
                "claim": ending.claim.number,
                "new_state": move_delivery(DeliveryState.SENDING, ending.state),
                "number": ending.attempt.number,
                "code": ending.attempt.outcome.status_code,
                "why": ending.attempt.outcome.failure,
                "delay": ending.delay,
            }
            for ending in endings
        ],
    )
    held = {Claim(id_, number) for id_, number in rows}
    await insert_attempts(tx, [one.attempt for one in endings if one.claim in held])
    return held


@lru_cache
def ending_attempts(database: Database, now: Clock) -> Batch:
    """Batch that writes the states after attempts."""
    given = database.rows_given(
        "ending",
        (
            sa.column("delivery_id", deliveries.c.id.type),
            sa.column("claim", sa.Integer),
            sa.column("new_state", deliveries.c.state.type),
            sa.column("number", sa.Integer),
            sa.column("code", sa.Integer),
            sa.column("why", deliveries.c.failure.type),
            sa.column("delay", Duration),
        ),
    )
    ending = given.table
    # A claim that was lost can be among them beside the later one of the same delivery.
    is_ended = sa.and_(
        deliveries.c.id == ending.c.delivery_id, deliveries.c.claim_number == ending.c.claim
    )
    statement = (
        sa.update(deliveries)
        .where(
            is_ended,
            database.locked(deliveries, is_ended, IS_STILL_SENDING, for_deletion=False),
        )
        .values(
            state=ending.c.new_state,
            claimed_by=sa.null(),
            claimed_until=sa.null(),
            attempt_count=ending.c.number,
            http_status_code=ending.c.code,
            failure=ending.c.why,
            next_attempt_at=after(now, ending.c.delay),
            next_trigger=SCHEDULED,
            updated_at=now,
        )
        .returning(deliveries.c.id, deliveries.c.claim_number)
    )
    return Batch(statement, given)


async def insert_attempts(tx: Transaction, made: Sequence[Attempt]) -> None:
    """Add attempts of deliveries whose claims were held."""
    if not made:
        return
    await tx.insert_many(
        attempts,
        [
            {
                "delivery_id": attempt.delivery_id,
                "number": attempt.number,
                "trigger": attempt.trigger,
                "sent_at": attempt.sent_at,
                "duration": attempt.outcome.duration,
                "phases": attempt.outcome.phases,
                "http_status_code": attempt.outcome.status_code,
                "failure": attempt.outcome.failure,
                "error": attempt.outcome.error,
                "note": attempt.outcome.note,
                "request_headers": attempt.request_headers,
                "response_headers": dict(attempt.outcome.response_headers),
                "response_body": attempt.outcome.response_body,
            }
            for attempt in made
        ],
    )


async def claims_of(tx: Transaction, owner: str) -> set[Claim]:
    """Claims that a worker holds, but for those of tests, which no queue has."""
    rows = await tx.execute(CLAIMS_OF, {"owner": owner})
    return {Claim(row.id, row.claim_number) for row in rows}


async def renew_claims(
    tx: Transaction, claims: Collection[Claim], duration: timedelta
) -> set[Claim]:
    """Make claims last so long from now; return which of them are held.

    One that is over and was not returned to the queue is still held.
    """
    rows = await tx.execute(
        renewing_claims(tx.database, tx.now),
        {**parameters_of(tx.database, claims), "duration": duration},
    )
    return {Claim(row.id, row.claim_number) for row in rows}


@lru_cache
def renewing_claims(database: Database, now: Clock) -> sa.Update:
    """Statement of ``renew_claims``."""
    return (
        sa.update(deliveries)
        .where(are_held(database))
        .values(claimed_until=after(now, sa.bindparam("duration", type_=Duration)))
        .returning(deliveries.c.id, deliveries.c.claim_number)
    )


async def release_claims(tx: Transaction, claims: Collection[Claim]) -> int:
    """Give back deliveries that were claimed and not sent, as far as the claims are held."""
    return await take_back(tx, are_held(tx.database), parameters=parameters_of(tx.database, claims))


async def postpone_claims(tx: Transaction, claims: Collection[Claim], delay: timedelta) -> None:
    """Give back deliveries that could not be sent, as far as the claims are held.

    They are due again after ``delay``, with as many attempts as before.
    """
    await take_back(
        tx,
        are_held(tx.database),
        parameters={**parameters_of(tx.database, claims), "delay": delay},
        due=delayed(tx.now),
    )


@lru_cache
def delayed(now: Clock) -> Clock:
    """The moment ``delay`` from now, as an expression with that parameter."""
    return after(now, sa.bindparam("delay", type_=Duration))


async def return_abandoned(tx: Transaction) -> int:
    """Requeue what workers hold whose lease is over; a test has failed.

    If the clock was put back, leases of the dead would last as much longer.
    """
    await tx.execute(shortening_leases(tx.database, tx.now))
    return await take_back(tx, are_abandoned(tx.database, tx.now))


@lru_cache
def shortening_leases(database: Database, now: Clock) -> sa.Update:
    """Statement that makes no lease longer than the longest there is."""
    latest = after(now, sa.literal(LONGEST_LEASE, Duration))
    too_long = database.locked(
        deliveries, IS_SENDING, deliveries.c.claimed_until > latest, for_deletion=False
    )
    return sa.update(deliveries).where(too_long).values(claimed_until=latest)


@lru_cache
def are_abandoned(database: Database, now: Clock) -> sa.ColumnElement[bool]:
    """Condition for deliveries whose lease is over, which locks them."""
    return database.locked(
        deliveries, IS_SENDING, deliveries.c.claimed_until <= now, for_deletion=False
    )


async def return_all_claimed(tx: Transaction) -> int:
    """Requeue all claimed deliveries, as no worker is alive; tests have failed."""
    return await take_back(tx, are_claimed(tx.database))


@lru_cache
def are_claimed(database: Database) -> sa.ColumnElement[bool]:
    """Condition for all claimed deliveries, which locks them."""
    return database.locked(deliveries, IS_SENDING, for_deletion=False)


async def take_back(
    tx: Transaction,
    locked: sa.ColumnElement[bool],
    *,
    parameters: Mapping[str, Any] | None = None,
    due: sa.ColumnElement[datetime] | None = None,
) -> int:
    """Take deliveries that are claimed from their workers; say how many there were.

    What they were due at stays, and so does their place in the queue, unless another time is given.
    A test has none: its user does not wait for it any more.

    Args:
        tx: where they are taken.
        locked: condition for claimed ones, which locks them.
        parameters: of the condition and of ``due``.
        due: when they are due, if not as before.
    """
    taken = await tx.execute(taking_back(locked, due), dict(parameters or {}))
    if taken.rowcount:
        tx.makes_due = True
    return taken.rowcount


@lru_cache
def taking_back(
    locked: sa.ColumnElement[bool], due: sa.ColumnElement[datetime] | None
) -> sa.Update:
    """Statement of ``take_back``."""
    state = sa.case(
        (deliveries.c.is_test, move_delivery(DeliveryState.SENDING, DeliveryState.FAILED)),
        else_=move_delivery(DeliveryState.SENDING, DeliveryState.PENDING),
    )
    return (
        sa.update(deliveries)
        .where(locked)
        .values(
            state=state,
            claimed_by=sa.null(),
            claimed_until=sa.null(),
            next_attempt_at=deliveries.c.next_attempt_at if due is None else due,
        )
    )
