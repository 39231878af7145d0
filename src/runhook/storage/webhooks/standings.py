"""What webhooks know of how jobs do: a row for each that follows a job."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.deliveries.delivery import AttemptTrigger, DeliveryState, move_delivery
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.run import Job, JobId, RunId
from runhook.domain.webhooks.incidents import (
    SUPERSEDED_REASON,
    UNKNOWN,
    Place,
    Standing,
    Told,
)
from runhook.storage.engine.batches import Batch, columns_like
from runhook.storage.engine.store import Database, Transaction
from runhook.storage.engine.tables import (
    IS_HELD,
    IS_PENDING,
    IS_STILL_SENDING,
    deliveries,
    environments,
    jobs,
    standings,
)

ON_ITS_WAY = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.SUCCEEDED)
"""Or there by now."""
KEPT = (
    "failure_id",
    "failed_run_id",
    "latest_id",
    "newest_started_at",
    "newest_run_id",
    "is_well",
)
"""What is written of a standing."""


class Key(NamedTuple):
    """A webhook, and a job that it follows."""

    webhook_id: WebhookId
    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Standing of a job for a webhook, with the deliveries that told of it."""

    standing: Standing = UNKNOWN
    failure_id: DeliveryId | None = None
    """The delivery that tells of the failure that goes on."""
    latest_id: DeliveryId | None = None
    """The last delivery that told how the job does."""


@dataclass(frozen=True, slots=True)
class OnHold:
    """A delivery that waits for the end of its hold."""

    id: DeliveryId
    key: Key
    run_id: RunId | None
    """None for a run that did not start."""


async def lock_standings(tx: Transaction, keys: Collection[Key]) -> dict[Key, Kept]:
    """Lock what is kept of jobs until this transaction ends."""
    statement = insert(standings)
    rows = await tx.execute(
        # One that is there already is locked by that, in the order of the keys.
        statement.on_conflict_do_update(
            index_elements=["webhook_id", "job_id"],
            set_={"is_well": standings.c.is_well},
        ).returning(standings),
        [key._asdict() for key in sorted(keys)],
    )
    found = rows.all()
    failure_ids = [row.failure_id for row in found if row.failure_id is not None]
    told = await told_states(tx, failure_ids) if failure_ids else {}
    return {
        Key(row.webhook_id, row.job_id): Kept(
            standing=standing_of(row, told),
            failure_id=row.failure_id,
            latest_id=row.latest_id,
        )
        for row in found
    }


async def told_states(
    tx: Transaction, delivery_ids: Collection[DeliveryId]
) -> Mapping[DeliveryId, Told]:
    """How far these deliveries have come; what is no longer kept has arrived long ago."""
    rows = await tx.execute(
        sa.select(
            deliveries.c.id,
            deliveries.c.state,
            deliveries.c.attempt_count,
            IS_HELD.label("is_on_hold"),
        ).where(deliveries.c.id.in_(list(delivery_ids)))
    )
    return {row.id: told_of(row) for row in rows}


def told_of(row: sa.Row[Any]) -> Told:
    """How far a delivery has come."""
    if row.is_on_hold:
        return Told.HELD
    if row.state in ON_ITS_WAY:
        return Told.TOLD
    return Told.TRIED if row.attempt_count else Told.NOT


def standing_of(row: sa.Row[Any], told: Mapping[DeliveryId, Told]) -> Standing:
    """The standing in a row."""
    how_far = Told.NOT if row.failure_id is None else told.get(row.failure_id, Told.TOLD)
    has_arrived = row.failure_id is None or how_far in (Told.TOLD, Told.HELD)
    return Standing(
        told=how_far,
        failed_run=row.failed_run_id if has_arrived else None,
        newest=None
        if row.newest_run_id is None
        else Place(row.newest_started_at, RunId(row.newest_run_id)),
        is_well=row.is_well,
    )


async def jobs_left_failing(tx: Transaction, webhook_id: WebhookId) -> Sequence[Job]:
    """Jobs of whose failure a webhook was told, or may have been, and not of the recovery.

    They have ids and no names.
    """
    is_told = sa.or_(
        deliveries.c.id.is_(None),
        sa.and_(
            ~IS_HELD,
            sa.or_(deliveries.c.state.in_(ON_ITS_WAY), deliveries.c.attempt_count > 0),
        ),
    )
    rows = await tx.execute(
        sa.select(jobs.c.id, jobs.c.environment_id, environments.c.project_id)
        .join(standings, standings.c.job_id == jobs.c.id)
        .join(environments, environments.c.id == jobs.c.environment_id)
        .outerjoin(deliveries, deliveries.c.id == standings.c.failure_id)
        .where(standings.c.webhook_id == webhook_id, standings.c.failure_id.is_not(None), is_told)
        .order_by(jobs.c.id)
    )
    return [
        Job(
            id=row.id,
            name="",
            project_id=row.project_id,
            project_name="",
            environment_id=row.environment_id,
            environment_name="",
        )
        for row in rows
    ]


async def write_standings(tx: Transaction, changed: Mapping[Key, Kept]) -> None:
    """Write what is kept of jobs; the rows must be locked."""
    await tx.execute_many(
        writing_standings(tx.database),
        [
            {
                "webhook_id": key.webhook_id,
                "job_id": key.job_id,
                "failure_id": kept.failure_id,
                "failed_run_id": kept.standing.failed_run,
                "latest_id": kept.latest_id,
                "newest_started_at": kept.standing.newest and kept.standing.newest.started_at,
                "newest_run_id": kept.standing.newest and kept.standing.newest.run_id,
                "is_well": kept.standing.is_well,
            }
            for key, kept in changed.items()
        ],
    )


