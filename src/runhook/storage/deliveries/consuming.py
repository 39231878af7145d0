"""Deliveries of consumers: read, acknowledged, and given up when it is too old."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import DeliveryState, move_delivery
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, RunId
from runhook.domain.webhooks.consumers import (
    EXPIRED_REASON,
    Consumer,
    Queued,
    fitting,
    in_order_of_runs,
)
from runhook.domain.webhooks.webhook import CONSUME, Webhook
from runhook.storage.deliveries.backlog import COUNTED, count_of
from runhook.storage.deliveries.rows import rendered_of
from runhook.storage.engine.claimable import earlier_of_run
from runhook.storage.engine.columns import Duration, UtcDateTime
from runhook.storage.engine.rows import count_rows
from runhook.storage.engine.store import Clock, Transaction, after
from runhook.storage.engine.tables import IS_PENDING, consumers, deliveries, webhooks

NOTED_EVERY = timedelta(minutes=1)
"""A read within so long of the last one that was noted is not noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A consumer, as a read finds it."""

    consumer: Consumer
    is_news: bool
    """Whether it has not been read for ``NOTED_EVERY``, or never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDelivery:
    """A delivery that waits for its consumer."""

    id: DeliveryId
    event_type: EventType
    is_test: bool
    created_at: datetime
    rendered: Rendered = field(repr=False)


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """The first deliveries that a consumer has not acknowledged."""

    waiting: Sequence[WaitingDelivery]
    is_more: bool
    """Whether more waits behind these."""


@dataclass(frozen=True, slots=True)
class ConsumerProgress:
    """How far a consumer is."""

    consumer: Consumer
    waiting: int
    """How many deliveries wait for it, counted up to ``COUNTED``."""
    waiting_since: datetime | None
    """When the oldest of them became due; None if none waits."""

    @property
    def is_whole(self) -> bool:
        """Whether all that wait were counted."""
        return self.waiting < COUNTED


async def insert_consumer(tx: Transaction, webhook: Webhook) -> None:
    """Give a new webhook its consumer."""
    await tx.execute(
        sa.insert(consumers).values(
            webhook_id=webhook.id,
            account_id=webhook.account_id,
            name=webhook.client_url.removeprefix(CONSUME),
            read_at=tx.now,
            was_read=False,
        )
    )


async def count_consumers(tx: Transaction, account_id: AccountId) -> int:
    """Count an account's consumers."""
    return await count_rows(consumers, consumers.c.account_id == account_id, tx=tx)


async def list_consumers(tx: Transaction, account_id: AccountId) -> Sequence[Consumer]:
    """An account's consumers, by name."""
    rows = await tx.execute(
        select_consumers(tx.now)
        .where(consumers.c.account_id == account_id)
        .order_by(consumers.c.name)
    )
    return [consumer_of(row) for row in rows]


async def progress_of(
    tx: Transaction, account_id: AccountId, webhook_ids: Collection[WebhookId]
) -> Mapping[WebhookId, ConsumerProgress]:
    """How far the consumers of these webhooks are; other webhooks have none."""
    waiting = (IS_PENDING, deliveries.c.webhook_id == webhooks.c.id)
    oldest = sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(*waiting)
    rows = await tx.execute(
        select_consumers(tx.now)
        .add_columns(
            count_of(*waiting).label("waiting"), oldest.scalar_subquery().label("waiting_since")
        )
        .where(consumers.c.account_id == account_id, consumers.c.webhook_id.in_(list(webhook_ids)))
    )
    return {
        row.webhook_id: ConsumerProgress(consumer_of(row), row.waiting, row.waiting_since)
        for row in rows
    }


async def read_consumer(tx: Transaction, account_id: AccountId, name: str) -> Read | None:
    """Find a consumer of this account."""
    rows = await tx.execute(
        select_consumers(tx.now).where(
            consumers.c.account_id == account_id, consumers.c.name == name
        )
    )
    row = rows.one_or_none()
    return None if row is None else Read(consumer=consumer_of(row), is_news=bool(row.is_news))


