"""Deliveries and their attempts as a log: added at publish, read by people, pruned in the end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from runhook.domain.deliveries import DeliveryId, DeliveryState
from runhook.domain.events import Event, EventType
from runhook.domain.judging import FailureReason
from runhook.domain.runs import AccountId, JobId, RunId
from runhook.domain.webhooks import WebhookId
from runhook.storage.store import Clock, Transaction
from runhook.storage.tables import IS_PENDING, attempts, deliveries, webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """What publishing adds: one event for one webhook, with the final bytes."""

    id: DeliveryId
    webhook_id: WebhookId
    event: Event
    body: bytes
    state: DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDelivery:
    """A delivery as Recent Deliveries shows it."""

    id: DeliveryId
    account_id: AccountId
    webhook_id: WebhookId
    run_id: RunId
    job_id: JobId
    event_type: EventType
    state: DeliveryState
    body: bytes
    attempt_count: int
    next_attempt_at: datetime | None
    http_status_code: int | None
    failure: FailureReason | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAttempt:
    """An attempt as Recent Deliveries shows it."""

    delivery_id: DeliveryId
    number: int
    sent_at: datetime
    duration: timedelta
    http_status_code: int | None
    failure: FailureReason | None
    error: str
    request_headers: dict[str, str]
    response_headers: dict[str, str]
    response_body: bytes


async def insert_deliveries(tx: Transaction, new: Sequence[NewDelivery]) -> None:
    """Add deliveries; pending ones are due at once, on the database's clock."""
    await tx.execute(
        sa.insert(deliveries).values(
            next_attempt_at=sa.case((sa.bindparam("is_due", type_=sa.Boolean), tx.now))
        ),
        [
            {
                "id": one.id,
                "account_id": one.event.run.account_id,
                "webhook_id": one.webhook_id,
                "run_id": one.event.run.id,
                "event_sequence": one.event.sequence,
                "event_type": one.event.type,
                "job_id": one.event.run.job.id,
                "is_test": False,
                "state": one.state,
                "is_due": one.state is DeliveryState.PENDING,
                "body": one.body,
                "attempt_count": 0,
                "created_at": one.event.occurred_at,
                "updated_at": one.event.occurred_at,
            }
            for one in new
        ],
    )


async def list_deliveries(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId, *, limit: int, offset: int
) -> Sequence[LoggedDelivery]:
    """Return a page of a webhook's deliveries, the newest first."""
    rows = await tx.execute(
        sa.select(deliveries)
        .where(deliveries.c.account_id == account_id, deliveries.c.webhook_id == webhook_id)
        .order_by(deliveries.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [logged_delivery_of(row) for row in rows]


async def find_delivery(
    tx: Transaction, account_id: AccountId, delivery_id: DeliveryId
) -> LoggedDelivery | None:
    """Return a delivery of this account."""
    row = (
        await tx.execute(
            sa.select(deliveries).where(
                deliveries.c.account_id == account_id, deliveries.c.id == delivery_id
            )
        )
    ).one_or_none()
    return None if row is None else logged_delivery_of(row)


async def list_attempts(tx: Transaction, delivery_id: DeliveryId) -> Sequence[LoggedAttempt]:
    """Return a delivery's attempts in their order."""
    rows = await tx.execute(
        sa.select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
    )
    return [LoggedAttempt(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


async def cancel_pending_of_inactive(
    tx: Transaction, webhook_ids: Collection[WebhookId], *, now: datetime | Clock
) -> None:
    """Cancel what waits to be sent to those of these webhooks that are no longer active."""
    inactive = sa.select(webhooks.c.id).where(
        webhooks.c.id.in_(list(webhook_ids)), ~webhooks.c.active
    )
    await tx.execute(
        sa.update(deliveries)
        .where(IS_PENDING, deliveries.c.webhook_id.in_(inactive))
        .values(state=DeliveryState.CANCELED, next_attempt_at=None, updated_at=now)
    )


async def delete_old_deliveries(tx: Transaction, *, before: DeliveryId, limit: int) -> int:
    """Delete finished deliveries whose ids sort before one, with their attempts."""
    under_way = (DeliveryState.PENDING, DeliveryState.SENDING)
    old = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.id < before, deliveries.c.state.not_in(under_way))
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return (await tx.execute(sa.delete(deliveries).where(deliveries.c.id.in_(old)))).rowcount


def logged_delivery_of(row: sa.Row[Any]) -> LoggedDelivery:
    """Return the delivery in a row."""
    return LoggedDelivery(
        id=row.id,
        account_id=row.account_id,
        webhook_id=row.webhook_id,
        run_id=row.run_id,
        job_id=row.job_id,
        event_type=row.event_type,
        state=row.state,
        body=row.body,
        attempt_count=row.attempt_count,
        next_attempt_at=row.next_attempt_at,
        http_status_code=row.http_status_code,
        failure=row.failure,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
