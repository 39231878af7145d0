"""Places that were given to dbt for its uploads: whose they are, and what they were used for."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from runhook.domain.people.callers import Actor, Grant
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.run import AccountId
from runhook.domain.runs.uploads import Belonging
from runhook.storage.engine.columns import Duration
from runhook.storage.engine.store import Transaction, after
from runhook.storage.engine.tables import upload_places


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlace:
    """A place for the archive of one run."""

    id: int
    account_id: AccountId
    actor: Actor
    """Who asked for it."""
    belonging: Belonging


async def insert_upload_place(
    tx: Transaction,
    account_id: AccountId,
    digest: str,
    *,
    actor: Actor,
    belonging: Belonging,
    lifetime: timedelta,
) -> None:
    """Add a place that can be used for so long."""
    await tx.execute(
        sa.insert(upload_places).values(
            account_id=account_id,
            digest=digest,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            session_id=actor.grant and actor.grant.session_id,
            environment_name=belonging.environment_name,
            project_name=belonging.project_name,
            expires_at=after(tx.now, sa.literal(lifetime, Duration)),
        )
    )


async def find_upload_place(tx: Transaction, digest: str) -> UploadPlace | None:
    """Find a place that can still be used."""
    rows = await tx.execute(
        sa.select(upload_places).where(
            upload_places.c.digest == digest, upload_places.c.expires_at > tx.now
        )
    )
    row = rows.one_or_none()
    if row is None:
        return None
    # The service itself and its commands need none.
    grant = row.actor_id and Grant(
        account_id=row.account_id, permission=Permission.REPORT_RUNS, session_id=row.session_id
    )
    return UploadPlace(
        id=row.id,
        account_id=row.account_id,
        actor=Actor(kind=row.actor_kind, id=row.actor_id, name=row.actor_name, grant=grant),
        belonging=Belonging(row.environment_name, row.project_name),
    )


async def use_upload_place(tx: Transaction, place_id: int, run_key: str) -> bool:
    """Use a place for a run; say if it can be, which it cannot for another one than before."""
    used = await tx.execute(
        sa.update(upload_places)
        .where(
            upload_places.c.id == place_id,
            sa.or_(upload_places.c.run_key.is_(None), upload_places.c.run_key == run_key),
        )
        .values(run_key=run_key)
    )
    return used.rowcount == 1


async def delete_old_upload_places(tx: Transaction, age: timedelta, *, limit: int) -> int:
    """Delete places that could be used no more so long ago; return how many."""
    old = (
        sa.select(upload_places.c.id)
        .where(upload_places.c.expires_at <= after(tx.now, sa.literal(-age, Duration)))
        .order_by(upload_places.c.expires_at)
        .limit(limit)
    )
    locked = tx.locked(upload_places, upload_places.c.id.in_(old), for_deletion=True)
    return (await tx.execute(sa.delete(upload_places).where(locked))).rowcount
