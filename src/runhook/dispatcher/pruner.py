"""The pruner: lets go of history older than the retention."""

from datetime import timedelta

from runhook.clock import Clock
from runhook.operations.prune import prune_step
from runhook.storage.store import Store

INTERVAL = timedelta(minutes=10)
BREATH = timedelta(milliseconds=50)
"""The pause between two steps, in which publishing gets its turn."""


class Pruner:
    """Deletes old history, a bounded step at a time."""

    def __init__(self, store: Store, clock: Clock, *, retention: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention

    async def tick(self) -> timedelta:
        """Delete one step; say how long to wait before the next."""
        deleted = await prune_step(self._store, self._retention, self._clock)
        return BREATH if deleted > 0 else INTERVAL
