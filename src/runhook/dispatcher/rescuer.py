"""The rescuer: returns to the queue what dead workers held, and cancels what none will claim."""

from datetime import timedelta

from runhook.operations.deliveries.attempt import rescue
from runhook.storage.engine.store import Store
from runhook.telemetry.events import CLAIMS_RESCUED

INTERVAL = timedelta(seconds=5)
BREATH = timedelta(milliseconds=50)
"""The pause between two steps of canceling, in which publishing and delivering get their turn."""


class Rescuer:
    """Looks for leases that are over, and for pending deliveries of inactive webhooks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tick(self) -> timedelta:
        """Requeue abandoned deliveries; say how long to wait before looking again."""
        rescued = await rescue(self._store)
        if rescued.returned:
            CLAIMS_RESCUED.say(deliveries=rescued.returned)
        return BREATH if rescued.is_more else INTERVAL
