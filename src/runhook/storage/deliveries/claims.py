"""Deliveries as a queue: who has something waiting, claiming it, and letting go of it.

A claim is a lease with a number. A worker that records, renews or gives back names it, and must
hold it still; a lease that is over is returned to the queue, and claimed anew under another number.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

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
from runhook.domain.formats import FORMATS
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.options.rate_limits import CREDIT, RateLimit
from runhook.domain.runs.run import AccountId, RunId
from runhook.storage.deliveries.rows import rendered_of
from runhook.storage.engine.batches import Batch, GivenRows, RowsGiven
from runhook.storage.engine.claimable import LANE, is_unattempted
from runhook.storage.engine.columns import EPOCH, Duration, UtcDateTime
from runhook.storage.engine.store import Clock, Transaction, after
from runhook.storage.engine.tables import (
    IS_PENDING,
    IS_SENDING,
    IS_STILL_SENDING,
    attempts,
    deliveries,
    mail_pause,
    webhooks,
)

Value = TypeVar("Value")

FIND_UNATTEMPTED = sa.select(deliveries.c.run_id, deliveries.c.webhook_id).where(
    deliveries.c.run_id.in_(sa.bindparam("run_ids", expanding=True)), is_unattempted(deliveries)
)
CLAIMS_OF = sa.select(deliveries.c.id, deliveries.c.claim_number).where(
    IS_SENDING, deliveries.c.claimed_by == sa.bindparam("owner"), ~deliveries.c.is_test
)
MAILING = [name for name, one in FORMATS.items() if one.is_relayed]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An active webhook with something pending."""

    account_id: AccountId
    pause: timedelta
    """How long until something can be sent; zero or less for now. Due deliveries wait for the end
    of its endpoint's pause, too, and for its turn under a rate limit."""
    is_paused: bool = False
    rate_limit: RateLimit | None = None
    due_at: datetime = EPOCH
    """Since when, or from when on, something waits for nothing but that."""
    sends_mail: bool = False
    """Whether the operator's mail server, which may be paused, is on the way."""
    waits_for_mail: bool = False
    """Whether it is paused."""

    @property
    def is_gated(self) -> bool:
        """Whether ``pass_gates`` has to be asked before something is claimed."""
        return self.is_paused or self.rate_limit is not None

    def cost_of(self, places: int) -> timedelta:
        """How long claiming so many deliveries closes the rate limit's gate."""
        return timedelta() if self.rate_limit is None else self.rate_limit.pause_after(places)


async def waiting_webhooks(tx: Transaction) -> dict[WebhookId, Waiting]:
    """Active webhooks with pending deliveries to send, and how long until they can be sent.

    The cost follows the number of such webhooks, not of their deliveries: the index is entered once
    for each.
    """
    rows = await tx.execute(waiting_webhooks_statement(tx.now))
    return {
        row.id: Waiting(
            account_id=row.account_id,
            pause=max(
                moment
                for moment in (
                    row.due_at,
                    row.paused_until,
                    row.next_request_at,
                    row.mail_paused_until,
                )
                if moment is not None
            )
            - row.now,
            is_paused=row.paused_until is not None,
            rate_limit=row.rate_limit and RateLimit.parse(row.rate_limit),
            due_at=row.due_at,
            sends_mail=row.sends_mail,
            waits_for_mail=row.mail_paused_until is not None,
        )
        for row in rows
    }


# Building these statements costs more than running them, so each is built once for its store.
@lru_cache
def waiting_webhooks_statement(now: Clock) -> sa.Select[tuple[Any, ...]]:
    """Query of ``waiting_webhooks``."""
    lane = lanes()
    earliest = (
        sa.select(sa.func.min(deliveries.c.next_attempt_at))
        .where(IS_PENDING, deliveries.c.webhook_id == lane.c.webhook_id)
        .scalar_subquery()
    )
    sends_mail = webhooks.c.format.in_([sa.literal_column(f"'{name}'") for name in MAILING])
    return (
        sa.select(
            webhooks.c.id,
            webhooks.c.account_id,
            earliest.label("due_at"),
            webhooks.c.paused_until,
            webhooks.c.rate_limit,
            webhooks.c.next_request_at,
            sends_mail.label("sends_mail"),
            sa.case((sends_mail, sa.select(mail_pause.c.paused_until).scalar_subquery())).label(
                "mail_paused_until"
            ),
            now.label("now"),
        )
        .select_from(lane)
        .join(webhooks, sa.and_(is_of_lane(lane), webhooks.c.active, ~webhooks.c.is_consumed))
    )


