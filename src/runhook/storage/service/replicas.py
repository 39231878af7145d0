"""The processes that share the database, as each of them writes itself down."""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from runhook.domain.service.replicas import LONGEST_SILENCE, Replica, ReplicaRole, SeenReplica
from runhook.storage.engine.columns import Duration
from runhook.storage.engine.store import Clock, Transaction, after
from runhook.storage.engine.tables import replicas


async def note_sign_of_life(tx: Transaction, replica: Replica, *, attempts_lately: int) -> None:
    """Write that a process lives and how busy it is, the first time with all about it."""
    await tx.execute(
        noting_sign_of_life(tx.now),
        {
            "name": replica.name,
            "host": replica.host,
            "roles": list(replica.roles),
            "version": replica.version,
            "started_at": replica.started_at,
            "attempts_lately": attempts_lately,
        },
    )


@lru_cache
def noting_sign_of_life(now: Clock) -> Insert:
    """Statement of ``note_sign_of_life``."""
    noting = insert(replicas).values(seen_at=now)
    signs = {"seen_at": now, "attempts_lately": noting.excluded.attempts_lately}
    return noting.on_conflict_do_update(index_elements=[replicas.c.name], set_=signs)


async def list_replicas(tx: Transaction) -> Sequence[SeenReplica]:
    """Every known process, the earliest start first."""
    rows = await tx.execute(listing_replicas(tx.now))
    return [
        SeenReplica(
            replica=Replica(
                name=row.name,
                host=row.host,
                roles=tuple(ReplicaRole(role) for role in row.roles),
                version=row.version,
                started_at=row.started_at,
            ),
            seen_at=row.seen_at,
            attempts_lately=row.attempts_lately,
            is_alive=row.is_alive,
        )
        for row in rows
    ]


@lru_cache
def listing_replicas(now: Clock) -> sa.Select[Any]:
    """Query of ``list_replicas``."""
    return sa.select(replicas, shown_lately(now).label("is_alive")).order_by(
        replicas.c.started_at, replicas.c.name
    )


def shown_lately(now: Clock) -> sa.ColumnElement[bool]:
    """Condition that a process has sent a heartbeat lately."""
    return replicas.c.seen_at > after(now, sa.literal(-LONGEST_SILENCE, Duration))


async def delete_replica(tx: Transaction, name: str) -> None:
    """Forget a process that ends."""
    await tx.execute(sa.delete(replicas).where(replicas.c.name == name))


async def delete_silent_replicas(tx: Transaction, silence: timedelta) -> None:
    """Forget processes that have shown nothing for so long."""
    is_silent = replicas.c.seen_at <= after(tx.now, sa.literal(-silence, Duration))
    await tx.execute(sa.delete(replicas).where(tx.locked(replicas, is_silent, for_deletion=True)))
