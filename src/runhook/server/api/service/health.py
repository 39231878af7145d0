"""Reading how delivering goes, and which processes do it."""

from datetime import datetime

from litestar import get
from msgspec import Struct

from runhook.domain.people.permissions import Permission
from runhook.domain.service.replicas import ReplicaRole, SeenReplica
from runhook.operations.service.health import HealthOfDelivering, health_of_delivering
from runhook.server.access.authentication import needs
from runhook.server.api.wire import Envelope
from runhook.server.services import Calling, Serving


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
    """Those that are due now; deliveries that wait for a paused endpoint are not."""
    counted_all: bool
    """Whether all these were counted, and not only the first 10,000 of some webhook."""
    oldest_due_seconds: float | None
    """How long the first of those has been due; null if there is none."""
    sending: int
    """The account's deliveries that are being sent, or are about to be."""
    paused: int
    """The account's active webhooks whose endpoint is paused."""
    attempts_per_second: float
    """Of all processes and accounts, on the average of the last minute."""
    database_bytes: int
    """How large the service's database is."""
    replicas: list[ReplicaOut]


def shown_health(health: HealthOfDelivering) -> HealthOut:
    """Show how delivering goes."""
    backlog = health.backlog
    oldest = backlog.oldest_due
    return HealthOut(
        waiting=backlog.waiting,
        due=backlog.due,
        counted_all=backlog.is_whole,
        oldest_due_seconds=None if oldest is None else oldest.total_seconds(),
        sending=health.sending,
        paused=health.paused,
        attempts_per_second=round(health.attempts_per_second, 3),
        database_bytes=health.database_bytes,
        replicas=[shown_replica(one) for one in health.replicas],
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


@get("/health", **needs(Permission.READ_HEALTH))
async def show_health_of_delivering(services: Serving, caller: Calling) -> Envelope[HealthOut]:
    """Show how much the account has to be sent, and the processes of the service."""
    health = await health_of_delivering(services.store, caller.account_id)
    return Envelope(data=shown_health(health))
