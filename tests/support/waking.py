"""Being told that something is due, as a worker is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runhook.storage.engine.store import Store
from tests.support.patience import PATIENCE


class Wakes:
    """How often a worker has been woken."""

    def __init__(self) -> None:
        self.count = 0
        self._woken = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Be woken."""
        self.count += 1
        note = asyncio.create_task(self._note())
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def wait_for(self, count: int) -> None:
        """Wait until it has been woken so often."""
        async with asyncio.timeout(PATIENCE), self._woken:
            await self._woken.wait_for(lambda: self.count >= count)

    async def _note(self) -> None:
        async with self._woken:
            self._woken.notify_all()


@asynccontextmanager
async def listening_to(store: Store) -> AsyncIterator[Wakes]:
    """Listen as a worker over this store; on PostgreSQL, once its connection stands."""
    wakes = Wakes()
    listening = asyncio.create_task(store.notifier.listen(wakes.wake))
    await asyncio.sleep(0)
    if store.file is None:
        await wakes.wait_for(1)
        wakes.count = 0
    yield wakes
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
