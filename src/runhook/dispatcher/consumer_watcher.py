"""The consumer watcher: deactivates consumers that nothing reads."""

from datetime import timedelta

from runhook.clock import Clock
from runhook.operations.deliveries.consume import STEP, end_unread
from runhook.storage.engine.store import Store
from runhook.telemetry.events import CONSUMERS_ENDED

INTERVAL = timedelta(minutes=10)
BREATH = timedelta(milliseconds=50)
"""The pause between two steps, in which publishing gets its turn."""


class ConsumerWatcher:
    """Looks for consumers that were not read for long.

    Args:
        store: where they are.
        clock: dates the change.
        public_url: where people reach this service, None if not configured.
    """

    def __init__(self, store: Store, clock: Clock, *, public_url: str | None = None) -> None:
        self._store = store
        self._clock = clock
        self._public_url = public_url
        self._is_first = True

    async def tick(self) -> timedelta:
        """Deactivate some; say how long to wait before looking again.

        The first time nothing is: consumers that could not read while the service was away come
        back first.
        """
        if self._is_first:
            self._is_first = False
            return INTERVAL
        ended = await end_unread(self._store, now=self._clock.now(), public_url=self._public_url)
        if ended:
            CONSUMERS_ENDED.say(consumers=ended)
        return BREATH if ended == STEP else INTERVAL
