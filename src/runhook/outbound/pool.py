"""Connections that are kept for the next request, and no more of them than there may be."""

import asyncio
import time
from collections import deque
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field

from runhook.outbound.connection import EndpointConnection

KEEP_ALIVE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many connections may be in use at once; who comes later waits, within its deadline."""

    in_all: int = 4_000
    to_one_host: int = 256
    """To one host and port: the webhooks there share it, sixteen or more of them."""


@dataclass(slots=True)
class Host:
    """The connections in use to one host, and who waits for one."""

    in_use: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Slots:
    """The right to use a connection, in turn: first by host, and for one host by arrival."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._in_use = 0
        self._hosts: dict[Hashable, Host] = {}
        self._ready: dict[Hashable, Host] = {}
        """Hosts with requests waiting that are below their own bound, in turn."""

    async def take(self, key: Hashable) -> None:
        """Wait for a slot for a host."""
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = Host()
        if not host.waiting and self._has_room(host):
            self._use(host)
            return
        turn = asyncio.get_running_loop().create_future()
        host.waiting.append(turn)
        if host.in_use < self._bounds.to_one_host:
            self._ready.setdefault(key, host)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It was given to us at the moment at which we stopped waiting.
                self.give_back(key)
            else:
                with suppress(ValueError):
                    host.waiting.remove(turn)
                self._forget(key, host)
            raise

    def give_back(self, key: Hashable) -> None:
        """Let the next one have a slot."""
        host = self._hosts[key]
        host.in_use -= 1
        self._in_use -= 1
        if host.waiting:
            self._ready.setdefault(key, host)
        while self._ready and self._in_use < self._bounds.in_all:
            self._serve_next()
        self._forget(key, host)

    def _serve_next(self) -> None:
        key = next(iter(self._ready))
        host = self._ready.pop(key)
        while host.waiting:
            turn = host.waiting.popleft()
            if not turn.done():
                self._use(host)
                turn.set_result(None)
                break
        if host.waiting and host.in_use < self._bounds.to_one_host:
            self._ready[key] = host

    def _has_room(self, host: Host) -> bool:
        return host.in_use < self._bounds.to_one_host and self._in_use < self._bounds.in_all

    def _use(self, host: Host) -> None:
        host.in_use += 1
        self._in_use += 1

    def _forget(self, key: Hashable, host: Host) -> None:
        if not host.in_use and not host.waiting and self._hosts.get(key) is host:
            del self._hosts[key]
            self._ready.pop(key, None)


class Pool:
    """Idle connections that can be used again, the most recently used first.

    Args:
        size: how many are kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[Hashable, deque[tuple[EndpointConnection, float]]] = {}
        self._count = 0
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, key: Hashable) -> EndpointConnection | None:
        """Take an idle connection to a place; None if there is none."""
        kept = self._kept.get(key)
        while kept:
            connection, _ = kept.pop()
            self._count -= 1
            if not kept:
                del self._kept[key]
            if connection.is_open:
                return connection
        return None

    def keep(self, key: Hashable, connection: EndpointConnection) -> None:
        """Keep a connection for the next one who goes there."""
        if not connection.is_open:
            return
        if self._count >= self._size:
            connection.close()
            return
        self._kept.setdefault(key, deque()).append((connection, time.monotonic()))
        self._count += 1
        if self._sweep is None:
            self._sweep_after(KEEP_ALIVE_SECONDS)

    def close(self) -> None:
        """Close all of them."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for kept in self._kept.values():
            for connection, _ in kept:
                connection.close()
        self._kept.clear()
        self._count = 0

    def _close_old(self) -> None:
        begin = time.monotonic() - KEEP_ALIVE_SECONDS
        for key, kept in list(self._kept.items()):
            # In each the oldest come first; the other end may have closed any of them.
            while kept and (kept[0][1] <= begin or not kept[0][0].is_open):
                connection, _ = kept.popleft()
                connection.close()
                self._count -= 1
            if not kept:
                del self._kept[key]
        self._sweep = None
        if self._kept:
            self._sweep_after(KEEP_ALIVE_SECONDS / 2)

    def _sweep_after(self, seconds: float) -> None:
        self._sweep = asyncio.get_running_loop().call_later(seconds, self._close_old)
