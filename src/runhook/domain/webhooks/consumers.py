"""Consumers: webhooks whose deliveries are fetched, for receivers that no request can reach.

A consumer is a webhook with `consume:` and its name where others have a URL. What it selects, the
bytes and the signatures are as ever; no request leaves. A delivery waits until its consumer has
acknowledged it, so that nothing is skipped, whichever transaction commits late, and nothing is lost
with a consumer that stops between reading and acknowledging: it reads the same again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.errors import ConflictError, InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Audience
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, RunId
from runhook.domain.webhooks.options import OPTIONS
from runhook.domain.webhooks.webhook import CONSUME, Webhook

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
NAME_RULE = "up to 63 small letters, digits, dots, dashes and underscores, as in `consume:laptop`"
UNREAD_FOR = timedelta(days=7)
"""How long a consumer may not be read until it is deactivated."""
UNREAD_REASON = f"The consumer has not been read for {UNREAD_FOR.days} days."
EXPIRED_REASON = "The consumer has not acknowledged it within the retention period."
LONGEST_WAIT = 30
"""Seconds that a read may wait for something to come."""
LARGEST_BATCH = 100
"""How many deliveries one read returns at most."""
LARGEST_READ = 1 << 20
"""Bytes of the bodies that one read returns at most, but for a single one that is larger."""
MOST_ACKNOWLEDGED = 1_000
"""How many deliveries one request acknowledges at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A consumer, and how far it is."""

    webhook_id: WebhookId
    account_id: AccountId
    name: str
    active: bool
    deactivate_reason: str | None
    """None while it is active."""
    read_at: datetime
    """When it was read last, to the minute; when it was created, if never."""
    was_read: bool
    """Whether anything has read it."""
    reader_number: int
    """How many readers have taken it over: the number of the one that may read it."""
    missed_count: int
    """How many deliveries were given up unread, as they were older than the retention."""
    missed_until: datetime | None
    """When the newest of those was made; None if there is none."""

    @property
    def ends_at(self) -> datetime:
        """When it is deactivated unless it is read before."""
        return self.read_at + UNREAD_FOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The place of a delivery among those that wait for its consumer."""

    id: DeliveryId
    run_id: RunId | None
    event_sequence: int | None
    """Which of its run's events it tells; None for a test and a notice, which have no run."""
    size: int
    """Bytes of its body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A delivery as its consumer gets it."""

    id: DeliveryId
    event_type: EventType
    is_test: bool
    created_at: datetime
    headers: Mapping[str, str]
    """Those that a request would have, signed just now."""
    body: bytes


def check_consumer_url(url: str, format_name: str) -> str:
    """Check the address of a consumer, and that its webhook's format is one for consumers.

    Raises:
        InvalidError: what is behind `consume:` is not a name, or the format is for people or for a
            service.
    """
    format_ = FORMATS[format_name]
    if format_.audience is not Audience.PROGRAMS or format_.url_is_secret:
        raise InvalidError(
            f"a consumer cannot have what is sent as `{format_.name}`; "
            "choose dbt_cloud, standard_webhooks, cloudevents or cloudevents_binary",
            field="format",
        )
    if not NAME.fullmatch(url.removeprefix(CONSUME)):
        raise InvalidError(f"a consumer's name has {NAME_RULE}", field="client_url")
    return url


def check_consumed(webhook: Webhook) -> Webhook:
    """Check that a webhook has nothing that its consumer has no use for, if it has one.

    Raises:
        InvalidError: an option is not for consumers.
    """
    for one in OPTIONS if webhook.is_consumed else ():
        if not one.is_for_consumers and getattr(webhook.options, one.name) != one.default:
            raise InvalidError("a consumer has no use for it; leave it out", field=one.name)
    return webhook


def check_same_consumer(before: Webhook, after: Webhook) -> Webhook:
    """Check that a webhook keeps its consumer, or goes on without one.

    Raises:
        InvalidError: its pending deliveries would go elsewhere, or the other way round.
    """
    is_concerned = before.is_consumed or after.is_consumed
    if before.client_url and is_concerned and before.client_url != after.client_url:
        raise InvalidError(
            "a consumer keeps its address, and a webhook that sends requests never becomes one; "
            "create another webhook",
            field="client_url",
        )
    return after


def in_order_of_runs(found: Sequence[Queued], of_runs: Sequence[Queued]) -> Sequence[Queued]:
    """Put waiting deliveries into an order in which no event of a run precedes an earlier one.

    Args:
        found: the first that wait, as they became due. A clock that was set back between two events
            of a run has turned them round there.
        of_runs: all that waits of the runs to which that happened.
    """
    earlier: dict[RunId | None, list[Queued]] = {}
    for one in sorted(of_runs, key=lambda one: one.event_sequence or 0):
        earlier.setdefault(one.run_id, []).append(one)
    placed: dict[DeliveryId, Queued] = {}
    for one in found:
        for other in earlier.get(one.run_id, ()):
            if (other.event_sequence or 0) < (one.event_sequence or 0):
                placed.setdefault(other.id, other)
        placed.setdefault(one.id, one)
    return list(placed.values())


def check_reader(consumer: Consumer, reader: int | None) -> None:
    """Check that no other reader has taken a consumer over.

    Args:
        consumer: as it is now.
        reader: the number that the reader was given; None if it never took the consumer over.

    Raises:
        ConflictError: another one has.
    """
    if reader not in (None, consumer.reader_number):
        raise ConflictError(
            f"Another program reads the consumer {consumer.name} now, which has one reader at a "
            "time. Give each program a consumer of its own: then each gets every event."
        )


def fitting(sizes: Sequence[int]) -> int:
    """How many of the first bodies one read returns, by their sizes in bytes."""
    total = 0
    for position, size in enumerate(sizes):
        total += size
        if position and total > LARGEST_READ:
            return position
    return len(sizes)
