"""End lost runs, and publish their ends."""

from collections.abc import Sequence

from runhook.clock import Clock
from runhook.domain.runs.events import Event
from runhook.domain.runs.run import Run, lose
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.runs.compare import compare_with_last
from runhook.operations.runs.publish import number_events, owe_deliveries
from runhook.operations.service.keep_time import is_doubted
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.runs.rows import insert_events, lock_silent_runs, update_runs

STEP = 100
"""Most runs that one transaction ends."""


@repeats_contended
async def give_up_silent_runs(
    store: Store, clock: Clock, *, public_url: str | None = None
) -> Sequence[Run]:
    """End runs whose reporters have been silent for too long, and publish their events.

    Replicas that do this at the same time take different runs. While the database's clock is
    doubted, no run counts as silent.

    Args:
        store: where the runs are; its clock says how long nothing was heard.
        clock: dates their ends and the events.
        public_url: where people reach this service, None if not configured.

    Returns:
        the runs that were ended, in their new state.
    """
    now = clock.now()

    async def give_up(tx: Transaction) -> Sequence[Run]:
        lost: list[Run] = []
        events: list[Event] = []
        if await is_doubted(tx):
            return []
        for silent in await lock_silent_runs(tx, limit=STEP):
            after = lose(silent.run, silence=silent.silence, now=now)
            run, following = number_events(silent.run, after, now=now)
            lost.append(run)
            events += following
        if lost:
            await update_runs(tx, lost)
            await insert_events(tx, events)
            await owe_deliveries(tx, await compare_with_last(tx, events), public_url=public_url)
        return lost

    return await store.commit(give_up)