async def stranded_webhooks(tx: Transaction) -> Collection[WebhookId]:
    """Inactive webhooks that still have pending deliveries."""
    lane = lanes()
    rows = await tx.execute(
        sa.select(lane.c.webhook_id).join(webhooks, sa.and_(is_of_lane(lane), ~webhooks.c.active))
    )
    return rows.scalars().all()


async def is_queue_readable(tx: Transaction) -> bool:
    """Look into the queue as a claim does, at no more than its first delivery."""
    return (await tx.execute(sa.select(first_pending()))).one_or_none() is not None


def lanes() -> sa.CTE:
    """Ids of the webhooks with pending deliveries, and a NULL after the last."""
    lane = sa.select(first_pending().label("webhook_id")).cte("lane", recursive=True)
    following = first_pending(deliveries.c.webhook_id > lane.c.webhook_id)
    return lane.union_all(sa.select(following).where(lane.c.webhook_id.is_not(None)))


def first_lanes(most: int) -> sa.CTE:
    """Ids of the first webhooks with pending deliveries, numbered from 1, up to ``most``."""
    lane = sa.select(
        first_pending().label("webhook_id"), sa.literal_column("1").label("number")
    ).cte("lane", recursive=True)
    following = first_pending(deliveries.c.webhook_id > lane.c.webhook_id)
    return lane.union_all(
        sa.select(following, lane.c.number + sa.literal_column("1")).where(
            lane.c.webhook_id.is_not(None), lane.c.number < sa.literal_column(str(most))
        )
    )


def is_of_lane(lane: sa.CTE) -> sa.ColumnElement[bool]:
    """Condition that joins webhooks to lanes, so that each is looked up by its id.

    For a plain comparison SQLite, from some version between 3.40 and 3.54 on, makes an index of the
    lanes and walks through all webhooks.
    """
    return webhooks.c.id == sa.func.coalesce(lane.c.webhook_id, sa.literal_column("''"))


