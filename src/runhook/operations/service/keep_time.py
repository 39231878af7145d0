"""Keep time: hear the database's clock, and see whether it can be trusted to delete by."""

from dataclasses import dataclass, replace
from datetime import datetime

from runhook.clock import Clock, DatabaseClock
from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE, RetrySchedule
from runhook.domain.errors import InvalidError
from runhook.domain.service.timekeeping import FIRST_MOMENT, LAST_MOMENT, Timekeeping, first_look
from runhook.operations.commits.repeating import repeats_contended
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.service.timekeeping import (
    find_timekeeping,
    let_go_on,
    moment_of,
    write_timekeeping,
)

STEP = 500
"""How many deliveries a step lets go on, at most."""


async def database_clock(store: Store, *, machine: Clock | None = None) -> DatabaseClock:
    """The database's clock, for a process that starts.

    Raises:
        InvalidError: it tells a time that no id can hold.
    """
    async with store.read() as tx:
        moment = await moment_of(tx)
    if not FIRST_MOMENT <= moment < LAST_MOMENT:
        raise InvalidError(
            f"The database's clock says {moment:%Y-%m-%d %H:%M} UTC, which cannot be: Runhook "
            f"works from {FIRST_MOMENT:%Y-%m-%d} on. Set the clock of "
            f"{'this machine' if store.file else 'the machine that PostgreSQL runs on'}, "
            "and start again."
        )
    return DatabaseClock(moment, machine=machine)


async def hear(store: Store, clock: DatabaseClock) -> None:
    """Set a process's clock by the database's."""
    clock.hear(await store.query(moment_of))


@dataclass(frozen=True, slots=True)
class KeptTime:
    """What was known of the clock before a look, and what is after it."""

    before: Timekeeping
    after: Timekeeping


@repeats_contended
async def keep_time(store: Store, schedule: RetrySchedule = DEFAULT_SCHEDULE) -> KeptTime:
    """Look at the database's clock; after it was set back, let go on what would wait for it.

    That is done a step at a time, as ``is_settled`` tells.

    Args:
        store: the database.
        schedule: that of webhooks which have none of their own.
    """

    async def keep(tx: Transaction) -> KeptTime:
        now = await moment_of(tx)
        found = await find_timekeeping(tx)
        before = found or first_look(now)
        kept = before.after_look(now)
        if not kept.is_settled:
            kept = replace(kept, is_settled=await let_go_on(tx, schedule, limit=STEP) < STEP)
        await write_timekeeping(tx, kept, is_first=found is None)
        return KeptTime(before, kept)

    return await store.commit(keep)


async def is_doubted(tx: Transaction) -> bool:
    """Whether the database's clock has jumped, so that nothing is to be ended by it."""
    kept = await find_timekeeping(tx)
    return kept is not None and not kept.trusts(await moment_of(tx))


async def trusted_moment(store: Store) -> datetime | None:
    """Time on the database's clock; None if nothing may be deleted by it."""
    async with store.read() as tx:
        now = await moment_of(tx)
        kept = await find_timekeeping(tx)
    return now if kept is not None and kept.trusts(now) else None
