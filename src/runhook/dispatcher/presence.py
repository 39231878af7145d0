"""The presence of this process among those that share the database."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from runhook.dispatcher.loop import Loop
from runhook.domain.errors import UnavailableError
from runhook.domain.service.replicas import SIGN_INTERVAL, Replica
from runhook.operations.service.presence import leave, show_life
from runhook.storage.engine.store import Store

log = structlog.get_logger()

DUTY_LEASE = timedelta(seconds=15)
"""How long a duty stays with a process that shows no life any more."""


class Presence:
    """Sends this process's heartbeats, and takes the duties that no process holds.

    A duty is work that one process does for all. It is a loop of every process that may do it, and
    ticks where it is held; if its holder dies, another process has it within ``DUTY_LEASE`` and one
    ``SIGN_INTERVAL``. A holder that is held up can overlap with the next one for as long as one of
    its ticks takes: every duty must bear that.

    Args:
        store: the database that is shared.
        replica: this process.
        attempts_lately: says how many attempts it made in the last minute.
    """

    def __init__(
        self, store: Store, replica: Replica, *, attempts_lately: Callable[[], int]
    ) -> None:
        self._store = store
        self._replica = replica
        self._attempts_lately = attempts_lately
        self._wakes: dict[str, asyncio.Event] = {}
        self._held: set[str] = set()
        self._held_until = 0.0

    def duty(self, name: str, tick: Callable[[], Awaitable[timedelta]]) -> Loop:
        """A loop that ticks only while this process holds the duty of this name."""
        wake = self._wakes[name] = asyncio.Event()

        async def tick_if_held() -> timedelta:
            return await tick() if self.holds(name) else SIGN_INTERVAL

        return Loop(name, tick_if_held, wake=wake)

    def holds(self, name: str) -> bool:
        """Whether this process has a duty, as far as it knows."""
        return name in self._held and self._now() < self._held_until

    async def tick(self) -> timedelta:
        """Show life and take what is free; say how long to wait before doing so again."""
        # Counted from before: our view of the lease is never longer than it is.
        until = self._now() + DUTY_LEASE.total_seconds()
        held = await show_life(
            self._store,
            self._replica,
            self._wakes.keys(),
            DUTY_LEASE,
            attempts_lately=self._attempts_lately(),
        )
        for name in held - self._held:
            log.info("duty taken", duty=name)
            self._wakes[name].set()
        self._held, self._held_until = held, until
        return SIGN_INTERVAL

    async def leave(self) -> None:
        """Let others have the duties at once; if the database is away, they have to wait."""
        with suppress(UnavailableError):
            await leave(self._store, self._replica)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
