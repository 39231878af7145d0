"""How delivering goes, in numbers that cost little however much has been sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from runhook.domain.runs.run import AccountId
from runhook.domain.service.replicas import SeenReplica
from runhook.storage.deliveries.backlog import (
    Backlog,
    backlog_of,
    count_paused,
    count_sending,
    database_size,
)
from runhook.storage.deliveries.waiting import is_queue_readable
from runhook.storage.engine.store import Store
from runhook.storage.service.replicas import list_replicas

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthOfDelivering:
    """How delivering goes."""

    backlog: Backlog
    sending: int
    """Deliveries that workers hold: they are being sent, or are about to be."""
    paused: int
    """Active webhooks whose endpoint is paused."""
    database_bytes: int
    """Of the whole service, as all that follows."""
    replicas: Sequence[SeenReplica]

    @property
    def attempts_per_second(self) -> float:
        """How many attempts all living processes make, on the average of the last minute."""
        lately = sum(one.attempts_lately for one in self.replicas if one.is_alive)
        return lately / MINUTE.total_seconds()


async def check_queue(store: Store) -> None:
    """Make sure that the database answers what a dispatcher asks, at a cost that never grows.

    Raises:
        UnavailableError: it is away.
    """
    async with store.read() as tx:
        await is_queue_readable(tx)


async def health_of_delivering(store: Store, account_id: AccountId | None) -> HealthOfDelivering:
    """State of the delivery queue: counts are an account's, or everybody's if None."""
    async with store.read() as tx:
        return HealthOfDelivering(
            backlog=await backlog_of(tx, account_id),
            sending=await count_sending(tx, account_id),
            paused=await count_paused(tx, account_id),
            database_bytes=await database_size(tx),
            replicas=await list_replicas(tx),
        )
