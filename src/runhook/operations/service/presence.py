"""Be one of the processes that share the database: show life, take duties, and leave."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from runhook.domain.deliveries.delivery import Lease
from runhook.domain.service.replicas import Replica, ReplicaRole, SeenReplica
from runhook.operations.commits.repeating import repeats_contended
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.service.duties import give_up_duties, register_duties, take_duties
from runhook.storage.service.replicas import delete_replica, list_replicas, note_sign_of_life


@repeats_contended
async def show_life(
    store: Store,
    replica: Replica,
    duties: Collection[str],
    duration: timedelta,
    *,
    attempts_lately: int = 0,
) -> set[str]:
    """Send a heartbeat of this process; take or keep those of these duties that no other one holds.

    Args:
        store: the database that it shares.
        replica: the process.
        duties: what it may do for all.
        duration: how long it holds what it takes.
        attempts_lately: number of its attempts in the last minute.

    Returns:
        the duties that it holds for ``duration`` from now, on the database's clock.
    """

    async def show(tx: Transaction) -> set[str]:
        await note_sign_of_life(tx, replica, attempts_lately=attempts_lately)
        if not duties:
            return set()
        await register_duties(tx, duties)
        return await take_duties(tx, duties, Lease(owner=replica.name, duration=duration))

    return await store.commit(show)


@repeats_contended
async def leave(store: Store, replica: Replica) -> None:
    """Let others have the duties of a process that ends, and forget it."""
    async with store.write() as tx:
        await give_up_duties(tx, replica.name)
        await delete_replica(tx, replica.name)


async def look_around(store: Store) -> Sequence[SeenReplica]:
    """The processes that share the database, this one among them."""
    return await store.query(list_replicas)


async def count_dispatchers(store: Store) -> int:
    """Number of processes that deliver and have sent a heartbeat lately."""
    seen = await look_around(store)
    return sum(one.is_alive and ReplicaRole.DISPATCHER in one.replica.roles for one in seen)
