"""Deliveries: one event for one webhook, a durable row with the final bytes, and its states.

The rules:
1. Every move between states is in ``MOVES``; there is no other list.
2. Only the worker that holds the lease may end an attempt.
3. Of one run's deliveries to one webhook, a later one waits until the earlier ones have had their
   first attempt. No other order is promised.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from runhook.domain.events import EventType
from runhook.domain.judging import Outcome
from runhook.domain.runs import AccountId, RunId
from runhook.domain.webhooks import WebhookId

DeliveryId = NewType("DeliveryId", str)
"""`wev_` and a KSUID: the event id on the wire, equal on every attempt."""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    """Waits for its next attempt."""
    SENDING = "sending"
    """A worker holds it."""
    SUCCEEDED = "succeeded"
    """The endpoint answered with a 2xx."""
    FAILED = "failed"
    """The last scheduled attempt failed."""
    CANCELED = "canceled"
    """The webhook was deleted or deactivated before it could be sent."""
    SKIPPED = "skipped"
    """The webhook was inactive when the event happened."""

    @property
    def is_over(self) -> bool:
        """Whether no automatic attempt will follow."""
        return self not in (DeliveryState.PENDING, DeliveryState.SENDING)


MOVES: dict[tuple[DeliveryState, DeliveryState], str] = {
    (DeliveryState.PENDING, DeliveryState.SENDING): "claimed by a worker",
    (DeliveryState.PENDING, DeliveryState.CANCELED): "webhook deleted or deactivated",
    (DeliveryState.SENDING, DeliveryState.SUCCEEDED): "answered with a 2xx",
    (DeliveryState.SENDING, DeliveryState.PENDING): "failed, will be retried; released; lease over",
    (DeliveryState.SENDING, DeliveryState.FAILED): "the last scheduled attempt failed, or 410 Gone",
    (DeliveryState.SENDING, DeliveryState.CANCELED): "failed, and the webhook is no longer active",
}
"""Every legal move, with what causes it."""

INITIAL_STATES = (DeliveryState.PENDING, DeliveryState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a worker needs to know of a delivery to attempt it."""

    id: DeliveryId
    account_id: AccountId
    webhook_id: WebhookId
    run_id: RunId
    event_type: EventType
    body: bytes = field(repr=False)
    """The final bytes, rendered when the event happened."""
    attempt_count: int
    """Attempts made and recorded so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP request of a delivery and what came of it."""

    delivery_id: DeliveryId
    number: int
    """Counted from 1."""
    sent_at: datetime
    request_headers: dict[str, str]
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's hold on what it claims."""

    owner: str
    duration: timedelta
