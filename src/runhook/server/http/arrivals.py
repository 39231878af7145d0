"""Requests that wait for something to come: woken when it may have, and bounded in number."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from runhook.domain.errors import LimitedError

Found = TypeVar("Found")

OF_ONE = 50
IN_ALL = 500
LOOKS_EVERY = 1.0
"""Seconds after which a request looks again, woken or not: a wake-up may be lost."""
SHORTEST_PAUSE = 0.05
"""Shortest time between two looks, in seconds."""
A_WHILE = timedelta(seconds=5)


class Arrivals:
    """Lets requests wait.

    Args:
        of_one: how many of one account's may wait at once.
        in_all: how many of all accounts'.
    """

    def __init__(self, *, of_one: int = OF_ONE, in_all: int = IN_ALL) -> None:
        self._of_one = of_one
        self._in_all = in_all
        self._waiting: Counter[int] = Counter()
        self._bells: set[asyncio.Event] = set()
        self._is_closed = False

    def ring(self) -> None:
        """Wake every waiting request."""
        for bell in self._bells:
            bell.set()

    def close(self) -> None:
        """End every wait, so that the service can stop."""
        self._is_closed = True
        self.ring()

    async def wait_for(
        self,
        account_id: int,
        look: Callable[[], Awaitable[Found]],
        *,
        is_there: Callable[[Found], bool],
        seconds: float,
    ) -> Found:
        """Look until something is there, or until so many seconds have passed.

        Raises:
            LimitedError: as many wait as may.
        """
        if not seconds:
            return await look()
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        with self._one_more(account_id) as bell:
            while True:
                # What comes after this is found, or rung for.
                bell.clear()
                found = await look()
                left = until - clock()
                if is_there(found) or left <= 0 or self._is_closed:
                    return found
                await pause(bell, min(left, LOOKS_EVERY))

    @contextmanager
    def _one_more(self, account_id: int) -> Iterator[asyncio.Event]:
        if self._waiting[account_id] >= self._of_one or self._waiting.total() >= self._in_all:
            raise LimitedError(
                "Too many consumers wait for something to come; read with wait=0, or try again "
                "shortly.",
                retry_after=A_WHILE,
            )
        bell = asyncio.Event()
        self._waiting[account_id] += 1
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.discard(bell)
            self._waiting[account_id] -= 1
            if not self._waiting[account_id]:
                del self._waiting[account_id]


async def pause(bell: asyncio.Event, seconds: float) -> None:
    """Wait for the bell, and for a moment in any case."""
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
            await asyncio.sleep(SHORTEST_PAUSE)
    except TimeoutError:
        pass
