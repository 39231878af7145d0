"""Wake dispatchers, in this process and in others, when something has become due.

A notification is only a hint: dispatchers also look by themselves, so that a lost one costs a
moment and no delivery.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from runhook.storage.engine.connection import Connection

Wake = Callable[[], None]


class Notifier(Protocol):
    """Wakes listeners; implemented by ``InProcess`` and PostgreSQL's ``ListenNotify``."""

    @property
    def hears_others(self) -> bool:
        """Whether other processes wake us now; if not, what they make due has to be looked for."""

    async def tell_others(self, connection: Connection) -> None:
        """Within a transaction: notify other processes when it commits."""

    def wake(self) -> None:
        """Wake those who listen in this process; to be called after the commit."""

    async def listen(self, wake: Wake) -> None:
        """Call ``wake`` whenever something has become due, until canceled."""


class InProcess:
    """The notifier of a database that one process serves."""

    hears_others = True
    """There are no others."""

    def __init__(self) -> None:
        self._listening: list[Wake] = []

    async def tell_others(self, connection: Connection) -> None:
        """Do nothing: there are no others."""

    def wake(self) -> None:
        """Wake those who listen."""
        for wake in self._listening:
            wake()

    async def listen(self, wake: Wake) -> None:
        """Call ``wake`` whenever something has become due, until canceled."""
        self._listening.append(wake)
        try:
            await asyncio.Event().wait()
        finally:
            self._listening.remove(wake)
