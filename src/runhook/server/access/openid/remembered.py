"""What was fetched is kept for a while, and fetched once for all who need it at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from runhook.domain.errors import UnavailableError

T = TypeVar("T")


class Remembered(Generic[T]):
    """One thing that is fetched from elsewhere.

    Args:
        fetch: fetches it; fails with an ``UnavailableError``.
        kept: how long it is good.
        rest: how long after a fetch there is no other one, whether or not it succeeded.
        now: the seconds of a clock that never goes back.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[T]],
        *,
        kept: timedelta,
        rest: timedelta,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._kept = kept.total_seconds()
        self._rest = rest.total_seconds()
        self._now = now
        self._fetching: asyncio.Task[T] | None = None
        self._found: T | None = None
        self._found_at = 0.0
        self._error: UnavailableError | None = None
        self._asked_at: float | None = None

    async def get(self) -> T:
        """What is kept, if that is good, or else what is fetched now.

        Raises:
            UnavailableError: it cannot be fetched, now or a moment ago.
        """
        if self._found is not None and self._now() < self._found_at + self._kept:
            return self._found
        return await self.renewed()

    async def renewed(self) -> T:
        """What is fetched now; within the rest after a fetch, what that one brought.

        Raises:
            UnavailableError: it cannot be fetched, now or a moment ago.
        """
        if self._fetching is None:
            if self._asked_at is not None and self._now() < self._asked_at + self._rest:
                if self._error is not None:
                    raise UnavailableError(self._error.message)
                assert self._found is not None
                return self._found
            self._fetching = asyncio.create_task(self._ask())
        # A browser that goes away takes nothing from the others who wait.
        return await asyncio.shield(self._fetching)

    async def _ask(self) -> T:
        self._asked_at = self._now()
        self._error = None
        try:
            self._found = await self._fetch()
        except UnavailableError as error:
            self._error = error
            raise
        else:
            self._found_at = self._now()
            return self._found
        finally:
            self._asked_at = self._now()
            self._fetching = None
