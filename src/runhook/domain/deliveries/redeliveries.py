"""Redeliveries: many deliveries sent once more: undelivered ones, or ones that a user picked.

The rules:
1. What belongs to a redelivery is fixed when it begins: deliveries that had not arrived by then, or
   that were picked one by one, and that nothing has happened to since. One that fails later, or
   that a user redelivers by hand meanwhile, is left to itself.
2. It has a share for each webhook, and goes through it by itself, the oldest delivery first, a
   bounded step at a time. A share waits while much waits for its webhook already, so that what
   happens now is not held up by what happened then.
3. A step's deliveries, its place and its counts move together or not at all, so that nothing is
   returned to the queue twice.
4. Deliveries of a webhook that is inactive or deleted when their turn comes are passed over and
   counted. Tests never belong to a redelivery, nor does what is being sent when it begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType

from runhook.domain.deliveries.delivery import UNSENT_STATES, DeliveryState
from runhook.domain.errors import ConflictError, InvalidError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, JobId, RunId

MOST_PICKED = 500
"""Limit of deliveries picked by id for one redelivery."""
CODE_CLASSES = (2, 3, 4, 5, 0)
"""What an endpoint can have answered: 4 is from 400 to 499, and so on; 0 is nothing."""

RedeliveryId = NewType("RedeliveryId", str)
"""`wrd_` and a KSUID."""


class RedeliveryState(StrEnum):
    """State of a redelivery."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELED = "canceled"


class Obstacle(StrEnum):
    """Why a delivery was passed over."""

    WEBHOOK_INACTIVE = "webhook_inactive"
    WEBHOOK_DELETED = "webhook_deleted"
    OUTDATED = "outdated"
    """Its webhook is told news only, and a newer event of the job has been sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filter of deliveries that did not arrive, by creation time and origin.

    None and an empty tuple do not filter.
    """

    since: datetime
    """Included."""
    until: datetime | None = None
    """Not included."""
    states: tuple[DeliveryState, ...] = UNSENT_STATES
    webhook_id: WebhookId | None = None
    event_types: tuple[EventType, ...] = ()
    job_id: JobId | None = None
    run_id: RunId | None = None
    code_class: int | None = None
    """One of ``CODE_CLASSES``, by the last attempt."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Which deliveries are meant, one by one, whether they arrived, wait or do neither."""

    delivery_ids: tuple[DeliveryId, ...]


@dataclass(frozen=True, slots=True)
class LogPlace:
    """How far a share has come: up to this delivery, included."""

    created_at: datetime
    delivery_id: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliveryProgress:
    """States of the deliveries that a redelivery has returned to the queue."""

    arrived: int = 0
    failed: int = 0
    waiting: int = 0
    """Pending, or being sent."""
    dropped: int = 0
    """Canceled, or superseded by a newer event."""
    elsewhere: int = 0
    """No longer counted here: a later redelivery has them, or they are no longer kept."""

    @classmethod
    def of(cls, states: Mapping[DeliveryState, int], *, queued: int) -> "RedeliveryProgress":
        """Sum up the counts by state to a progress."""
        counts = {
            name: sum(states.get(state, 0) for state in which)
            for name, which in STATES_OF_PROGRESS.items()
        }
        return cls(**counts, elsewhere=max(queued - sum(counts.values()), 0))

    def __add__(self, other: "RedeliveryProgress") -> "RedeliveryProgress":
        return RedeliveryProgress(
            arrived=self.arrived + other.arrived,
            failed=self.failed + other.failed,
            waiting=self.waiting + other.waiting,
            dropped=self.dropped + other.dropped,
            elsewhere=self.elsewhere + other.elsewhere,
        )


