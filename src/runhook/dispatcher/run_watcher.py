"""The run watcher: gives up runs whose reporters have fallen silent."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from runhook.clock import Clock
from runhook.dispatcher.hearing import Hearing
from runhook.dispatcher.loop import NO_PAUSE
from runhook.domain.runs import Run
from runhook.operations.watch_runs import STEP, give_up_silent_runs
from runhook.storage.store import Store

log = structlog.get_logger()

INTERVAL = timedelta(seconds=15)


class RunWatcher:
    """Looks for runs that vanished.

    Args:
        store: where the runs are.
        clock: dates the events.
        public_url: where people reach this service, None if nobody has said so.
    """

    def __init__(self, store: Store, clock: Clock, *, public_url: str | None = None) -> None:
        self._store = store
        self._clock = clock
        self._public_url = public_url
        self._hearing = Hearing()

    async def tick(self) -> timedelta:
        """Give up some silent runs; say how long to wait before looking again."""
        now = self._clock.now()
        lost = await self._give_up() if self._hearing.is_sure(now) else []
        self._hearing.note_look(now)
        return NO_PAUSE if len(lost) >= STEP else INTERVAL

    async def _give_up(self) -> Sequence[Run]:
        lost = await give_up_silent_runs(self._store, self._clock, public_url=self._public_url)
        if lost:
            log.warning("lost contact with runs", runs=[run.id for run in lost])
        return lost
