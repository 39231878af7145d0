"""Redeliveries: what each is about, and how far its shares have come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import (
    Candidate,
    LogPlace,
    Obstacle,
    Picked,
    Redelivery,
    RedeliveryId,
    RedeliveryProgress,
    RedeliveryShare,
    RedeliveryState,
    Selection,
)
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId
from runhook.domain.service.timekeeping import SET_BACK
from runhook.storage.engine.columns import Duration, UtcDateTime
from runhook.storage.engine.rows import count_rows, delete_oldest
from runhook.storage.engine.store import Clock, Transaction, after
from runhook.storage.engine.tables import (
    IS_PENDING,
    IS_REDELIVERED,
    deliveries,
    redeliveries,
    redelivery_shares,
)


@dataclass(frozen=True, slots=True)
class DueShare:
    """A share whose turn it is, with the redelivery that it belongs to but none of its others."""

    redelivery: Redelivery
    share: RedeliveryShare


async def insert_redelivery(tx: Transaction, redelivery: Redelivery) -> None:
    """Add a redelivery with its shares; each one's first step is due now."""
    await tx.execute(
        sa.insert(redeliveries).values(
            id=redelivery.id,
            account_id=redelivery.account_id,
            **columns_of(redelivery.selection),
            fixed_at=redelivery.fixed_at,
            is_counted=redelivery.is_counted,
            state=redelivery.state,
            created_by=redelivery.created_by,
            created_at=redelivery.created_at,
            ended_at=redelivery.ended_at,
        )
    )
    if redelivery.shares:
        await tx.execute(
            sa.insert(redelivery_shares).values(next_step_at=tx.now),
            [
                {
                    "redelivery_id": redelivery.id,
                    "webhook_id": share.webhook_id,
                    "total": share.total,
                    "queued": share.queued,
                    "passed_over": dict(share.passed_over),
                    "place_created_at": share.place.created_at,
                    "place_delivery_id": share.place.delivery_id,
                }
                for share in redelivery.shares
            ],
        )


async def find_redelivery(
    tx: Transaction, account_id: AccountId, redelivery_id: RedeliveryId
) -> Redelivery | None:
    """Find a redelivery of this account."""
    found = await with_shares(select_redeliveries(account_id, redelivery_id), tx=tx)
    return found[0] if found else None


async def lock_redelivery(
    tx: Transaction, account_id: AccountId, redelivery_id: RedeliveryId
) -> Redelivery | None:
    """Find a redelivery; lock it, so that no step of it is taken until the transaction ends."""
    locked = select_redeliveries(account_id, redelivery_id).with_for_update()
    found = await with_shares(locked, tx=tx)
    return found[0] if found else None


async def list_redeliveries(
    tx: Transaction, account_id: AccountId, *, limit: int, offset: int
) -> Sequence[Redelivery]:
    """A page of an account's redeliveries, the newest first."""
    newest_first = select_redeliveries(account_id).order_by(redeliveries.c.id.desc())
    return await with_shares(newest_first.limit(limit).offset(offset), tx=tx)


async def count_redeliveries(tx: Transaction, account_id: AccountId) -> int:
    """Count an account's redeliveries."""
    return await count_rows(redeliveries, redeliveries.c.account_id == account_id, tx=tx)


async def lock_due_share(tx: Transaction) -> DueShare | None:
    """Lock the share whose step has been due for longest; None if there is none.

    Its redelivery is locked too, so that a step, another one of it, and its cancellation come one
    after the other. Locked rows are skipped, never waited for.
    """
    row = (await tx.execute(locking_due_share(tx.now))).one_or_none()
    if row is None:
        return None
    share = share_of(row)
    return DueShare(redelivery_of(row, [share]), share)


@lru_cache
def locking_due_share(now: Clock) -> sa.Select[Any]:
    """Query of ``lock_due_share``."""
    return (
        sa.select(*SHARE_COLUMNS, *redeliveries.c)
        .join(redeliveries, redeliveries.c.id == redelivery_shares.c.redelivery_id)
        .where(redelivery_shares.c.next_step_at <= now)
        .order_by(
            redelivery_shares.c.next_step_at,
            redelivery_shares.c.redelivery_id,
            redelivery_shares.c.webhook_id,
        )
        .limit(1)
        .with_for_update(skip_locked=True)
    )


