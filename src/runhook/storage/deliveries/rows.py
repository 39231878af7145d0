"""Deliveries and their attempts as a log: added at publish, read by people, pruned in the end."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import (
    FIRST_CLAIM,
    UNSENT_STATES,
    AttemptTrigger,
    Claim,
    DeliveryState,
    Lease,
    move_delivery,
)
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.deliveries.redeliveries import RedeliveryId
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.notices import MissedRun, Notice
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import AccountId, JobId, RunId
from runhook.domain.webhooks.incidents import HEALED_REASON
from runhook.domain.webhooks.webhook import DELETED_REASON, Webhook
from runhook.storage.deliveries.redeliveries import is_as_it_was
from runhook.storage.engine.batches import Batch, columns_like, insertion
from runhook.storage.engine.columns import MICROSECOND, Duration, Ksuid, UtcDateTime
from runhook.storage.engine.store import Clock, Database, Transaction, after
from runhook.storage.engine.tables import (
    IS_OF_MISSED,
    IS_PENDING,
    IS_UNSENT,
    attempts,
    deliveries,
    webhooks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """What publishing adds: one event for one webhook, with the final bytes."""

    id: DeliveryId
    webhook_id: WebhookId
    event: Event | Notice
    rendered: Rendered = field(repr=False)
    state: DeliveryState
    hold: timedelta | None = None
    """How long it waits until it is due, unless its job succeeds meanwhile; None is not at all."""
    waits_for: DeliveryId | None = None
    """The delivery that has to be attempted before."""

    @property
    def is_claimed(self) -> bool:
        """Whether it is added as claimed; its claim is the first one."""
        return self.state is DeliveryState.SENDING

    @property
    def pause(self) -> timedelta | None:
        """How long until it is due; None if it never is."""
        return None if self.state.is_over else self.hold or NO_PAUSE

    @property
    def is_plain(self) -> bool:
        """Whether it depends on no other delivery."""
        return self.hold is None and self.waits_for is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleDelivery:
    """A test of a webhook: a made-up event, with the final bytes."""

    id: DeliveryId
    webhook: Webhook
    event_type: EventType
    rendered: Rendered = field(repr=False)

    @property
    def claim(self) -> Claim:
        """The hold under which it is sent: its first one."""
        return Claim(self.id, FIRST_CLAIM)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDelivery:
    """A delivery as Recent Deliveries shows it."""

    id: DeliveryId
    account_id: AccountId
    webhook_id: WebhookId
    run_id: RunId | None
    """None for a test and for a notice, as is the job's."""
    job_id: JobId | None
    is_test: bool
    event_type: EventType
    state: DeliveryState
    body: bytes
    path: str
    """Path that is appended to the endpoint's URL."""
    attempt_count: int
    attempts_before: int = 0
    """Of these, how many were made before it was redelivered by hand."""
    next_attempt_at: datetime | None
    http_status_code: int | None
    failure: FailureReason | None
    cancel_reason: str | None
    """Why it was canceled or superseded, in words; None if it was neither."""
    is_held: bool = False
    """Whether a success of its job cancels it before it is due."""
    created_at: datetime
    updated_at: datetime

    @property
    def held_until(self) -> datetime | None:
        """When its hold is over; None if it is not on hold."""
        is_on_hold = self.state is DeliveryState.PENDING and self.is_held and not self.attempt_count
        return self.next_attempt_at if is_on_hold else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAttempt:
    """An attempt as Recent Deliveries shows it."""

    delivery_id: DeliveryId
    number: int
    trigger: AttemptTrigger
    sent_at: datetime
    duration: timedelta
    phases: dict[AttemptPhase, timedelta]
    """What the duration was spent on; empty for one that spent none."""
    http_status_code: int | None
    failure: FailureReason | None
    error: str
    note: str
    request_headers: dict[str, str]
    response_headers: dict[str, str]
    response_body: bytes


IS_OVER = deliveries.c.state.not_in((DeliveryState.PENDING, DeliveryState.SENDING))
SEARCHED = 10_000
"""How many deliveries are looked at, the newest first, for what no index tells: the cost of a look
into the log does not follow the log's length."""
NO_PAUSE = timedelta()
LOOKED_BACK = 200
"""How many of a webhook's deliveries are looked at for the last failure."""
INDEXED_STATES = frozenset(UNSENT_STATES)


