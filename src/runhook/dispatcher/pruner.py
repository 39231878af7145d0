"""The pruner: lets go of history older than the retention."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from runhook.operations.service.prune import BEGINNING, Pruned, prune_step
from runhook.storage.engine.store import Store
from runhook.telemetry.events import HISTORY_PRUNED

INTERVAL = timedelta(minutes=10)
BREATH = timedelta(milliseconds=50)
"""The shortest pause between two steps, in which publishing gets its turn."""
RESTS = 2
"""A pause is so many times as long as the step before it, however slow the database is."""
DOUBT = timedelta(seconds=15)
"""The pause while the database's clock cannot be trusted."""
TOLD_EVERY = timedelta(minutes=1)
"""How often the log hears of a pass that goes on."""
BEGINS_ANEW = timedelta(days=1)
"""How often all old history is looked at, what had to stay before too. In between, only what has
become old since is."""


@dataclass(slots=True)
class PassSoFar:
    """What a pass over old history has deleted so far, which the log hears of now and then."""

    deleted: int = 0
    begun_at: float | None = None
    told_at: float = 0.0

    def note(self, pruned: Pruned, now: float) -> None:
        """Note a step that ended at ``now``, in seconds of any clock."""
        if self.begun_at is None:
            self.begun_at = self.told_at = now
        self.deleted += pruned.deleted
        if pruned.is_more and now - self.told_at < TOLD_EVERY.total_seconds():
            return
        if self.deleted:
            seconds = round(now - self.begun_at, 1)
            HISTORY_PRUNED.say(deleted=self.deleted, seconds=seconds, goes_on=pruned.is_more)
        self.told_at = now
        if not pruned.is_more:
            self.deleted, self.begun_at = 0, None


class Pruner:
    """Deletes old history, a bounded step at a time.

    Args:
        store: where it is.
        retention: how long it is kept.
        is_clock_right: says whether this machine's clock is: nothing is left to one that is not.
        steady: measures seconds; the event loop's clock unless a test has another.
    """

    def __init__(
        self,
        store: Store,
        *,
        retention: timedelta,
        is_clock_right: Callable[[], bool] = lambda: True,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._retention = retention
        self._is_clock_right = is_clock_right
        self._steady = steady
        self._begun_at: float | None = None
        self._places = BEGINNING
        self._progress = PassSoFar()

    async def tick(self) -> timedelta:
        """Delete one step; say how long to wait before the next."""
        if not self._is_clock_right():
            return DOUBT
        now = asyncio.get_running_loop().time
        steady = self._steady or now
        if self._begun_at is None or steady() - self._begun_at >= BEGINS_ANEW.total_seconds():
            self._begun_at, self._places = steady(), BEGINNING
        began = now()
        pruned = await prune_step(self._store, self._retention, self._places)
        if pruned is None:
            return DOUBT
        self._places = pruned.places
        self._progress.note(pruned, now())
        rest = RESTS * timedelta(seconds=now() - began)
        return max(BREATH, rest) if pruned.is_more else INTERVAL