def first_pending(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[str]:
    """Id of the first webhook with pending deliveries, as an expression.

    Not a minimum but an order that the index of pending deliveries alone has: SQLite would find
    a minimum of webhooks in an index of all deliveries as well, and walk through their history.
    """
    return (
        sa.select(deliveries.c.webhook_id)
        .where(IS_PENDING, *conditions)
        .order_by(deliveries.c.webhook_id, deliveries.c.next_attempt_at)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's request to pass a webhook's gate."""

    cost: timedelta
    """How long the gate of a rate limit is closed for it."""
    due_at: datetime
    """Since when there is something to send: what is late is made up for, but idle time is not."""


async def pass_gates(
    tx: Transaction, turns: Mapping[WebhookId, Turn], lease: Lease
) -> dict[WebhookId, datetime | None]:
    """Take the turn at paused and rate-limited webhooks.

    Of all workers one gets it. It closes the gate of a pause for as long as the lease lasts, and
    that of a rate limit for as long as the turn costs, from when it could have been: at the end of
    the one before, with something due, but no earlier than ``CREDIT`` ago. A gate that another
    worker is just passing is left to it, never waited for.

    Returns:
        the webhooks whose turn we got: for a probe with the moment until which no other worker
        probes the endpoint, else with None.
    """
    open_gates = (
        sa.select(webhooks.c.id)
        .where(
            webhooks.c.id.in_(list(turns)),
            webhooks.c.active,
            sa.or_(webhooks.c.paused_until.is_(None), webhooks.c.paused_until <= tx.now),
            sa.or_(webhooks.c.next_request_at.is_(None), webhooks.c.next_request_at <= tx.now),
        )
        .order_by(webhooks.c.id)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("open_gate")
    )
    until = after(tx.now, sa.literal(lease.duration, Duration))
    due_at = {webhook_id: turn.due_at for webhook_id, turn in turns.items()}
    costs = {webhook_id: turn.cost for webhook_id, turn in turns.items()}
    earliest = after(tx.now, sa.literal(-CREDIT, Duration))
    waited_since = later_of(earliest, for_each(due_at, UtcDateTime))
    turn = later_of(waited_since, webhooks.c.next_request_at)
    rows = await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.id.in_(sa.select(open_gates.c.id)))
        .values(
            paused_until=sa.case((webhooks.c.paused_until.is_not(None), until)),
            next_request_at=sa.case(
                (webhooks.c.rate_limit.is_not(None), after(turn, for_each(costs, Duration)))
            ),
        )
        .returning(webhooks.c.id, webhooks.c.paused_until)
    )
    return {row.id: row.paused_until for row in rows}


async def give_turns_back(tx: Transaction, unused: Mapping[WebhookId, timedelta]) -> None:
    """Undo what ``pass_gates`` took for deliveries that were not there to claim.

    Args:
        tx: the transaction that passed these gates.
        unused: by how much less the gate of a rate limit is to be closed. A pause's is open again.
    """
    earlier = sa.type_coerce(webhooks.c.next_request_at, sa.BigInteger) - for_each(unused, Duration)
    passed = tx.locked(webhooks, webhooks.c.id.in_(list(unused)))
    await tx.execute(
        sa.update(webhooks)
        .where(passed)
        .values(
            paused_until=sa.case((webhooks.c.paused_until.is_not(None), tx.now)),
            next_request_at=sa.type_coerce(earlier, UtcDateTime),
        )
    )


async def reopen_gates(tx: Transaction, probes: Mapping[WebhookId, datetime]) -> None:
    """Reopen the gates of endpoints that were claimed to be probed, and were not.

    Args:
        tx: where we give the deliveries back.
        probes: until when ``pass_gates`` closed each gate for us. One that is closed otherwise by
            now stays so.
    """
    closed = tx.locked(webhooks, closed_until(probes))
    await tx.execute(sa.update(webhooks).where(closed).values(paused_until=tx.now))


async def keep_gates_closed(
    tx: Transaction, probes: Mapping[WebhookId, datetime], duration: timedelta
) -> dict[WebhookId, datetime]:
    """Let no other worker probe endpoints for so long from now, as our claims last longer.

    Args:
        tx: where the claims are renewed.
        probes: as ``reopen_gates`` has them.
        duration: how long.

    Returns:
        until when each gate is closed that was closed by us.
    """
    rows = await tx.execute(
        sa.update(webhooks)
        .where(tx.locked(webhooks, closed_until(probes)))
        .values(paused_until=after(tx.now, sa.literal(duration, Duration)))
        .returning(webhooks.c.id, webhooks.c.paused_until)
    )
    return {row.id: row.paused_until for row in rows}


def closed_until(probes: Mapping[WebhookId, datetime]) -> sa.ColumnElement[bool]:
    """Condition that the gate of a pause is closed until this moment and no other."""
    return sa.tuple_(webhooks.c.id, webhooks.c.paused_until).in_(list(probes.items()))


def for_each(
    values: Mapping[WebhookId, Value], type_: type[sa.types.TypeDecorator[Value]]
) -> sa.ColumnElement[Value]:
    """The value that belongs to a row of the webhooks, as an expression; 0 without one."""
    whens = {
        webhook_id: sa.cast(sa.literal(value, type_), sa.BigInteger)
        for webhook_id, value in values.items()
    }
    return sa.type_coerce(sa.case(whens, value=webhooks.c.id, else_=sa.literal(0)), type_)


def later_of(one: Clock, other: Clock) -> Clock:
    """The later of two moments, as an expression; ``other`` may be NULL."""
    return sa.case((other > one, other), else_=one)


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
    claiming = claiming_batch(tx.database.rows_given, tx.database.claimable_ids, tx.now)
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
def claiming_batch(
    rows_given: RowsGiven,
    claimable_ids: Callable[[sa.FromClause, Clock], sa.Select[tuple[str]]],
    now: Clock,
) -> Batch:
    """Batch of ``claim_due``, for lanes."""
    lanes = rows_given("lanes", LANE)
    claimable = claimable_ids(lanes.table, now).cte("claimable")
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
        holding_claims(tx.database.rows_given), parameters_of(tx.database.rows_given, claims)
    )
    return {Claim(id_, number) for id_, number in rows}


@lru_cache
def holding_claims(rows_given: RowsGiven) -> sa.Select[tuple[DeliveryId, int]]:
    """Query of ``hold_claims``."""
    return (
        sa.select(deliveries.c.id, deliveries.c.claim_number)
        .where(is_held(rows_given))
        .order_by(deliveries.c.id)
        .with_for_update()
    )


@lru_cache
def given_claims(rows_given: RowsGiven) -> GivenRows:
    """Claims that a statement gets as parameters."""
    return rows_given(
        "claims", (sa.column("delivery_id", sa.Text), sa.column("number", sa.Integer))
    )


@lru_cache
def is_held(rows_given: RowsGiven) -> sa.ColumnElement[bool]:
    """Condition that a delivery's claim is among the given ones, and held."""
    claims = given_claims(rows_given).table
    is_given = sa.tuple_(deliveries.c.id, deliveries.c.claim_number).in_(
        sa.select(claims.c.delivery_id, claims.c.number)
    )
    return sa.and_(is_given, IS_STILL_SENDING)


def parameters_of(rows_given: RowsGiven, claims: Collection[Claim]) -> dict[str, Any]:
    """What a statement with ``is_held`` gets for claims."""
    rows = [{"delivery_id": one.delivery_id, "number": one.number} for one in claims]
    return given_claims(rows_given).parameters(rows)


async def end_attempts(tx: Transaction, endings: Sequence[AttemptEnd]) -> None:
    """Write attempts and what they leave their deliveries in; the claims must be held.

    A delivery that is to be retried is canceled instead if its webhook was deactivated meanwhile.
    """
    await tx.insert_many(
        attempts,
        [
            {
                "delivery_id": ending.attempt.delivery_id,
                "number": ending.attempt.number,
                "trigger": ending.attempt.trigger,
                "sent_at": ending.attempt.sent_at,
                "duration": ending.attempt.outcome.duration,
                "phases": ending.attempt.outcome.phases,
                "http_status_code": ending.attempt.outcome.status_code,
                "failure": ending.attempt.outcome.failure,
                "error": ending.attempt.outcome.error,
                "note": ending.attempt.outcome.note,
                "request_headers": ending.attempt.request_headers,
                "response_headers": dict(ending.attempt.outcome.response_headers),
                "response_body": ending.attempt.outcome.response_body,
            }
            for ending in endings
        ],
    )
    await tx.execute_many(
        ending_attempts(tx.database.rows_given, tx.now),
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


@lru_cache
def ending_attempts(rows_given: RowsGiven, now: Clock) -> Batch:
    """Batch that writes the states after attempts."""
    given = rows_given(
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
    statement = (
        sa.update(deliveries)
        .where(
            deliveries.c.id == ending.c.delivery_id,
            deliveries.c.claim_number == ending.c.claim,
            IS_STILL_SENDING,
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
    )
    return Batch(statement, given)


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
    held = tx.locked(deliveries, is_held(tx.database.rows_given))
    rows = await tx.execute(
        sa.update(deliveries)
        .where(held)
        .values(claimed_until=after(tx.now, sa.literal(duration, Duration)))
        .returning(deliveries.c.id, deliveries.c.claim_number),
        parameters_of(tx.database.rows_given, claims),
    )
    return {Claim(row.id, row.claim_number) for row in rows}


async def release_claims(tx: Transaction, claims: Collection[Claim]) -> int:
    """Give back deliveries that were claimed and not sent, as far as the claims are held."""
    return await take_back(
        tx,
        is_held(tx.database.rows_given),
        parameters=parameters_of(tx.database.rows_given, claims),
    )


async def postpone_claims(tx: Transaction, claims: Collection[Claim], delay: timedelta) -> None:
    """Give back deliveries that could not be sent, as far as the claims are held.

    They are due again after ``delay``, with as many attempts as before.
    """
    await take_back(
        tx,
        is_held(tx.database.rows_given),
        parameters=parameters_of(tx.database.rows_given, claims),
        due=after(tx.now, sa.literal(delay, Duration)),
    )


async def return_abandoned(tx: Transaction) -> int:
    """Requeue what workers hold whose lease is over; a test has failed.

    If the clock was put back, leases of the dead would last as much longer.
    """
    latest = after(tx.now, sa.literal(LONGEST_LEASE, Duration))
    too_long = tx.locked(deliveries, IS_SENDING, deliveries.c.claimed_until > latest)
    await tx.execute(sa.update(deliveries).where(too_long).values(claimed_until=latest))
    return await take_back(tx, IS_SENDING, deliveries.c.claimed_until <= tx.now)


async def return_all_claimed(tx: Transaction) -> int:
    """Requeue all claimed deliveries, as no worker is alive; tests have failed."""
    return await take_back(tx, IS_SENDING)


async def take_back(
    tx: Transaction,
    *which: sa.ColumnElement[bool],
    parameters: Mapping[str, Any] | None = None,
    due: sa.ColumnElement[datetime] | None = None,
) -> int:
    """Take deliveries that are claimed from their workers; say how many there were.

    What they were due at stays, and so does their place in the queue, unless another time is given.
    A test has none: its user does not wait for it any more.

    Args:
        tx: where they are taken.
        which: that they are claimed, and what else must hold.
        parameters: of these conditions.
        due: when they are due, if not as before.
    """
    state = sa.case(
        (deliveries.c.is_test, move_delivery(DeliveryState.SENDING, DeliveryState.FAILED)),
        else_=move_delivery(DeliveryState.SENDING, DeliveryState.PENDING),
    )
    taken = await tx.execute(
        sa.update(deliveries)
        .where(tx.locked(deliveries, *which))
        .values(
            state=state,
            claimed_by=None,
            claimed_until=None,
            next_attempt_at=deliveries.c.next_attempt_at if due is None else due,
        ),
        None if parameters is None else dict(parameters),
    )
    if taken.rowcount:
        tx.makes_due = True
    return taken.rowcount
