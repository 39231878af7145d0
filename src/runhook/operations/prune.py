"""Let go of history that is older than the retention, in steps that hold no lock for long."""

from datetime import timedelta

from runhook.clock import Clock
from runhook.operations.ids import first_delivery_id_of
from runhook.storage.audit_log import delete_old_audit_entries
from runhook.storage.deliveries import delete_old_deliveries
from runhook.storage.runs import delete_old_runs
from runhook.storage.store import Store

STEP = 500
"""How many deliveries, how many runs, and how many audit entries one step deletes at most."""


async def prune_step(store: Store, retention: timedelta, clock: Clock) -> int:
    """Delete some of what ended before the retention began; say how much.

    What is still to be sent stays, however old, and so does the run it speaks of.
    """
    before = clock.now() - retention
    async with store.write() as tx:
        deliveries = await delete_old_deliveries(
            tx, before=first_delivery_id_of(before), limit=STEP
        )
        runs = await delete_old_runs(tx, before=before, limit=STEP)
        entries = await delete_old_audit_entries(tx, before=before, limit=STEP)
    return deliveries + runs + entries