@lru_cache
def writing_standings(database: Database) -> Batch:
    """Batch of ``write_standings``."""
    given = database.rows_given("changed", columns_like(standings, ("webhook_id", "job_id", *KEPT)))
    changed = given.table.c
    statement = (
        sa.update(standings)
        .where(
            standings.c.webhook_id == changed.webhook_id,
            standings.c.job_id == changed.job_id,
        )
        .values({name: changed[name] for name in KEPT})
    )
    return Batch(statement, given)


async def delete_standings(tx: Transaction, webhook_id: WebhookId) -> None:
    """Forget how jobs do for a webhook."""
    own = tx.locked(standings, standings.c.webhook_id == webhook_id, for_deletion=True)
    await tx.execute(sa.delete(standings).where(own))


async def lock_held(tx: Transaction, keys: Collection[Key]) -> Sequence[OnHold]:
    """Lock what is on hold of these jobs until this transaction ends.

    What one is claiming just now is on hold no more.
    """
    rows = await tx.execute(
        sa.select(
            deliveries.c.id, deliveries.c.webhook_id, deliveries.c.job_id, deliveries.c.run_id
        )
        .where(IS_HELD, sa.tuple_(deliveries.c.webhook_id, deliveries.c.job_id).in_(sorted(keys)))
        .order_by(deliveries.c.id)
        .with_for_update(skip_locked=True)
    )
    return [OnHold(row.id, Key(row.webhook_id, row.job_id), row.run_id) for row in rows]


async def end_holds(tx: Transaction, delivery_ids: Collection[DeliveryId], reason: str) -> None:
    """End deliveries that are on hold, and must be locked, without telling of them."""
    await tx.execute(
        sa.update(deliveries)
        .where(IS_HELD, deliveries.c.id.in_(list(delivery_ids)))
        .values(**superseded(tx, DeliveryState.PENDING, reason))
    )


async def supersede_waiting(
    tx: Transaction, delivery_ids: Collection[DeliveryId], *, unattempted: Collection[DeliveryId]
) -> None:
    """End deliveries that wait for a retry, as newer ones take their place.

    What a worker is claiming just now is ended if it fails to arrive: see
    ``outdated_retries_among``.

    Args:
        tx: where the newer ones are added.
        delivery_ids: those whose place is taken.
        unattempted: those of them that end though they have not been attempted, as their endpoint
            is paused.
    """
    waiting = (
        sa.select(deliveries.c.id)
        .where(
            IS_PENDING,
            ~IS_HELD,
            deliveries.c.id.in_(list(delivery_ids)),
            sa.or_(deliveries.c.attempt_count > 0, deliveries.c.id.in_(list(unattempted))),
        )
        .order_by(deliveries.c.id)
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    await tx.execute(
        sa.update(deliveries)
        .where(deliveries.c.id.in_(sa.select(waiting.c.id)))
        .values(**superseded(tx, DeliveryState.PENDING, SUPERSEDED_REASON))
    )


async def outdated_among(
    tx: Transaction, delivery_ids: Collection[DeliveryId]
) -> Collection[DeliveryId]:
    """Find those of some deliveries whose place a newer one took.

    One that was skipped, as its webhook was inactive, took no place; it may be newer than the last
    one that was told.
    """
    rows = await tx.execute(
        select_outdated(delivery_ids).where(
            sa.or_(
                deliveries.c.state != DeliveryState.SKIPPED,
                standings.c.latest_id > deliveries.c.id,
            )
        )
    )
    return rows.scalars().all()


async def outdated_retries_among(
    tx: Transaction, delivery_ids: Collection[DeliveryId]
) -> Collection[DeliveryId]:
    """Find those of some claimed deliveries that are not retried, as a newer one took their place.

    One that has not been attempted goes first, and one that was redelivered by hand goes anyhow.
    """
    rows = await tx.execute(
        select_outdated(delivery_ids).where(
            deliveries.c.attempt_count > 0,
            deliveries.c.next_trigger == AttemptTrigger.SCHEDULED,
        )
    )
    return rows.scalars().all()


def select_outdated(delivery_ids: Collection[DeliveryId]) -> sa.Select[tuple[str]]:
    """Query of those of some deliveries whose place a newer one took."""
    return (
        sa.select(deliveries.c.id)
        .join(
            standings,
            sa.and_(
                standings.c.webhook_id == deliveries.c.webhook_id,
                standings.c.job_id == deliveries.c.job_id,
                standings.c.latest_id != deliveries.c.id,
            ),
        )
        .where(deliveries.c.id.in_(list(delivery_ids)))
    )


async def supersede_claimed(tx: Transaction, delivery_ids: Collection[DeliveryId]) -> None:
    """End deliveries that were claimed in this transaction, as newer ones took their place."""
    await tx.execute(
        sa.update(deliveries)
        .where(IS_STILL_SENDING, deliveries.c.id.in_(list(delivery_ids)))
        .values(**superseded(tx, DeliveryState.SENDING, SUPERSEDED_REASON))
    )


def superseded(tx: Transaction, before: DeliveryState, reason: str) -> dict[str, Any]:
    """The columns of a delivery that is not told, after all."""
    return {
        "state": move_delivery(before, DeliveryState.SUPERSEDED),
        "next_attempt_at": None,
        "claimed_by": None,
        "claimed_until": None,
        "cancel_reason": reason,
        "updated_at": tx.now,
    }
