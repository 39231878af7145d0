"""The pruner: lets go of history older than the retention."""

import asyncio
from datetime import timedelta

from runhook.clock import Clock
from runhook.operations.prune import BEGINNING, prune_step
from runhook.storage.store import Store

INTERVAL = timedelta(minutes=10)
BREATH = timedelta(milliseconds=50)
"""The shortest pause between two steps, in which publishing gets its turn."""
RESTS = 2
"""A pause is so many times as long as the step before it, however slow the database is."""
BEGINS_ANEW = timedelta(days=1)
"""How often all old history is looked at, what had to stay before too. In between, only what has
become old since is."""


class Pruner:
    """Deletes old history, a bounded step at a time."""

    def __init__(self, store: Store, clock: Clock, *, retention: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention
        self._begun_at = clock.now()
        self._places = BEGINNING

    async def tick(self) -> timedelta:
        """Delete one step; say how long to wait before the next."""
        if self._clock.now() - self._begun_at >= BEGINS_ANEW:
            self._begun_at, self._places = self._clock.now(), BEGINNING
        now = asyncio.get_running_loop().time
        began = now()
        pruned = await prune_step(self._store, self._retention, self._clock, self._places)
        self._places = pruned.places
        rest = RESTS * timedelta(seconds=now() - began)
        return max(BREATH, rest) if pruned.is_more else INTERVAL