@dataclass(frozen=True, slots=True)
class Position:
    """A delivery's place in the log."""

    created_at: datetime
    id: DeliveryId


@dataclass(frozen=True, slots=True)
class About:
    """Deliveries of any of these jobs, or for any of these webhooks."""

    job_ids: Collection[JobId]
    webhook_ids: Collection[WebhookId]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries are asked for; what is left out asks for all."""

    states: Collection[DeliveryState] = ()
    event_types: Collection[EventType] = ()
    job_id: JobId | None = None
    about: About | None = None
    run_id: RunId | None = None
    is_test: bool | None = None
    code_class: int | None = None
    """4 asks for those that were last answered with 400 to 499; 0 for those with no answer."""
    since: datetime | None = None
    """Included."""
    until: datetime | None = None
    """Not included."""
    beyond: Position | None = None
    """Only what comes after this one in the log, in the order asked for."""

    @property
    def is_sifting(self) -> bool:
        """Whether deliveries have to be looked at to know if they are asked for."""
        return bool(
            self.states
            or self.event_types
            or self.job_id is not None
            or self.about is not None
            or self.is_test is not None
            or self.code_class is not None
        )


EVERY_DELIVERY = DeliveryFilter()


async def insert_deliveries(
    tx: Transaction, new: Sequence[NewDelivery], lease: Lease | None = None
) -> None:
    """Add deliveries; pending ones are due at once or after their hold, on the database's clock.

    Args:
        tx: where to.
        new: what to add.
        lease: the hold on those that are added as claimed; None if none is.
    """
    if any(one.state is DeliveryState.PENDING for one in new):
        tx.makes_due = True
    plain = [new_row(one, lease) for one in new if one.is_plain]
    joined = [{**new_row(one, lease), **joined_columns(one)} for one in new if not one.is_plain]
    for rows in filter(None, (plain, joined)):
        names = tuple(name for name in rows[0] if name in deliveries.c)
        await tx.execute_many(inserting_deliveries(tx.database, tx.now, names), rows)


def new_row(new: NewDelivery, lease: Lease | None) -> dict[str, Any]:
    """The columns of a new delivery."""
    held = lease if new.is_claimed else None
    return {
        "id": new.id,
        "webhook_id": new.webhook_id,
        "event_type": new.event.type,
        **subject_of(new.event),
        "state": new.state,
        "pause": new.pause,
        "claim_number": 0 if held is None else FIRST_CLAIM,
        "claimed_by": None if held is None else held.owner,
        "lease": None if held is None else held.duration,
        "body": new.rendered.body,
        "envelope": envelope_of(new.rendered),
        "created_at": new.event.occurred_at,
    }


def joined_columns(new: NewDelivery) -> dict[str, Any]:
    """The columns of a delivery that depends on others."""
    is_healed = new.state is DeliveryState.SUPERSEDED
    return {
        "is_held": new.hold is not None,
        "waits_for": new.waits_for,
        "cancel_reason": HEALED_REASON if is_healed else None,
    }


def envelope_of(rendered: Rendered) -> str | None:
    """Write what is kept of a delivery beside its body; most have nothing."""
    if not rendered.headers and not rendered.path and not rendered.trace:
        return None
    kept = {"headers": dict(rendered.headers), "path": rendered.path}
    return json.dumps({**kept, "trace": rendered.trace} if rendered.trace else kept)


def rendered_of(body: bytes, envelope: str | None) -> Rendered:
    """Rendered message of a stored delivery."""
    return Rendered(body=body) if envelope is None else Rendered(body=body, **json.loads(envelope))


@lru_cache
def inserting_deliveries(database: Database, now: Clock, names: tuple[str, ...]) -> Batch:
    """Batch that adds deliveries: due after a pause, held for a lease, if they have them."""
    pause, lease = sa.column("pause", Duration), sa.column("lease", Duration)
    given = database.rows_given("added", [*columns_like(deliveries, names), pause, lease])
    new = given.table.c
    values = {
        **{name: new[name] for name in names},
        "is_test": sa.false(),
        "attempt_count": sa.literal_column("0"),
        "attempts_before": sa.literal_column("0"),
        "next_attempt_at": after(now, new.pause),
        "claimed_until": after(now, new.lease),
        "updated_at": now,
    }
    return Batch(insertion(deliveries, given, values), given)


def subject_of(event: Event | Notice) -> dict[str, int | None]:
    """Columns of an event's subject; a notice has no run."""
    if not isinstance(event, Event):
        return {
            "account_id": event.account_id,
            "run_id": None,
            "event_sequence": None,
            "job_id": event.job.id if isinstance(event, MissedRun) else None,
        }
    return {
        "account_id": event.run.account_id,
        "run_id": event.run.id,
        "event_sequence": event.sequence,
        "job_id": event.run.job.id,
    }


