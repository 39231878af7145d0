"""The redeliverer: goes on with redeliveries in bulk, a step at a time."""

from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

from runhook.clock import Clock
from runhook.dispatcher.loop import NO_PAUSE
from runhook.operations.redeliver_step import Progress, take_step
from runhook.storage.store import Store

INTERVAL = timedelta(seconds=1)
BREATH = timedelta(milliseconds=50)
"""The pause after a step, in which publishing and delivering get their turn."""


class Redeliverer:
    """Returns to the queue what did not arrive.

    Args:
        store: where deliveries are.
        clock: dates the ends of redeliveries.
        on_queued: called when something is due to be sent.
    """

    def __init__(self, store: Store, clock: Clock, *, on_queued: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._on_queued = on_queued

    async def tick(self) -> timedelta:
        """Take a step; say how long to wait before the next."""
        match await take_step(self._store, self._clock, on_queued=self._on_queued):
            case Progress.TAKEN:
                return BREATH
            case Progress.WAITING:
                # Another share may be due.
                return NO_PAUSE
            case Progress.NOTHING_DUE:
                return INTERVAL
            case unknown:
                assert_never(unknown)
