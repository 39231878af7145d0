"""Let consumers fetch their deliveries, and acknowledge it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from runhook.domain.deliveries.attempt_counts import AttemptCounts, hour_of
from runhook.domain.errors import ConflictError, InvalidError, NotFoundError
from runhook.domain.messages.notices import Deactivation
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.consumers import (
    MOST_ACKNOWLEDGED,
    UNREAD_FOR,
    UNREAD_REASON,
    Consumer,
    Fetched,
    check_reader,
)
from runhook.domain.webhooks.requests import signed_request
from runhook.domain.webhooks.webhook import Endpoint
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.deliveries.deactivate import cancel_for_inactive, deactivate
from runhook.operations.people.permitted import permitted
from runhook.operations.service.keep_time import trusted_moment
from runhook.storage.deliveries.consuming import (
    Read,
    WaitingDelivery,
    WaitingPage,
    end_waiting,
    first_waiting,
    note_read,
    number_reader,
    read_consumer,
    unread_consumers,
)
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.webhooks.rows import find_endpoint, lock_webhooks
from runhook.storage.webhooks.statistics import CountedHour, add_attempt_counts

STEP = 20
"""How many consumers one step deactivates at most."""


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """What one read returns."""

    consumer: Consumer
    fetched: Sequence[Fetched]
    is_more: bool
    """Whether more waits behind these."""


@repeats_contended
async def take_over(context: Context, account_id: AccountId, name: str) -> int:
    """Give a consumer a new reader; return its number, which the readers before it do not have.

    Raises:
        NotFoundError: the account has no such consumer.
    """
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        number = await number_reader(tx, account_id, name)
        if number is None:
            raise no_such_consumer(name)
        return number


async def fetch(
    context: Context, account_id: AccountId, name: str, *, limit: int, reader: int | None = None
) -> FetchedBatch:
    """Return the first deliveries that a consumer has not acknowledged; they stay where they are.

    Args:
        context: who reads.
        account_id: whose consumer it is.
        name: the consumer's.
        limit: how many at most.
        reader: the number that ``take_over`` gave the reader; None if it did not take over.

    Raises:
        NotFoundError: the account has no such consumer.
        ConflictError: it is not active, its secret cannot be opened, or another reader has taken it
            over.
    """

    async def look(tx: Transaction) -> tuple[Read, Endpoint, WaitingPage]:
        found = await existing_consumer(tx, account_id, name)
        webhook_id = found.consumer.webhook_id
        endpoint = await find_endpoint(tx, account_id, webhook_id)
        if endpoint is None:
            raise NotFoundError
        return found, endpoint, await first_waiting(tx, webhook_id, limit=limit)

    found, endpoint, page = await context.store.query(look)
    check_reader(found.consumer, reader)
    check_readable(found.consumer, endpoint)
    if found.is_news:
        await note_reading(context, found.consumer)
    now = context.clock.now()
    fetched = [fetched_of(one, endpoint, now) for one in page.waiting]
    return FetchedBatch(found.consumer, fetched, page.is_more)


def check_readable(consumer: Consumer, endpoint: Endpoint) -> None:
    """Check that a consumer can be read.

    Raises:
        ConflictError: it is not active, or nothing can be signed for it.
    """
    if not consumer.active:
        raise ConflictError(
            f"The consumer {consumer.name} is not active: {consumer.deactivate_reason} "
            f"Set its webhook {consumer.webhook_id} active to go on."
        )
    if endpoint.is_sealed:
        raise ConflictError(
            "The consumer's secret was encrypted with a master key that is not there. "
            "Bring that key back, or rotate the secret."
        )


def fetched_of(waiting: WaitingDelivery, endpoint: Endpoint, now: datetime) -> Fetched:
    """A delivery with the headers that its request would have."""
    request = signed_request(endpoint, waiting.rendered, delivery_id=waiting.id, now=now)
    return Fetched(
        id=waiting.id,
        event_type=waiting.event_type,
        is_test=waiting.is_test,
        created_at=waiting.created_at,
        headers=request.headers,
        body=request.body,
    )


@repeats_contended
async def note_reading(context: Context, consumer: Consumer) -> None:
    """Note that a consumer is in use."""
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        await note_read(tx, consumer.webhook_id)


@repeats_contended
async def acknowledge(
    context: Context,
    account_id: AccountId,
    name: str,
    ids: Collection[DeliveryId],
    *,
    reader: int | None = None,
) -> int:
    """End deliveries that a consumer is done with; return how many waited for it until now.

    Raises:
        NotFoundError: the account has no such consumer.
        InvalidError: these are too many at once.
        ConflictError: another reader than the one with this number has taken the consumer over.
    """
    if len(ids) > MOST_ACKNOWLEDGED:
        raise InvalidError(
            f"{len(ids):,} are too many at once; {MOST_ACKNOWLEDGED:,} at most", field="ids"
        )
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        consumer = (await existing_consumer(tx, account_id, name)).consumer
        check_reader(consumer, reader)
        are_tests = await end_waiting(tx, consumer.webhook_id, ids)
        await count_acknowledged(tx, consumer, are_tests.count(False), now=context.clock.now())
        return len(are_tests)


async def count_acknowledged(
    tx: Transaction, consumer: Consumer, count: int, *, now: datetime
) -> None:
    """Count what a consumer has acknowledged where attempts of other webhooks are counted."""
    if count:
        counted = CountedHour(
            account_id=consumer.account_id,
            webhook_id=consumer.webhook_id,
            hour=hour_of(now),
            counts=AttemptCounts(succeeded=count),
        )
        await add_attempt_counts(tx, [counted])


async def existing_consumer(tx: Transaction, account_id: AccountId, name: str) -> Read:
    """Find a consumer, or raise NotFoundError."""
    found = await read_consumer(tx, account_id, name)
    if found is None:
        raise no_such_consumer(name)
    return found


def no_such_consumer(name: str) -> NotFoundError:
    """The error of a consumer that is not there."""
    return NotFoundError(f"There is no consumer {name[:80]} in this account.")


@repeats_contended
async def end_unread(store: Store, *, now: datetime, public_url: str | None = None) -> int:
    """Deactivate consumers that nothing has read for ``UNREAD_FOR``; return how many.

    None ends as long as the database's clock cannot be trusted.
    """
    if await trusted_moment(store) is None:
        return 0
    async with store.write() as tx:
        unread = {one.webhook_id: one for one in await unread_consumers(tx, UNREAD_FOR, limit=STEP)}
        if not unread:
            return 0
        ending = [one for one in await lock_webhooks(tx, unread.keys()) if one.active]
        notices = [
            Deactivation(
                account_id=one.account_id,
                webhook_id=one.id,
                webhook_name=one.name,
                reason=UNREAD_REASON,
                failing_since=unread[one.id].read_at,
                consecutive_failures=0,
                occurred_at=now,
            )
            for one in ending
        ]
        await deactivate(tx, notices, now=now, public_url=public_url)
        await cancel_for_inactive(tx, [one.id for one in ending])
    return len(ending)
