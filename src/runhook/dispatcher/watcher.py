"""Watchers: one gives up runs whose reporters have fallen silent, one tells of missed runs."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from runhook.clock import Clock
from runhook.dispatcher.loop import NO_PAUSE
from runhook.operations.runs import watch_jobs, watch_runs
from runhook.operations.runs.tally import RunTally
from runhook.storage.engine.store import Store
from runhook.telemetry.events import RUNS_LOST, RUNS_MISSED

GRACE = timedelta(minutes=2)
"""Time that reporters get to be heard again after service or database was away."""


class Hearing:
    """Knows since when reporters could be heard without a break, from looks that went well."""

    def __init__(self) -> None:
        self._listening_since: datetime | None = None
        self._looked_at: datetime | None = None

    def is_sure(self, now: datetime) -> bool:
        """Whether reporters have had enough time to be heard since the service was back."""
        before = self._looked_at
        if self._listening_since is None or before is None or not before <= now <= before + GRACE:
            self._listening_since = now
        return now - self._listening_since >= GRACE

    def note_look(self, now: datetime) -> None:
        """Note a look; not after an error, so that a database that was away is noticed."""
        self._looked_at = now


INTERVAL = timedelta(seconds=15)


class Watcher:
    """Looks for what did not happen in time, as long as reporters could be heard.

    Args:
        tell: tells of some of it, and returns of how much.
        clock: says when it looks.
        step: of how much it tells at once, at the most.
    """

    def __init__(self, tell: Callable[[], Awaitable[int]], clock: Clock, *, step: int) -> None:
        self._tell = tell
        self._clock = clock
        self._step = step
        self._hearing = Hearing()

    async def tick(self) -> timedelta:
        """Tell of some of what did not happen; say how long to wait before looking again."""
        now = self._clock.now()
        told = await self._tell() if self._hearing.is_sure(now) else 0
        self._hearing.note_look(now)
        return NO_PAUSE if told >= self._step else INTERVAL


def run_watcher(
    store: Store, clock: Clock, *, public_url: str | None = None, tally: RunTally | None = None
) -> Watcher:
    """Build the watcher that gives up runs whose reporters have fallen silent.

    Args:
        store: where the runs are.
        clock: dates the events.
        public_url: where people reach this service, None if it is not known.
        tally: counts them; None counts nothing.
    """

    async def tell() -> int:
        lost = await watch_runs.give_up_silent_runs(store, clock, public_url=public_url)
        if lost:
            RUNS_LOST.say(runs=[run.id for run in lost])
            if tally is not None:
                tally.note_ended(lost)
        return len(lost)

    return Watcher(tell, clock, step=watch_runs.STEP)


def job_watcher(store: Store, clock: Clock, *, public_url: str | None = None) -> Watcher:
    """Build the watcher that tells of runs that were expected and did not start.

    Args:
        store: where the jobs are.
        clock: dates the notices.
        public_url: where people reach this service, None if it is not known.
    """

    async def tell() -> int:
        missed = await watch_jobs.tell_of_missed_runs(store, clock, public_url=public_url)
        if missed:
            RUNS_MISSED.say(jobs=[one.job.id for one in missed])
        return len(missed)

    return Watcher(tell, clock, step=watch_jobs.STEP)
