"""What consumers read and acknowledge, as JSON."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from runhook.domain.webhooks.consumers import Consumer, Fetched
from runhook.operations.deliveries.consume import FetchedBatch
from runhook.server.api.wire import NO_NUL, Envelope

MOST_READERS = 2**31 - 1
"""The largest number of a reader that the database holds."""
DeliveryIdIn = Annotated[str, Meta(max_length=100, pattern=NO_NUL)]


class FetchedOut(Struct, kw_only=True):
    """A delivery: what a request to an endpoint would have, in `headers` and `body`."""

    id: str
    event_type: str
    is_test: bool
    created_at: datetime
    headers: dict[str, str]
    body: str


class MissedOut(Struct, kw_only=True):
    """What a consumer will never get, as it was older than the retention; the count only grows."""

    count: int
    until: datetime | None


class ConsumerOut(Struct, kw_only=True):
    """A consumer, and how far it is."""

    name: str
    webhook_id: str
    active: bool
    deactivate_reason: str | None
    read_at: datetime
    missed: MissedOut


class AcknowledgeIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """Ids of deliveries that the consumer is done with."""

    ids: list[DeliveryIdIn]
    reader: Annotated[int, Meta(ge=1, le=MOST_READERS)] | None = None
    """The number of this reader; 409 if another has taken over since."""


class ReaderOut(Struct, kw_only=True):
    """The number of a reader, to be sent with each read and acknowledgement."""

    reader: int


class AcknowledgedOut(Struct, kw_only=True):
    """How many of them had waited until now."""

    acknowledged: int


def fetched_out(fetched: Fetched) -> FetchedOut:
    """Show a delivery."""
    return FetchedOut(
        id=fetched.id,
        event_type=fetched.event_type,
        is_test=fetched.is_test,
        created_at=fetched.created_at,
        headers=dict(fetched.headers),
        body=fetched.body.decode(),
    )


def batch_out(batch: FetchedBatch) -> Envelope[list[FetchedOut]]:
    """Show what a read returns."""
    missed = missed_out(batch.consumer)
    extra: dict[str, Any] = {"more": batch.is_more, "missed": missed}
    return Envelope(data=[fetched_out(one) for one in batch.fetched], extra=extra)


def consumer_out(consumer: Consumer) -> ConsumerOut:
    """Show a consumer."""
    return ConsumerOut(
        name=consumer.name,
        webhook_id=consumer.webhook_id,
        active=consumer.active,
        deactivate_reason=consumer.deactivate_reason,
        read_at=consumer.read_at,
        missed=missed_out(consumer),
    )


def missed_out(consumer: Consumer) -> MissedOut:
    """Show what a consumer has missed."""
    return MissedOut(count=consumer.missed_count, until=consumer.missed_until)