@lru_cache
def select_consumers(now: Clock) -> sa.Select[Any]:
    """Query of consumers, to be narrowed."""
    noted_until = after(now, sa.literal(-NOTED_EVERY, Duration))
    return sa.select(
        consumers,
        webhooks.c.active,
        webhooks.c.deactivate_reason,
        sa.or_(consumers.c.read_at < noted_until, ~consumers.c.was_read).label("is_news"),
    ).join(webhooks, webhooks.c.id == consumers.c.webhook_id)


def consumer_of(row: sa.Row[Any]) -> Consumer:
    """The consumer in a row."""
    return Consumer(
        webhook_id=row.webhook_id,
        account_id=row.account_id,
        name=row.name,
        active=row.active,
        deactivate_reason=row.deactivate_reason,
        read_at=row.read_at,
        was_read=row.was_read,
        reader_number=row.reader_number,
        missed_count=row.missed_count,
        missed_until=row.missed_until,
    )


async def note_read(tx: Transaction, webhook_id: WebhookId) -> None:
    """Note that a consumer is read now."""
    await tx.execute(
        sa.update(consumers)
        .where(consumers.c.webhook_id == webhook_id)
        .values(read_at=tx.now, was_read=sa.true())
    )


async def number_reader(tx: Transaction, account_id: AccountId, name: str) -> int | None:
    """Give a consumer a new reader; return its number, None if there is no such consumer."""
    rows = await tx.execute(
        sa.update(consumers)
        .where(consumers.c.account_id == account_id, consumers.c.name == name)
        .values(
            reader_number=consumers.c.reader_number + sa.literal_column("1"),
            read_at=tx.now,
            was_read=sa.true(),
        )
        .returning(consumers.c.reader_number)
    )
    number: int | None = rows.scalar_one_or_none()
    return number


async def first_waiting(tx: Transaction, webhook_id: WebhookId, *, limit: int) -> WaitingPage:
    """The first deliveries that wait for a consumer, as they became due, and in order within a run.

    Bodies are only read of those that ``fitting`` lets through.
    """
    rows = (
        await tx.execute(
            select_queued(webhook_id)
            .add_columns(is_early().label("is_early"))
            .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
            .limit(limit + 1)
        )
    ).all()
    early = {row.run_id for row in rows if row.is_early}
    of_runs = await waiting_of_runs(tx, webhook_id, early) if early else []
    found = in_order_of_runs([queued_of(row) for row in rows], of_runs)
    ids = [one.id for one in found[: fitting([one.size for one in found[:limit]])]]
    waiting = await read_waiting(tx, ids) if ids else []
    return WaitingPage(waiting, is_more=len(ids) < len(found))


def select_queued(webhook_id: WebhookId) -> sa.Select[Any]:
    """Query of the places of the deliveries that wait for a consumer, to be narrowed."""
    return sa.select(
        deliveries.c.id,
        deliveries.c.run_id,
        deliveries.c.event_sequence,
        sa.func.length(deliveries.c.body).label("size"),
    ).where(IS_PENDING, deliveries.c.webhook_id == webhook_id)


def is_early() -> sa.ColumnElement[bool]:
    """Whether a delivery became due before one that waits and tells an earlier event of its run.

    Clocks do that which are set back, and events of one moment, whose ids have no order.
    """
    earlier = deliveries.alias("earlier")
    place = sa.tuple_(deliveries.c.next_attempt_at, deliveries.c.id)
    overtaken = earlier_of_run(
        earlier,
        earlier.c.state == sa.literal_column(f"'{DeliveryState.PENDING}'"),
        sa.tuple_(earlier.c.next_attempt_at, earlier.c.id) > place,
    )
    return overtaken.is_not(None)


async def waiting_of_runs(
    tx: Transaction, webhook_id: WebhookId, run_ids: Collection[RunId]
) -> Sequence[Queued]:
    """All that waits for a consumer and tells of these runs."""
    rows = await tx.execute(select_queued(webhook_id).where(deliveries.c.run_id.in_(list(run_ids))))
    return [queued_of(row) for row in rows]