async def insert_sample_delivery(
    tx: Transaction, sample: SampleDelivery, lease: Lease, *, now: datetime
) -> None:
    """Add a test: one that is being sent by the lease's owner, or that waits for its consumer."""
    if sample.webhook.is_consumed:
        tx.makes_due = True
        standing = {"state": DeliveryState.PENDING, "next_attempt_at": tx.now}
    else:
        standing = {
            "state": DeliveryState.SENDING,
            "claim_number": sample.claim.number,
            "claimed_by": lease.owner,
            "claimed_until": after(tx.now, sa.literal(lease.duration, Duration)),
        }
    await tx.execute(
        sa.insert(deliveries).values(
            id=sample.id,
            account_id=sample.webhook.account_id,
            webhook_id=sample.webhook.id,
            event_type=sample.event_type,
            is_test=True,
            **standing,
            body=sample.rendered.body,
            envelope=envelope_of(sample.rendered),
            attempt_count=0,
            attempts_before=0,
            created_at=now,
            updated_at=now,
        )
    )


async def return_to_queue(
    tx: Transaction, account_id: AccountId, delivery_id: DeliveryId, state: DeliveryState
) -> bool:
    """Make a delivery due now; say no, and do nothing, if its state is another than ``state``.

    Of one that was over, the attempts made so far count no more for its retry schedule.
    """
    is_new_round = state is not DeliveryState.PENDING
    columns = deliveries.c
    before = columns.attempt_count if is_new_round else columns.attempts_before
    rows = await tx.execute(
        sa.update(deliveries)
        .where(columns.account_id == account_id, columns.id == delivery_id, columns.state == state)
        .values(
            state=DeliveryState.PENDING,
            next_attempt_at=tx.now,
            attempts_before=before,
            next_trigger=AttemptTrigger.MANUAL,
            is_held=False,
            waits_for=None,
            cancel_reason=None,
            updated_at=tx.now,
        )
    )
    is_returned = rows.rowcount == 1
    if is_returned:
        tx.makes_due = True
    return is_returned


async def return_several_to_queue(
    tx: Transaction,
    delivery_ids: Collection[DeliveryId],
    *,
    redelivery_id: RedeliveryId,
    fixed_at: datetime,
) -> int:
    """Make deliveries due now, unless something has happened to them since; return how many.

    From now on they count for this redelivery, and for no earlier one.

    As with one of them, the attempts made so far count no more for the retry schedule of those that
    were over.
    """
    columns = deliveries.c
    waits = columns.state == DeliveryState.PENDING
    rows = await tx.execute(
        sa.update(deliveries)
        .where(
            tx.locked(
                deliveries,
                columns.id.in_(list(delivery_ids)),
                columns.state != DeliveryState.SENDING,
                is_as_it_was(fixed_at, tx.now),
            )
        )
        .values(
            state=DeliveryState.PENDING,
            next_attempt_at=tx.now,
            attempts_before=sa.case((waits, columns.attempts_before), else_=columns.attempt_count),
            next_trigger=AttemptTrigger.MANUAL,
            is_held=False,
            waits_for=None,
            cancel_reason=None,
            redelivery_id=redelivery_id,
            updated_at=tx.now,
        )
    )
    if rows.rowcount:
        tx.makes_due = True
    return rows.rowcount