async def postpone_waiting(tx: Transaction, pause: timedelta, *, backlog: int, limit: int) -> int:
    """Let shares wait for so long whose webhooks have more than ``backlog`` to be sent.

    Of those that are due it looks at so many, the longest due first, and passes over what somebody
    else has. Return how many wait now.
    """
    due = (
        sa.select(redelivery_shares.c.redelivery_id, redelivery_shares.c.webhook_id)
        .where(redelivery_shares.c.next_step_at <= tx.now)
        .order_by(redelivery_shares.c.next_step_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    some = (
        sa.select(deliveries.c.id)
        .where(IS_PENDING, deliveries.c.webhook_id == redelivery_shares.c.webhook_id)
        .limit(sa.literal(backlog + 1))
        .correlate(redelivery_shares)
        .subquery("some")
    )
    pending = sa.select(sa.func.count()).select_from(some).scalar_subquery()
    place = sa.tuple_(redelivery_shares.c.redelivery_id, redelivery_shares.c.webhook_id)
    waiting = await tx.execute(
        sa.update(redelivery_shares)
        .where(place.in_(sa.select(due.c.redelivery_id, due.c.webhook_id)), pending > backlog)
        .values(next_step_at=after(tx.now, sa.literal(pause, Duration)))
    )
    return waiting.rowcount


async def note_step(tx: Transaction, due: DueShare, share: RedeliveryShare) -> None:
    """Write how far a share has come; its next step is due now, behind those that are waiting."""
    await tx.execute(
        update_share(due).values(
            queued=share.queued,
            passed_over=dict(share.passed_over),
            place_created_at=share.place.created_at,
            place_delivery_id=share.place.delivery_id,
            next_step_at=None if share.is_over else tx.now,
        )
    )


async def has_open_shares(tx: Transaction, redelivery_id: RedeliveryId) -> bool:
    """Whether a redelivery has a share that is not over."""
    rows = await tx.execute(
        sa.select(
            sa.exists().where(
                redelivery_shares.c.redelivery_id == redelivery_id,
                redelivery_shares.c.next_step_at.is_not(None),
            )
        )
    )
    return bool(rows.scalar_one())


async def end_redelivery(
    tx: Transaction, redelivery_id: RedeliveryId, state: RedeliveryState, *, now: datetime
) -> None:
    """End a redelivery that is locked; none of its shares has another step."""
    await tx.execute(
        sa.update(redeliveries)
        .where(redeliveries.c.id == redelivery_id)
        .values(state=state, ended_at=now)
    )
    shares = tx.locked(redelivery_shares, redelivery_shares.c.redelivery_id == redelivery_id)
    await tx.execute(sa.update(redelivery_shares).where(shares).values(next_step_at=None))


async def delete_old_redeliveries(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete redeliveries that ended before a time, with their shares; return how many."""
    return await delete_oldest(redeliveries.c.ended_at, tx=tx, before=before, limit=limit)


def is_beyond(place: LogPlace) -> sa.ColumnElement[bool]:
    """Condition that a share has not looked at a delivery yet."""
    return sa.tuple_(deliveries.c.created_at, deliveries.c.id) > sa.tuple_(
        sa.literal(place.created_at, UtcDateTime), place.delivery_id
    )


def candidate_of(row: sa.Row[Any]) -> Candidate:
    """Read a row of deliveries that a share looks at."""
    return Candidate(row.id, row.created_at, bool(row.is_chosen))


def is_as_it_was(fixed_at: datetime, now: Clock) -> sa.ColumnElement[bool]:
    """Whether nothing has happened to a delivery since a redelivery began, as an expression.

    What happened before the clock was set back may have a time that is still to come.
    """
    to_come = after(now, sa.literal(SET_BACK, Duration))
    return sa.or_(deliveries.c.updated_at <= fixed_at, deliveries.c.updated_at > to_come)


SHARE_COLUMNS = [
    column.label(f"share_{column.name}")
    for column in redelivery_shares.c
    if column.name != "redelivery_id"
]


def update_share(due: DueShare) -> sa.Update:
    """Statement that changes a share's row."""
    return sa.update(redelivery_shares).where(
        redelivery_shares.c.redelivery_id == due.redelivery.id,
        redelivery_shares.c.webhook_id == due.share.webhook_id,
    )


def select_redeliveries(
    account_id: AccountId, redelivery_id: RedeliveryId | None = None
) -> sa.Select[Any]:
    """Query of an account's redeliveries, or of one of them."""
    query = sa.select(redeliveries).where(redeliveries.c.account_id == account_id)
    return query if redelivery_id is None else query.where(redeliveries.c.id == redelivery_id)


async def with_shares(query: sa.Select[Any], *, tx: Transaction) -> Sequence[Redelivery]:
    """Read the redeliveries of a query, with their shares."""
    rows = (await tx.execute(query)).all()
    shares = await shares_of([row.id for row in rows], tx=tx)
    return [redelivery_of(row, shares[row.id]) for row in rows]


async def shares_of(
    ids: Collection[RedeliveryId], *, tx: Transaction
) -> Mapping[RedeliveryId, Sequence[RedeliveryShare]]:
    """Shares of each of these redeliveries, with the states of their deliveries."""
    found: dict[RedeliveryId, list[RedeliveryShare]] = {one: [] for one in ids}
    states = await states_of(ids, tx=tx)
    rows = await tx.execute(
        sa.select(redelivery_shares.c.redelivery_id, *SHARE_COLUMNS)
        .where(redelivery_shares.c.redelivery_id.in_(list(ids)))
        .order_by(redelivery_shares.c.redelivery_id, redelivery_shares.c.webhook_id)
    )
    for row in rows:
        share = share_of(row)
        progress = RedeliveryProgress.of(
            states.get((row.redelivery_id, share.webhook_id), {}), queued=share.queued
        )
        found[row.redelivery_id].append(replace(share, progress=progress))
    return found


async def states_of(
    ids: Collection[RedeliveryId], *, tx: Transaction
) -> Mapping[tuple[RedeliveryId, WebhookId], Mapping[DeliveryState, int]]:
    """How many deliveries of these redeliveries are in which state, for each webhook.

    An index counts them, which nothing but what was redelivered in bulk is in.
    """
    columns = deliveries.c
    rows = await tx.execute(
        sa.select(
            columns.redelivery_id,
            columns.webhook_id,
            columns.state,
            sa.func.count().label("number"),
        )
        .where(columns.redelivery_id.in_(list(ids)), IS_REDELIVERED)
        .group_by(columns.redelivery_id, columns.webhook_id, columns.state)
    )
    found: dict[tuple[RedeliveryId, WebhookId], dict[DeliveryState, int]] = {}
    for row in rows:
        found.setdefault((row.redelivery_id, row.webhook_id), {})[row.state] = row.number
    return found


def columns_of(selection: Selection | Picked) -> dict[str, Any]:
    """Columns of a selection."""
    if isinstance(selection, Picked):
        return {"delivery_ids": list(selection.delivery_ids), "states": [], "event_types": []}
    return {
        "since": selection.since,
        "until": selection.until,
        "states": list(selection.states),
        "webhook_id": selection.webhook_id,
        "event_types": list(selection.event_types),
        "job_id": selection.job_id,
        "run_id": selection.run_id,
        "code_class": selection.code_class,
        "delivery_ids": [],
    }


def selection_of(row: sa.Row[Any]) -> Selection | Picked:
    """The selection in a redelivery's row."""
    if row.delivery_ids:
        return Picked(tuple(DeliveryId(one) for one in row.delivery_ids))
    return Selection(
        since=row.since,
        until=row.until,
        states=tuple(DeliveryState(one) for one in row.states),
        webhook_id=row.webhook_id,
        event_types=tuple(EventType(one) for one in row.event_types),
        job_id=row.job_id,
        run_id=row.run_id,
        code_class=row.code_class,
    )


def redelivery_of(row: sa.Row[Any], shares: Iterable[RedeliveryShare]) -> Redelivery:
    """The redelivery in a row."""
    return Redelivery(
        id=row.id,
        account_id=row.account_id,
        selection=selection_of(row),
        fixed_at=row.fixed_at,
        is_counted=row.is_counted,
        state=row.state,
        shares=tuple(shares),
        created_by=row.created_by,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def share_of(row: sa.Row[Any]) -> RedeliveryShare:
    """The share in a row of ``SHARE_COLUMNS``."""
    return RedeliveryShare(
        webhook_id=WebhookId(row.share_webhook_id),
        total=row.share_total,
        queued=row.share_queued,
        passed_over={Obstacle(name): count for name, count in row.share_passed_over.items()},
        place=LogPlace(row.share_place_created_at, row.share_place_delivery_id),
        is_over=row.share_next_step_at is None,
    )
