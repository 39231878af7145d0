"""Work behind an answer, whose result must not show in how long the answer takes."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta

from runhook.domain.errors import LimitedError, UnavailableError
from runhook.telemetry.events import ERRAND_FAILED

MOST = 64
PAUSE = timedelta(seconds=30)


class Errands:
    """Runs a bounded number of errands at once; logs those that fail.

    Args:
        most: how many may be under way at once.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, errand: Coroutine[None, None, None]) -> None:
        """Start an errand in the background.

        Raises:
            LimitedError: too many are under way.
        """
        if len(self._tasks) >= self._most:
            errand.close()
            raise LimitedError("Too many ask at once; try again in a minute.", retry_after=PAUSE)
        task = asyncio.create_task(self._run(errand))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, patience: timedelta) -> None:
        """Wait until all errands have ended, or until ``patience`` is over."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience.total_seconds())

    async def _run(self, errand: Coroutine[None, None, None]) -> None:
        try:
            await errand
        except UnavailableError as error:
            ERRAND_FAILED.say(reason=error.message)
        except Exception as error:  # noqa: BLE001 - no request waits for it
            ERRAND_FAILED.say(exc_info=error)