async def list_deliveries(
    tx: Transaction,
    account_id: AccountId,
    webhook_id: WebhookId | None,
    chosen: DeliveryFilter = EVERY_DELIVERY,
    *,
    limit: int,
    offset: int = 0,
    is_oldest_first: bool = False,
) -> Sequence[LoggedDelivery]:
    """A page of an account's deliveries, or of one of its webhooks', the newest first.

    Some filters see the newest ``SEARCHED`` deliveries only; ``searched_back_to`` says so.
    """
    sifts = chosen.is_sifting or chosen.run_id is not None
    # The databases only walk an index no farther than to the page's end if its end is in here.
    looked_at = recent_deliveries(
        account_id, webhook_id, chosen, is_oldest_first=is_oldest_first
    ).limit(SEARCHED if sifts else offset + limit)
    candidates = looked_at.subquery("candidate")
    ids = (
        sa.select(candidates.c.id)
        .where(*log_conditions(candidates, chosen))
        .order_by(*in_order(candidates.c, is_oldest_first=is_oldest_first))
        .limit(limit)
        .offset(offset)
    )
    rows = await tx.execute(
        sa.select(deliveries)
        .where(deliveries.c.id.in_(ids))
        .order_by(*in_order(deliveries.c, is_oldest_first=is_oldest_first))
    )
    return [logged_delivery_of(row) for row in rows]


async def searched_back_to(
    tx: Transaction,
    account_id: AccountId,
    webhook_id: WebhookId | None,
    chosen: DeliveryFilter,
) -> datetime | None:
    """Time since which all deliveries have been searched; None if everything has been.

    To search farther back, ask again with that moment as ``until``.
    """
    if not chosen.is_sifting or chosen.run_id is not None:
        return None
    oldest = (
        recent_deliveries(account_id, webhook_id, chosen)
        .with_only_columns(deliveries.c.created_at)
        .limit(1)
        .offset(SEARCHED - 1)
    )
    moment: datetime | None = (await tx.execute(oldest)).scalar_one_or_none()
    # Others may have been made at the very same moment.
    return None if moment is None else moment + MICROSECOND


def in_order(columns: Any, *, is_oldest_first: bool) -> Sequence[sa.ColumnElement[Any]]:
    """Columns that the log is sorted by."""
    both = (columns.created_at, columns.id)
    return both if is_oldest_first else [column.desc() for column in both]


def recent_deliveries(
    account_id: AccountId,
    webhook_id: WebhookId | None,
    chosen: DeliveryFilter,
    *,
    is_oldest_first: bool = False,
) -> sa.Select[Any]:
    """Query of the deliveries examined for a page, the newest first, as an index has it."""
    columns = deliveries.c
    looked_at = sa.select(
        columns.id,
        columns.state,
        columns.event_type,
        columns.job_id,
        columns.webhook_id,
        columns.is_test,
        columns.http_status_code,
        columns.created_at,
    )
    is_narrow = webhook_id is not None or chosen.run_id is not None
    # The addition keeps an account's index out of it where another one leads to fewer deliveries.
    looked_at = looked_at.where(
        (columns.account_id + 0 if is_narrow else columns.account_id) == account_id
    )
    if webhook_id is not None:
        looked_at = looked_at.where(columns.webhook_id == webhook_id)
    if chosen.run_id is not None:
        # In no order: an index that has it would be read to its end for a few deliveries.
        looked_at = looked_at.where(columns.run_id == chosen.run_id)
    else:
        looked_at = looked_at.order_by(*in_order(columns, is_oldest_first=is_oldest_first))
    if chosen.states and INDEXED_STATES.issuperset(chosen.states):
        looked_at = looked_at.where(IS_UNSENT)
    if chosen.since is not None:
        looked_at = looked_at.where(columns.created_at >= chosen.since)
    if chosen.until is not None:
        looked_at = looked_at.where(columns.created_at < chosen.until)
    if chosen.beyond is not None:
        place = sa.tuple_(columns.created_at, columns.id)
        beyond = sa.tuple_(
            sa.literal(chosen.beyond.created_at, UtcDateTime), sa.literal(chosen.beyond.id, Ksuid)
        )
        looked_at = looked_at.where(place > beyond if is_oldest_first else place < beyond)
    return looked_at