def queued_of(row: sa.Row[Any]) -> Queued:
    """The place in a row."""
    return Queued(id=row.id, run_id=row.run_id, event_sequence=row.event_sequence, size=row.size)


async def read_waiting(tx: Transaction, ids: Sequence[DeliveryId]) -> Sequence[WaitingDelivery]:
    """Read deliveries; they come in the order of ``ids``, without those that are gone."""
    columns = deliveries.c
    rows = await tx.execute(
        sa.select(
            columns.id,
            columns.event_type,
            columns.is_test,
            columns.created_at,
            columns.body,
            columns.envelope,
        ).where(columns.id.in_(ids))
    )
    found = {
        row.id: WaitingDelivery(
            id=row.id,
            event_type=row.event_type,
            is_test=row.is_test,
            created_at=row.created_at,
            rendered=rendered_of(row.body, row.envelope),
        )
        for row in rows
    }
    return [found[one] for one in ids if one in found]


async def end_waiting(
    tx: Transaction, webhook_id: WebhookId, ids: Collection[DeliveryId]
) -> Sequence[bool]:
    """End what a consumer acknowledges, as far as it waits for it.

    Returns:
        of each that did, whether it was a test.
    """
    rows = await tx.execute(
        sa.update(deliveries)
        .where(
            tx.locked(
                deliveries,
                deliveries.c.id.in_(list(ids)),
                deliveries.c.webhook_id == webhook_id,
                deliveries.c.state == DeliveryState.PENDING,
            )
        )
        .values(
            state=move_delivery(DeliveryState.PENDING, DeliveryState.SUCCEEDED),
            next_attempt_at=None,
            updated_at=tx.now,
        )
        .returning(deliveries.c.is_test)
    )
    return rows.scalars().all()


async def expire_waiting(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Cancel some of what has waited for consumers since before a time; return how many.

    Each consumer is told how many it has missed, and until when. Of one that a user has returned to
    the queue, the time of that counts.
    """
    old = (
        sa.select(deliveries.c.id)
        .join(consumers, consumers.c.webhook_id == deliveries.c.webhook_id)
        .where(IS_PENDING, deliveries.c.next_attempt_at < before)
        .limit(limit)
    )
    rows = (
        await tx.execute(
            sa.update(deliveries)
            .where(tx.locked(deliveries, deliveries.c.id.in_(old), IS_PENDING))
            .values(
                state=move_delivery(DeliveryState.PENDING, DeliveryState.CANCELED),
                next_attempt_at=None,
                cancel_reason=EXPIRED_REASON,
                updated_at=tx.now,
            )
            .returning(deliveries.c.webhook_id, deliveries.c.created_at)
        )
    ).all()
    missed: dict[WebhookId, list[datetime]] = {}
    for row in rows:
        missed.setdefault(row.webhook_id, []).append(row.created_at)
    for webhook_id in sorted(missed):
        await note_missed(tx, webhook_id, missed[webhook_id])
    return len(rows)


async def note_missed(tx: Transaction, webhook_id: WebhookId, made_at: Sequence[datetime]) -> None:
    """Note that a consumer has missed deliveries that were made at these times."""
    newest = sa.literal(max(made_at), UtcDateTime)
    before = consumers.c.missed_until
    await tx.execute(
        sa.update(consumers)
        .where(consumers.c.webhook_id == webhook_id)
        .values(
            missed_count=consumers.c.missed_count + len(made_at),
            missed_until=sa.case((before > newest, before), else_=newest),
        )
    )


async def unread_consumers(
    tx: Transaction, unread_for: timedelta, *, limit: int
) -> Sequence[Consumer]:
    """Consumers of active webhooks that nothing has read for so long."""
    since = after(tx.now, sa.literal(-unread_for, Duration))
    rows = await tx.execute(
        select_consumers(tx.now)
        .where(consumers.c.read_at < since, webhooks.c.active)
        .order_by(consumers.c.read_at)
        .limit(limit)
    )
    return [consumer_of(row) for row in rows]
