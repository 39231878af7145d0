"""All clients of a listening socket: how many there may be, and which give up their places.

A connection that keeps us waiting gives its place up to a new one.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

from runhook.domain.network.forwarding import TrustedProxies
from runhook.server.connections.head import KIB
from runhook.server.connections.pacing import Paced, Slow, Spaced, Unanswered
from runhook.server.connections.refusals import Refusal

SWEEP_SECONDS = 1
TOO_MANY = "There are too many connections; try again in a few seconds."
TOO_MANY_FROM_THERE = "There are too many connections from your address; close some."


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientBounds:
    """What clients may take."""

    connections: int = 1_000
    from_one_address: int = 256
    shared_addresses: TrustedProxies = field(default_factory=TrustedProxies)
    """Whose connections are those of many clients, and only counted among all."""
    head_bytes: int = 32 * KIB
    patience: timedelta = timedelta(seconds=20)
    """How long to wait for a head's end, for a body's next piece, and for an answer to be read."""
    idle: timedelta = timedelta(seconds=75)
    """How long a connection is kept between two requests."""


class Phase(Enum):
    """What a connection is doing. In all phases but the first, we wait for the client.

    When there is no place left, connections give theirs up in the order of the others.
    """

    WORKING = auto()
    """Its request is being answered."""
    LEAVING = auto()
    """It has its last answer; further bytes are discarded."""
    WAITING = auto()
    """No request has begun, or its head has not ended."""
    SENDING = auto()
    """More of a body is to come."""
    READING = auto()
    """More of an answer is to be read."""


class Bounded(Paced, Protocol):
    """A connection, as far as all of them are counted and closed together."""

    is_shared: bool
    """Whether it is of a proxy that many clients share."""
    deadline: float
    """When it has kept us waiting too long, by the event loop's clock."""

    @property
    def has_unread(self) -> bool:
        """Whether the client has not read all that was sent."""

    def expire(self) -> None:
        """Do what is due at the deadline."""

    def cut(self) -> None:
        """Close it now."""


class Clients:
    """All open connections of one listening socket."""

    def __init__(self, bounds: ClientBounds) -> None:
        self.bounds = bounds
        self._by_site: Counter[str] = Counter()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        # In each phase, the one that has been there longest comes first.
        self._phases: Mapping[Phase, dict[Bounded, None]] = {phase: {} for phase in Phase}
        self.unanswered = Unanswered()
        self.pieces: Spaced[Bounded] = Spaced(self.unanswered)
        """Connections with bytes to be read."""
        self.beginning: Spaced[Bounded] = Spaced(self.unanswered)
        """Connections whose next request is about to begin."""
        self.draining: Spaced[Bounded] = Spaced(self.unanswered)
        """Connections whose bytes are discarded."""
        self.slow: Slow[Bounded] = Slow()
        """Connections that are costly to read."""

    def enter(self, connection: Bounded) -> Refusal | None:
        """Take a new connection in, if need be in the place of one that keeps us waiting.

        Returns:
            what to answer instead, if we are at requests of all that there may be.
        """
        site = connection.site
        most = self.bounds.connections if connection.is_shared else self.bounds.from_one_address
        self._by_site[site] += 1
        self._is_empty.clear()
        refusal = None
        while self._by_site[site] > most and refusal is None:
            refusal = None if self._make_room(site) else Refusal(429, TOO_MANY_FROM_THERE)
        while self._by_site.total() > self.bounds.connections and refusal is None:
            refusal = None if self._make_room() else Refusal(503, TOO_MANY)
        return refusal

    def move(self, connection: Bounded, before: Phase, after: Phase) -> None:
        """Note that a connection is at something else."""
        self._phases[before].pop(connection, None)
        self._phases[after][connection] = None

    def leave(self, connection: Bounded, phase: Phase) -> None:
        """Forget a connection."""
        self._phases[phase].pop(connection, None)
        self._by_site[connection.site] -= 1
        if not self._by_site[connection.site]:
            del self._by_site[connection.site]
        if not self._by_site:
            self._is_empty.set()

    async def sweep(self) -> None:
        """End the connections whose time is over, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = loop.time()
            for connections in self._phases.values():
                for connection in [one for one in connections if one.deadline < now]:
                    connection.expire()

    async def close(self, seconds: float) -> None:
        """Close what is open, once clients have read what was sent, if they do so in time."""
        for connection in [one for one in self._all() if not one.has_unread]:
            connection.cut()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()
        for connection in list(self._all()):
            connection.cut()

    def _all(self) -> Iterator[Bounded]:
        for connections in self._phases.values():
            yield from connections

    def _make_room(self, site: str | None = None) -> bool:
        """Close the connection, of one site or of all, that has kept us waiting longest."""
        for phase, connections in self._phases.items():
            if phase is not Phase.WORKING:
                for connection in connections:
                    if site in (None, connection.site):
                        connection.cut()
                        return True
        return False