def log_conditions(
    looked_at: sa.Subquery, chosen: DeliveryFilter
) -> Sequence[sa.ColumnElement[bool]]:
    """Conditions of a filter on examined deliveries."""
    columns = looked_at.c
    conditions: list[sa.ColumnElement[bool]] = []
    if chosen.states:
        conditions.append(columns.state.in_(list(chosen.states)))
    if chosen.event_types:
        conditions.append(columns.event_type.in_(list(chosen.event_types)))
    if chosen.job_id is not None:
        conditions.append(columns.job_id == chosen.job_id)
    if chosen.about is not None:
        is_about_job = columns.job_id.in_(list(chosen.about.job_ids))
        conditions.append(is_about_job | columns.webhook_id.in_(list(chosen.about.webhook_ids)))
    if chosen.is_test is not None:
        conditions.append(columns.is_test == chosen.is_test)
    if chosen.code_class is not None:
        conditions.append(was_answered_with(columns.http_status_code, chosen.code_class))
    return conditions


def was_answered_with(
    http_status_code: sa.ColumnElement[Any], code_class: int
) -> sa.ColumnElement[bool]:
    """Condition that the last response was of a class; 0 stands for none."""
    code = sa.func.coalesce(http_status_code, 0)
    return sa.and_(code >= code_class * 100, code < code_class * 100 + 100)


async def find_delivery(
    tx: Transaction, account_id: AccountId, delivery_id: DeliveryId
) -> LoggedDelivery | None:
    """Find a delivery of this account."""
    row = (
        await tx.execute(
            sa.select(deliveries).where(
                deliveries.c.account_id == account_id, deliveries.c.id == delivery_id
            )
        )
    ).one_or_none()
    return None if row is None else logged_delivery_of(row)


async def find_deliveries(
    tx: Transaction, account_id: AccountId, delivery_ids: Collection[DeliveryId]
) -> Sequence[LoggedDelivery]:
    """Those of these deliveries that are this account's, the newest first."""
    rows = await tx.execute(
        sa.select(deliveries)
        .where(deliveries.c.account_id + 0 == account_id, deliveries.c.id.in_(list(delivery_ids)))
        .order_by(deliveries.c.id.desc())
    )
    return [logged_delivery_of(row) for row in rows]


async def list_attempts(tx: Transaction, delivery_id: DeliveryId) -> Sequence[LoggedAttempt]:
    """Attempts of a delivery, in order."""
    rows = await tx.execute(
        sa.select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
    )
    return [LoggedAttempt(**row) for row in rows.mappings()]


async def last_durations(
    tx: Transaction, delivery_ids: Collection[DeliveryId]
) -> Mapping[DeliveryId, timedelta]:
    """Duration of the last attempt of each of these deliveries, where there is one."""
    rows = await tx.execute(
        sa.select(attempts.c.delivery_id, attempts.c.duration)
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(
            attempts.c.delivery_id.in_(list(delivery_ids)),
            attempts.c.number == deliveries.c.attempt_count,
        )
    )
    return {row.delivery_id: row.duration for row in rows}


