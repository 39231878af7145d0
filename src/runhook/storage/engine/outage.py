"""Whether the database is away, and the wait until it is back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from runhook.domain.errors import UnavailableError

PROBE_INTERVAL = timedelta(milliseconds=200)
"""How long after one look for the database the next one follows."""


class Outage:
    """Knows of an outage from the transactions that fail, and looks for its end.

    However many wait for that, one of them all looks, over one connection.

    Args:
        probe: writes nothing, in a transaction that could.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None
        self._waiting = 0
        self.is_known = False
        """Whether the last transaction found no database that takes writes."""

    async def is_over_within(self, patience: timedelta) -> bool:
        """Wait for the end of an outage, for so long at the most; say whether it is over."""
        self._waiting += 1
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._until_over())
        try:
            # Others wait for it too.
            await asyncio.wait_for(
                asyncio.shield(self._probing), max(patience, PROBE_INTERVAL).total_seconds()
            )
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return not self.is_known

    async def close(self) -> None:
        """Look no more."""
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing

    async def _until_over(self) -> None:
        while self._waiting:
            try:
                await self._probe()
            except UnavailableError:
                await asyncio.sleep(PROBE_INTERVAL.total_seconds())
            else:
                self.is_known = False
                return
