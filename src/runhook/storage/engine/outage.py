"""Whether the database is away or its disk takes nothing, and the wait until it is back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from runhook.domain.errors import UnavailableError
from runhook.telemetry.events import DATABASE_AWAY, DATABASE_BACK

PROBE_INTERVAL = timedelta(milliseconds=200)
"""How long after one look for the database the next one follows."""
DISK_LASTS = timedelta(seconds=10)
"""How long a disk counts as one that takes nothing once a transaction found it so: a small one can
succeed, and one that writes nothing does."""


class Outage:
    """Knows of an outage from the transactions that fail, and looks for its end.

    However many wait for that, one of them all looks, over one connection. The log gets one line
    when it begins, and one when it is over.

    Args:
        probe: writes nothing, in a transaction that could.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None
        self._waiting = 0
        self._began_at: float | None = None
        self._disk_until = float("-inf")
        self.steady = time.monotonic
        """Measures seconds; a test may have another."""
        self.is_logged = True
        """Whether its beginning and its end are logged."""
        self.is_known = False
        """Whether the last transaction found no database, or none that takes writes."""
        self.disk: str | None = None
        """Why the disk takes nothing; None if it does. Waiting does not help."""

    @property
    def is_over(self) -> bool:
        """Whether transactions succeed, and not just a small one on a disk that is full."""
        return not self.is_known and self.disk is None

    def begin(self, reason: str, *, is_of_disk: bool = False) -> None:
        """Note that a transaction failed.

        Args:
            reason: what failed, in words, without a password.
            is_of_disk: whether the disk took nothing.
        """
        now = self.steady()
        self.is_known = not is_of_disk
        if is_of_disk:
            self.disk, self._disk_until = reason, now + DISK_LASTS.total_seconds()
        if self._began_at is None:
            self._began_at = now
            if self.is_logged:
                DATABASE_AWAY.say(reason=reason)

    def end(self) -> None:
        """Note that a transaction that could write has succeeded."""
        self.is_known = False
        if self.steady() < self._disk_until:
            return
        self.disk = None
        if self._began_at is not None:
            if self.is_logged:
                DATABASE_BACK.say(seconds=round(self.steady() - self._began_at, 1))
            self._began_at = None

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
                self.end()
                return
