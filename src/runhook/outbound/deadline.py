"""One deadline for many requests, each of which has as long as every other."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """Ends what takes too long, with one timer for all of it.

    ``asyncio.timeout`` sets a timer for each and takes it back, at the price of a fifth of a
    request. What has as long as everything else ends in the order in which it began.
    """

    def __init__(self, after: timedelta) -> None:
        self._seconds = after.total_seconds()
        self._ends: dict[asyncio.Task[object], float] = {}
        self._overdue: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        # To look for the running loop is a system call each time, in Python 3.11.
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait_for(self, work: Awaitable[T]) -> T:
        """Await something within the deadline; a task can have one such thing at a time.

        Raises:
            TimeoutError: it took too long, and was canceled.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        loop = self._loop
        task = asyncio.current_task(loop)
        assert task is not None
        asked_before = task.cancelling()
        self._ends[task] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._end_overdue)
        try:
            return await work
        except asyncio.CancelledError:
            # Another part of the program may have canceled the task.
            if task in self._overdue and task.uncancel() <= asked_before:
                raise TimeoutError from None
            raise
        finally:
            self._ends.pop(task, None)
            self._overdue.discard(task)

    def close(self) -> None:
        """Let go of the timer, when nothing is awaited any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _end_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._ends:
            task, end = next(iter(self._ends.items()))
            if end > now:
                self._timer = loop.call_at(end, self._end_overdue)
                return
            del self._ends[task]
            self._overdue.add(task)
            task.cancel()
        self._timer = None
