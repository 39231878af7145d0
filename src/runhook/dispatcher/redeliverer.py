"""The redeliverer: goes on with redeliveries in bulk, a step at a time."""

from datetime import timedelta
from typing import assert_never

from runhook.clock import Clock
from runhook.dispatcher.loop import NO_PAUSE
from runhook.operations.deliveries.redeliver_step import StepResult, take_step
from runhook.storage.engine.store import Store

INTERVAL = timedelta(seconds=1)
BREATH = timedelta(milliseconds=50)
"""The pause after a step, in which publishing and delivering get their turn."""


class Redeliverer:
    """Returns undelivered deliveries to the queue.

    Args:
        store: where deliveries are.
        clock: dates the ends of redeliveries.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def tick(self) -> timedelta:
        """Take a step; say how long to wait before the next."""
        match await take_step(self._store, self._clock):
            case StepResult.TAKEN:
                return BREATH
            case StepResult.WAITING:
                # Another share may be due.
                return NO_PAUSE
            case StepResult.NOTHING_DUE:
                return INTERVAL
            case unknown:
                assert_never(unknown)
