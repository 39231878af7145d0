"""Let go of history that is older than the retention, in steps that hold no lock for long."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from runhook.clock import Clock
from runhook.operations.ids import first_delivery_id_of
from runhook.storage.artifacts import delete_artifacts
from runhook.storage.audit_log import delete_old_audit_entries
from runhook.storage.deliveries import delete_old_deliveries
from runhook.storage.invitations import delete_old_invitations
from runhook.storage.redeliveries import delete_old_redeliveries
from runhook.storage.replicas import delete_silent_replicas
from runhook.storage.runs import delete_runs, lock_old_runs
from runhook.storage.sessions import delete_old_sessions
from runhook.storage.store import Store, Transaction

STEP = 500
"""How many rows of each kind one step deletes at most, those that go with them not counted."""
ARTIFACT_STEP = 32 << 20
"""How many bytes of runs' files one step deletes at most, or one file, if it has more."""
FORGOTTEN_AFTER = timedelta(days=1)
"""How long a process that died is remembered."""


async def prune_step(store: Store, retention: timedelta, clock: Clock) -> int:
    """Delete some of what ended before the retention began; say how much.

    What is still to be sent stays, however old, and so does the run it speaks of. Each kind goes in
    a transaction of its own, so that others get their turn in between.
    """
    before = clock.now() - retention
    async with store.write() as tx:
        await delete_silent_replicas(tx, FORGOTTEN_AFTER)
    deleted = 0
    for prune in PRUNINGS:
        async with store.write() as tx:
            deleted += await prune(tx, before)
    return deleted


async def prune_deliveries(tx: Transaction, before: datetime) -> int:
    """Delete deliveries with their attempts."""
    return await delete_old_deliveries(tx, before=first_delivery_id_of(before), limit=STEP)


async def prune_runs(tx: Transaction, before: datetime) -> int:
    """Delete runs with their events; first their files, which may be large."""
    run_ids = await lock_old_runs(tx, before=before, limit=STEP)
    if not run_ids:
        return 0
    files = await delete_artifacts(tx, run_ids, size=ARTIFACT_STEP, limit=STEP)
    return files + await delete_runs(tx, run_ids)


async def prune_audit_entries(tx: Transaction, before: datetime) -> int:
    """Delete entries of audit logs."""
    return await delete_old_audit_entries(tx, before=before, limit=STEP)


async def prune_redeliveries(tx: Transaction, before: datetime) -> int:
    """Delete redeliveries that ended."""
    return await delete_old_redeliveries(tx, before=before, limit=STEP)


async def prune_invitations(tx: Transaction, before: datetime) -> int:
    """Delete invitations that expired."""
    return await delete_old_invitations(tx, before=before, limit=STEP)


async def prune_sessions(tx: Transaction, before: datetime) -> int:
    """Delete sessions that ended."""
    return await delete_old_sessions(tx, before=before, limit=STEP)


Pruning = Callable[[Transaction, datetime], Awaitable[int]]

PRUNINGS: tuple[Pruning, ...] = (
    prune_deliveries,
    # After their deliveries, which keep them.
    prune_runs,
    prune_audit_entries,
    prune_redeliveries,
    prune_invitations,
    prune_sessions,
)
