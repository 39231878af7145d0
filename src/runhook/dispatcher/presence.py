"""The presence of this process among those that share the database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from runhook.dispatcher.loop import Loop
from runhook.domain.errors import UnavailableError
from runhook.domain.service.replicas import SIGN_INTERVAL, Replica, SeenReplica
from runhook.operations.service.presence import leave, look_around, show_life
from runhook.storage.engine.store import Store
from runhook.telemetry.events import DUTY_TAKEN, REPLICA_JOINED, REPLICA_LEFT, REPLICA_SILENT

DUTY_LEASE = timedelta(seconds=15)
"""How long a duty stays with a process that shows no life any more."""


class Neighbors:
    """The other processes that share the database, as the log hears of them.

    Args:
        name: of this process.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._alive: frozenset[str] = frozenset()

    def see(self, seen: Sequence[SeenReplica]) -> None:
        """Tell what differs from the last look."""
        others = {one.replica.name: one for one in seen if one.replica.name != self._name}
        alive = frozenset(name for name, one in others.items() if one.is_alive)
        for name in sorted(alive - self._alive):
            replica = others[name].replica
            REPLICA_JOINED.say(replica=name, roles=list(replica.roles), version=replica.version)
        for name in sorted(self._alive - alive):
            if name in others:
                REPLICA_SILENT.say(replica=name)
            else:
                REPLICA_LEFT.say(replica=name)
        self._alive = alive


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
        self._neighbors = Neighbors(replica.name)

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
            DUTY_TAKEN.say(duty=name)
            self._wakes[name].set()
        self._held, self._held_until = held, until
        if self._store.file is None:
            self._neighbors.see(await look_around(self._store))
        return SIGN_INTERVAL

    async def leave(self) -> None:
        """Let others have the duties at once; if the database is away, they have to wait."""
        with suppress(UnavailableError):
            await leave(self._store, self._replica)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
