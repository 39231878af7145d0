"""The pruner: lets go of history older than the retention."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from runhook.operations.service.prune import BEGINNING, prune_step
from runhook.storage.engine.store import Store

INTERVAL = timedelta(minutes=10)
BREATH = timedelta(milliseconds=50)
"""The shortest pause between two steps, in which publishing gets its turn."""
RESTS = 2
"""A pause is so many times as long as the step before it, however slow the database is."""
DOUBT = timedelta(seconds=15)
"""The pause while the database's clock cannot be trusted."""
BEGINS_ANEW = timedelta(days=1)
"""How often all old history is looked at, what had to stay before too. In between, only what has
become old since is."""


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
        rest = RESTS * timedelta(seconds=now() - began)
        return max(BREATH, rest) if pruned.is_more else INTERVAL