async def find_last_failure(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> LoggedAttempt | None:
    """The last failed attempt of the webhook's newest ``LOOKED_BACK`` deliveries."""
    columns = deliveries.c
    recent = (
        sa.select(columns.id)
        .where(columns.account_id + 0 == account_id, columns.webhook_id == webhook_id)
        .order_by(*in_order(columns, is_oldest_first=False))
        .limit(LOOKED_BACK)
        .subquery("recent")
    )
    rows = await tx.execute(
        sa.select(attempts)
        .where(attempts.c.delivery_id.in_(sa.select(recent.c.id)), attempts.c.failure.is_not(None))
        .order_by(attempts.c.sent_at.desc())
        .limit(1)
    )
    row = rows.mappings().one_or_none()
    return None if row is None else LoggedAttempt(**row)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldWebhook:
    """A webhook that a run's end or a missed run was sent to, and how far that has come."""

    run_id: RunId | None
    """None of a run that was missed."""
    job_id: JobId
    webhook_id: WebhookId
    webhook_name: str
    state: DeliveryState


async def list_told(
    tx: Transaction, account_id: AccountId, run_ids: Collection[RunId], *, limit: int
) -> Sequence[ToldWebhook]:
    """Deliveries of the ends of some runs of this account, with their webhooks' names."""
    columns = deliveries.c
    rows = await tx.execute(
        select_told(account_id)
        .where(
            columns.run_id.in_(sorted(run_ids)),
            columns.event_type.in_([EventType.ERRORED, EventType.COMPLETED]),
        )
        .order_by(columns.run_id, columns.webhook_id, columns.event_sequence)
        .limit(limit)
    )
    return [ToldWebhook(**row) for row in rows.mappings()]


async def list_told_of_missed(
    tx: Transaction, account_id: AccountId, since: Mapping[JobId, datetime], *, limit: int
) -> Sequence[ToldWebhook]:
    """Deliveries of missed runs, each job's since some moment, with their webhooks' names."""
    columns = deliveries.c
    each = (
        sa.and_(columns.job_id == job_id, columns.created_at >= moment)
        for job_id, moment in sorted(since.items())
    )
    rows = await tx.execute(
        select_told(account_id)
        .where(IS_OF_MISSED, sa.or_(*each))
        .order_by(columns.job_id, columns.created_at)
        .limit(limit)
    )
    return [ToldWebhook(**row) for row in rows.mappings()]


def select_told(account_id: AccountId) -> sa.Select[Any]:
    """Select the account's deliveries as ``ToldWebhook`` has them."""
    columns = deliveries.c
    return (
        sa.select(
            columns.run_id,
            columns.job_id,
            columns.webhook_id,
            webhooks.c.name.label("webhook_name"),
            columns.state,
        )
        .select_from(deliveries.join(webhooks, webhooks.c.id == columns.webhook_id))
        # The addition keeps the account's index out of it, as above.
        .where(columns.account_id + 0 == account_id)
    )


async def cancel_pending(tx: Transaction, webhook_id: WebhookId, *, limit: int) -> int:
    """Cancel some pending deliveries of a webhook, unless it is active; return how many.

    Each says why: because the webhook is deleted, or with the reason that it was deactivated for.
    """
    is_off = sa.exists().where(webhooks.c.id == webhook_id, ~webhooks.c.active)
    reason = sa.select(
        sa.case(
            (webhooks.c.deleted_at.is_not(None), DELETED_REASON),
            else_=webhooks.c.deactivate_reason,
        )
    ).where(webhooks.c.id == webhook_id)
    waiting = (
        sa.select(deliveries.c.id)
        .where(IS_PENDING, deliveries.c.webhook_id == webhook_id, is_off)
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(of=deliveries)
        .cte("waiting")
    )
    canceled = await tx.execute(
        sa.update(deliveries)
        .where(deliveries.c.id.in_(sa.select(waiting.c.id)))
        .values(
            state=move_delivery(DeliveryState.PENDING, DeliveryState.CANCELED),
            next_attempt_at=None,
            cancel_reason=reason.scalar_subquery(),
            updated_at=tx.now,
        )
        .returning(deliveries.c.id)
    )
    # SQLite's driver does not count what a statement changes that begins with WITH.
    return len(canceled.all())


async def look_at_old_deliveries(
    tx: Transaction, *, beyond: DeliveryId, before: DeliveryId, limit: int
) -> Sequence[tuple[DeliveryId, bool]]:
    """Deliveries whose ids sort between two, in order, and whether each is over."""
    rows = await tx.execute(
        sa.select(deliveries.c.id, IS_OVER.label("is_over"))
        .where(deliveries.c.id > beyond, deliveries.c.id < before)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return [(row.id, bool(row.is_over)) for row in rows]


async def delete_deliveries(tx: Transaction, delivery_ids: Collection[DeliveryId]) -> int:
    """Delete those of these deliveries that are over, with their attempts; return how many.

    Somebody may redeliver one just now, and then it stays.
    """
    chosen = deliveries.c.id.in_(list(delivery_ids))
    over = tx.locked(deliveries, chosen, IS_OVER, for_deletion=True)
    return (await tx.execute(sa.delete(deliveries).where(over))).rowcount


def logged_delivery_of(row: sa.Row[Any]) -> LoggedDelivery:
    """The delivery in a row."""
    return LoggedDelivery(
        id=row.id,
        account_id=row.account_id,
        webhook_id=row.webhook_id,
        run_id=row.run_id,
        job_id=row.job_id,
        is_test=row.is_test,
        event_type=row.event_type,
        state=row.state,
        body=row.body,
        path=rendered_of(row.body, row.envelope).path,
        attempt_count=row.attempt_count,
        attempts_before=row.attempts_before,
        next_attempt_at=row.next_attempt_at,
        http_status_code=row.http_status_code,
        failure=row.failure,
        cancel_reason=row.cancel_reason,
        is_held=row.is_held,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
