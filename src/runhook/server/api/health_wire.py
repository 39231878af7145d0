"""The health of delivering as JSON."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from runhook.domain.replicas import ReplicaRole, SeenReplica
from runhook.storage.backlog import Backlog


class ReplicaOut(Struct, kw_only=True):
    """One process of the service."""

    name: str
    host: str
    roles: list[ReplicaRole]
    version: str
    started_at: datetime
    seen_at: datetime
    """When it last showed that it lives, on the database's clock."""
    is_alive: bool


class HealthOut(Struct, kw_only=True):
    """How delivering goes."""

    waiting: int
    """The account's deliveries that are to be sent, now or later."""
    due: int
    """Those of them that are to be sent now."""
    oldest_due_seconds: float | None
    """How long the first of those has been due; null if there is none."""
    sending: int
    """The account's deliveries that are being sent, or are about to be."""
    replicas: list[ReplicaOut]


def shown_health(backlog: Backlog, sending: int, replicas: Sequence[SeenReplica]) -> HealthOut:
    """Show how delivering goes."""
    oldest = backlog.oldest_due
    return HealthOut(
        waiting=backlog.waiting,
        due=backlog.due,
        oldest_due_seconds=None if oldest is None else oldest.total_seconds(),
        sending=sending,
        replicas=[shown_replica(one) for one in replicas],
    )


def shown_replica(seen: SeenReplica) -> ReplicaOut:
    """Show one process."""
    return ReplicaOut(
        name=seen.replica.name,
        host=seen.replica.host,
        roles=list(seen.replica.roles),
        version=seen.replica.version,
        started_at=seen.replica.started_at,
        seen_at=seen.seen_at,
        is_alive=seen.is_alive,
    )
