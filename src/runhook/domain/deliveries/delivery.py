"""Deliveries: one event for one webhook, a durable row with the final bytes, and its states.

The rules:
1. Every move between states is in ``MOVES``; there is no other list.
2. Only the holder of a claim may end an attempt of it. Claims of a delivery are numbered: a worker
   whose lease ended holds nothing, even if the same worker has claimed the delivery again.
3. Of one run's deliveries to one webhook, a later one waits until the earlier ones have had their
   first attempt. No other order is promised.
4. A test is sent at once, one time, by the process that was asked for it: it begins as sending and
   never waits. Any other delivery begins as sending, held under its first claim, if the process
   that adds it can send it at once; else it begins as pending.
5. A delivery that is redelivered keeps its id, its bytes and its attempts' numbers; its retry
   schedule begins anew. Of its attempts, the first one after that is marked as made by hand.
6. Of the messages about one job to a webhook that follows jobs (see ``incidents``), a later
   delivery waits until the one before it has had its first attempt, and is not being sent. Where
   a service opens incidents, one that failed to arrive is not retried once there is a later one.
7. What is for a consumer is never sent: it is pending until the consumer has acknowledged it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from runhook.domain.deliveries.judging import Outcome
from runhook.domain.errors import ConflictError
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, RunId


class DeliveryState(StrEnum):
    """State of a delivery."""

    PENDING = "pending"
    """Waits for its next attempt, or for its consumer."""
    SENDING = "sending"
    """A worker holds it."""
    SUCCEEDED = "succeeded"
    """The endpoint answered with a 2xx, or the consumer acknowledged it."""
    FAILED = "failed"
    """The last scheduled attempt failed, or a test."""
    CANCELED = "canceled"
    """The webhook was deleted or deactivated before it could be sent, or its consumer did not
    acknowledge it within the retention period."""
    SKIPPED = "skipped"
    """The webhook was inactive when the event happened."""
    SUPERSEDED = "superseded"
    """What followed made it needless: the job succeeded within its hold, or a newer event of the
    job is told instead."""

    @property
    def is_over(self) -> bool:
        """Whether no automatic attempt will follow."""
        return self not in (DeliveryState.PENDING, DeliveryState.SENDING)


class AttemptTrigger(StrEnum):
    """Cause of an attempt."""

    SCHEDULED = "scheduled"
    """The event, or the retry schedule."""
    MANUAL = "manual"
    """Somebody redelivered it, alone or with others. The retries after that are scheduled again."""
    TEST = "test"
    """A test that a user asked for."""


MOVES: dict[tuple[DeliveryState, DeliveryState], str] = {
    (DeliveryState.PENDING, DeliveryState.SENDING): "claimed by a worker",
    (DeliveryState.PENDING, DeliveryState.CANCELED): "webhook deleted or deactivated",
    (DeliveryState.PENDING, DeliveryState.SUCCEEDED): "acknowledged by its consumer",
    (DeliveryState.PENDING, DeliveryState.SUPERSEDED): (
        "the job succeeded within the hold, or a newer event of it is sent instead"
    ),
    (DeliveryState.SENDING, DeliveryState.SUPERSEDED): (
        "claimed for a retry, and a newer event of the job is sent instead"
    ),
    (DeliveryState.SENDING, DeliveryState.SUCCEEDED): "answered with a 2xx",
    (DeliveryState.SENDING, DeliveryState.PENDING): "failed, will be retried; released; lease over",
    (DeliveryState.SENDING, DeliveryState.FAILED): (
        "the last scheduled attempt failed, or 410 Gone, or a test failed or was abandoned"
    ),
    (DeliveryState.SENDING, DeliveryState.CANCELED): "failed, and the webhook is no longer active",
    (DeliveryState.SUCCEEDED, DeliveryState.PENDING): "redelivered by hand, though it arrived",
    (DeliveryState.FAILED, DeliveryState.PENDING): "redelivered by hand",
    (DeliveryState.CANCELED, DeliveryState.PENDING): "redelivered by hand after all",
    (DeliveryState.SKIPPED, DeliveryState.PENDING): "redelivered by hand, now that it can be",
    (DeliveryState.SUPERSEDED, DeliveryState.PENDING): "redelivered by hand, whatever followed",
}
"""Every legal move, with what causes it."""

LONGEST_LEASE = timedelta(minutes=5)
"""A claim lasts no longer than this from now, whatever the database's clock said when it was made;
leases are shorter."""
UNSENT_STATES = (DeliveryState.FAILED, DeliveryState.CANCELED, DeliveryState.SKIPPED)
"""In these a delivery has not arrived though it should have, and no automatic attempt will
follow."""
INITIAL_STATES = (
    DeliveryState.PENDING,
    DeliveryState.SKIPPED,
    DeliveryState.SENDING,
    DeliveryState.SUPERSEDED,
)
"""Sending is where tests begin, and what is claimed as it is added; superseded, what was healed as
soon as it was known."""


def move_delivery(before: DeliveryState, after: DeliveryState) -> DeliveryState:
    """Pass the state after a move, if it is a legal one.

    Raises:
        ValueError: it is not in ``MOVES``.
    """
    if (before, after) not in MOVES:
        raise ValueError(f"a delivery never moves from {before} to {after}")
    return after


class Claim(NamedTuple):
    """A worker's hold on a delivery, from when it was claimed until it is recorded or given back.

    Each claim of a delivery has the next number, so that a late holder differs from the one that
    followed it.
    """

    delivery_id: DeliveryId
    number: int


FIRST_CLAIM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a worker needs to know of a delivery to attempt it."""

    id: DeliveryId
    claim_number: int
    account_id: AccountId
    webhook_id: WebhookId
    run_id: RunId | None
    """None for a notice, which is not about a run."""
    event_type: EventType
    rendered: Rendered = field(repr=False)
    """The payload, rendered when the event happened; every attempt sends it."""
    attempt_count: int
    """Attempts made and recorded so far."""
    attempts_before: int = 0
    """Those of them that were made before it was redelivered by hand; its retry schedule counts
    only what came after."""
    next_trigger: AttemptTrigger = AttemptTrigger.SCHEDULED
    """Cause of the next attempt."""

    @property
    def claim(self) -> Claim:
        """The hold under which it is sent."""
        return Claim(self.id, self.claim_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP request of a delivery, and its outcome."""

    delivery_id: DeliveryId
    number: int
    """Counted from 1."""
    trigger: AttemptTrigger
    sent_at: datetime
    request_headers: dict[str, str]
    outcome: Outcome

    @property
    def ended_at(self) -> datetime:
        """When it was over, on the clock that ``sent_at`` is from."""
        return self.sent_at + self.outcome.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's name and how long its claims last."""

    owner: str
    duration: timedelta


def check_redelivery(state: DeliveryState, *, is_test: bool, is_active: bool) -> None:
    """Check that a delivery can be redelivered by hand; a pending one is then attempted now.

    Args:
        state: the delivery's.
        is_test: whether the delivery is a test.
        is_active: whether its webhook is.

    Raises:
        ConflictError: the delivery is being sent, is a test, or its webhook is not active.
    """
    if is_test:
        raise ConflictError("This is a test delivery; send another test instead.")
    if not is_active:
        raise ConflictError("The webhook is not active; set it active first, then redeliver.")
    if state is DeliveryState.SENDING:
        raise ConflictError("The delivery is being sent right now; look again in a moment.")
