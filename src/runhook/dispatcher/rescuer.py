"""The rescuer: returns to the queue what dead workers held."""

from datetime import timedelta

import structlog

from runhook.operations.attempt import rescue
from runhook.storage.store import Store

log = structlog.get_logger()

INTERVAL = timedelta(seconds=5)


class Rescuer:
    """Looks for leases that are over."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tick(self) -> timedelta:
        """Return what is abandoned; say how long to wait before looking again."""
        rescued = await rescue(self._store)
        if rescued:
            log.warning("returned abandoned deliveries to the queue", deliveries=rescued)
        return INTERVAL
