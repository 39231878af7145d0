"""The job watcher: tells of runs that were expected and did not start."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from runhook.clock import Clock
from runhook.dispatcher.hearing import Hearing
from runhook.dispatcher.loop import NO_PAUSE
from runhook.domain.notices import MissedRun
from runhook.operations.watch_jobs import STEP, tell_of_missed_runs
from runhook.storage.store import Store

log = structlog.get_logger()

INTERVAL = timedelta(seconds=15)


class JobWatcher:
    """Looks for jobs that are overdue.

    Args:
        store: where they are.
        clock: dates the notices.
        public_url: where people reach this service, None if it is not known.
    """

    def __init__(self, store: Store, clock: Clock, *, public_url: str | None = None) -> None:
        self._store = store
        self._clock = clock
        self._public_url = public_url
        self._hearing = Hearing()

    async def tick(self) -> timedelta:
        """Tell of some missed runs; say how long to wait before looking again."""
        now = self._clock.now()
        missed = await self._tell() if self._hearing.is_sure(now) else []
        self._hearing.note_look(now)
        return NO_PAUSE if len(missed) >= STEP else INTERVAL

    async def _tell(self) -> Sequence[MissedRun]:
        missed = await tell_of_missed_runs(self._store, self._clock, public_url=self._public_url)
        if missed:
            log.warning("runs missed", jobs=[one.job.id for one in missed])
        return missed
