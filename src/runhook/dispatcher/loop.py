"""Waiting, waking and stopping, for anything that has a ``tick``."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from runhook.domain.errors import UnavailableError
from runhook.telemetry.events import DATABASE_UNREADY, LOOP_FAILED

NO_PAUSE = timedelta()
PAUSE_AFTER_ERROR = timedelta(seconds=1)
LONGEST_REST = timedelta(milliseconds=10)
"""How long after a tick that wanted a pause the next one begins at the latest once it is woken."""


class Loop:
    """Calls ``tick`` again and again, and waits as long in between as it says.

    Ticks know nothing of loops: a test calls them directly.

    Args:
        name: for the log.
        tick: one unit of work; returns the pause before the next.
        wake: when set, ends the present pause, or skips the next one.
    """

    def __init__(
        self,
        name: str,
        tick: Callable[[], Awaitable[timedelta]],
        *,
        wake: asyncio.Event | None = None,
    ) -> None:
        self.name = name
        self._tick = tick
        self._woken = wake or asyncio.Event()
        self._stopping = False
        self._is_well = False

    @property
    def is_well(self) -> bool:
        """Whether it runs, and its last tick raised nothing; not before the first one's end."""
        return self._is_well

    async def run(self) -> None:
        """Work until ``stop`` is called."""
        now = asyncio.get_running_loop().time
        try:
            while not self._stopping:
                self._woken.clear()
                began = now()
                pause = await self._tick_safely()
                if pause > NO_PAUSE and not self._stopping:
                    # Woken again and again, it works half of the time, and finds more at once.
                    await asyncio.sleep(min(now() - began, LONGEST_REST.total_seconds()))
                    await self._wait(pause)
        finally:
            self._is_well = False

    def stop(self) -> None:
        """Stop after the tick under way."""
        self._stopping = True
        self._woken.set()

    async def _tick_safely(self) -> timedelta:
        try:
            pause = await self._tick()
        except UnavailableError as error:
            DATABASE_UNREADY.say(loop=self.name, reason=error.message)
        except Exception as error:  # noqa: BLE001 - the next tick may go well
            LOOP_FAILED.say(loop=self.name, exc_info=error)
        else:
            self._is_well = True
            return pause
        self._is_well = False
        return PAUSE_AFTER_ERROR

    async def _wait(self, pause: timedelta) -> None:
        try:
            async with asyncio.timeout(pause.total_seconds()):
                await self._woken.wait()
        except TimeoutError:
            pass