STATES_OF_PROGRESS = {
    "arrived": (DeliveryState.SUCCEEDED,),
    "failed": (DeliveryState.FAILED,),
    "waiting": (DeliveryState.PENDING, DeliveryState.SENDING),
    "dropped": (DeliveryState.CANCELED, DeliveryState.SKIPPED, DeliveryState.SUPERSEDED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliveryShare:
    """What a redelivery does for one webhook."""

    webhook_id: WebhookId
    total: int
    """How many deliveries there were at the beginning, as far as was counted."""
    queued: int = 0
    """Number of deliveries returned to the queue."""
    progress: RedeliveryProgress = RedeliveryProgress()
    """Their states now."""
    passed_over: Mapping[Obstacle, int] = field(default_factory=dict)
    place: LogPlace
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivery:
    """A redelivery, with its shares in the order of their webhooks."""

    id: RedeliveryId
    account_id: AccountId
    selection: Selection | Picked
    fixed_at: datetime
    """On the database's clock: what has changed since does not belong to it."""
    is_counted: bool
    """Whether the totals are whole; if not, there were more than was counted."""
    state: RedeliveryState
    shares: tuple[RedeliveryShare, ...]
    created_by: str
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def total(self) -> int:
        """How many deliveries there were at the beginning, as far as was counted."""
        return sum(share.total for share in self.shares)

    @property
    def queued(self) -> int:
        """How many deliveries have been returned to the queue so far."""
        return sum(share.queued for share in self.shares)

    @property
    def progress(self) -> RedeliveryProgress:
        """States of the deliveries that have been returned to the queue."""
        return sum((share.progress for share in self.shares), RedeliveryProgress())

    @property
    def passed_over(self) -> Mapping[Obstacle, int]:
        """How many deliveries were passed over so far, and why."""
        return {
            obstacle: sum(share.passed_over.get(obstacle, 0) for share in self.shares)
            for obstacle in Obstacle
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery that a step looks at, and whether it belongs to the redelivery."""

    id: DeliveryId
    created_at: datetime
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class RedeliveryStep:
    """What one step does with the deliveries that it looked at."""

    queue: tuple[DeliveryId, ...]
    """Deliveries to return to the queue."""
    passed_over: int
    place: LogPlace
    is_last: bool


def check_selection(selection: Selection, *, now: datetime, retention: timedelta) -> Selection:
    """Check a selection; return it with times in UTC.

    Raises:
        InvalidError: it begins before the retention period, has no duration, or names a state in
            which deliveries are not redelivered in bulk; the message begins with the value's name.
    """
    earliest = now - retention
    if selection.since < earliest:
        raise InvalidError(
            f"deliveries are kept for {retention.days} days; give a time after "
            f"{earliest:%Y-%m-%dT%H:%M:%SZ}",
            field="since",
        )
    if selection.since > now:
        raise InvalidError("this is in the future", field="since")
    until = selection.until
    if until is not None and until <= selection.since:
        raise InvalidError("give a time after `since`", field="until")
    known = ", ".join(f"`{state}`" for state in UNSENT_STATES)
    for state in selection.states:
        if state not in UNSENT_STATES:
            raise InvalidError(
                f"`{state}` is not redelivered in bulk; choose from {known}", field="states"
            )
    if selection.code_class not in (None, *CODE_CLASSES):
        raise InvalidError("give 2, 3, 4 or 5, or 0 for no answer", field="code_class")
    return replace(
        selection,
        since=selection.since.astimezone(UTC),
        # Nothing that happens from now on belongs to it anyhow.
        until=None if until is None or until > now else until.astimezone(UTC),
        states=selection.states or UNSENT_STATES,
    )


def check_picked(picked: Picked) -> Picked:
    """Check deliveries that were picked; return each once.

    Raises:
        InvalidError: there are none, or too many; the message begins with the value's name.
    """
    delivery_ids = tuple(dict.fromkeys(picked.delivery_ids))
    if not 0 < len(delivery_ids) <= MOST_PICKED:
        raise InvalidError(f"give from 1 to {MOST_PICKED} deliveries", field="delivery_ids")
    return Picked(delivery_ids)


def check_cancellation(state: RedeliveryState) -> None:
    """Check that a redelivery can be canceled; canceling it again changes nothing.

    Raises:
        ConflictError: the redelivery has finished.
    """
    if state is RedeliveryState.FINISHED:
        raise ConflictError("The redelivery has finished; there is nothing left to cancel.")


def plan_step(
    looked_at: Sequence[Candidate],
    start: LogPlace,
    *,
    room: int,
    is_passing_over: bool,
    is_end: bool,
) -> RedeliveryStep:
    """Decide what to do with deliveries that were looked at, the oldest first.

    Args:
        looked_at: the next ones of a share, in their order.
        start: the share's place.
        room: how many may be returned to the queue.
        is_passing_over: whether their webhook takes none, so that they are only counted.
        is_end: whether no others come after these.
    """
    place, passed_over = start, 0
    queue: list[DeliveryId] = []
    for candidate in looked_at:
        if candidate.is_chosen and is_passing_over:
            passed_over += 1
        elif candidate.is_chosen:
            if len(queue) == room:
                return RedeliveryStep(tuple(queue), passed_over, place, is_last=False)
            queue.append(candidate.id)
        place = LogPlace(candidate.created_at, candidate.id)
    return RedeliveryStep(tuple(queue), passed_over, place, is_last=is_end)
