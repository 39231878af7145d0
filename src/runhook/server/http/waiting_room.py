"""Where requests that change something wait for a database that is away.

They wait before their bodies are read, so that little is held meanwhile, and are refused only
when the outage lasts. What only reads is answered at once.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from litestar.connection import ASGIConnection

from runhook.domain.errors import UnavailableError
from runhook.server.http.origin import is_unsafe
from runhook.storage.engine.outage import Outage
from runhook.storage.engine.refusals import AWAY
from runhook.storage.engine.store import DiskError

MOST_REQUESTS = 2_000
MOST_BYTES = 32 * 1024 * 1024
"""Of the bodies that wait, as far as they are taken from the network before they are read."""
TAKEN = 64 * 1024
"""How much of a body is taken before it is read, at the most."""

Connection = ASGIConnection[Any, Any, Any, Any]
Answer = TypeVar("Answer")


class WaitingRoom:
    """Lets requests wait for the end of an outage, so many and for so long.

    Args:
        outage: of the database.
        patience: how long a request waits at the most; zero lets none wait.
        most: how many wait at the most.
    """

    def __init__(self, outage: Outage, patience: timedelta, *, most: int = MOST_REQUESTS) -> None:
        self._outage = outage
        self._most = most
        self._patience = patience.total_seconds()
        self._requests = 0
        self._bytes = 0

    async def pass_through(
        self, connection: Connection, ask: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Ask the database, once it is there.

        Args:
            connection: the request that it is asked for.
            ask: asks it, and changes nothing.

        Raises:
            UnavailableError: it is away for too long, its disk takes nothing, or too many wait.
        """
        if not self._patience or not is_unsafe(connection):
            return await ask()
        deadline = time.monotonic() + self._patience
        if self._outage.is_known:
            await self._wait(connection, deadline - time.monotonic())
        while True:
            try:
                return await ask()
            except DiskError:
                raise
            except UnavailableError:
                await self._wait(connection, deadline - time.monotonic())

    async def _wait(self, connection: Connection, seconds: float) -> None:
        size = bytes_taken(connection)
        if seconds <= 0 or self._requests >= self._most or self._bytes + size > MOST_BYTES:
            raise UnavailableError(AWAY)
        self._requests += 1
        self._bytes += size
        try:
            if not await self._outage.is_over_within(timedelta(seconds=seconds)):
                raise UnavailableError(AWAY)
        finally:
            self._requests -= 1
            self._bytes -= size


def bytes_taken(connection: Connection) -> int:
    """How many bytes of a request's body there may be in memory before it is read."""
    length = connection.headers.get("content-length", "")
    return min(int(length), TAKEN) if length.isascii() and length.isdigit() else TAKEN
