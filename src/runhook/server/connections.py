"""Clients' connections: how many there may be, how long each may keep us waiting, how each ends.

Uvicorn and h11 speak HTTP on them. They bound what is kept of a request, but know no number of
connections and no time, and they close a connection under a client that is still sending, which
then reads a reset instead of its answer. That is added here, between the socket and any protocol
of uvicorn's; `arriving` tells it where requests begin and end.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from math import inf
from typing import Any, cast

from h11 import LocalProtocolError

from runhook.domain.forwarding import TrustedProxies, read_address
from runhook.server.refusals import Refusal
from runhook.server.throttle import name_of

KIB = 1024
PIECE = 16 * KIB
"""How many bytes are read at a time; that many in small chunks hold the event loop for a while."""
PROGRESS = 16 * KIB
"""How many bytes of its answer a client reads at least in the time it has; then it gets more."""
MOST_DRAINED = 64 * KIB * KIB
"""How much is thrown away of what a client sends that has its last answer."""
DRAINING_SECONDS = 10
SWEEP_SECONDS = 1
END_OF_HEAD = re.compile(rb"\n\r?\n")

NOT_IN_TIME = "The request's head did not end within {seconds} seconds."
TOO_MANY = "There are too many connections; try again in a few seconds."
TOO_MANY_FROM_THERE = "There are too many connections from your address; close some."
HEAD_TOO_LARGE = "The request's head is too large; {most} are the most."
TARGET_TOO_LONG = "The request's target is too long."


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
    """What a connection is at. In all but the first, the client keeps us waiting.

    When there is no place left, connections give theirs up in the order of the others.
    """

    WORKING = auto()
    """We are at its request."""
    LEAVING = auto()
    """It has its last answer; what it still sends is thrown away."""
    WAITING = auto()
    """No request has begun, or its head has not ended."""
    SENDING = auto()
    """More of a body is to come."""
    READING = auto()
    """More of an answer is to be read."""


class Clients:
    """All open connections of one listening socket."""

    def __init__(self, bounds: ClientBounds) -> None:
        self.bounds = bounds
        self._by_site: Counter[str] = Counter()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        # In each phase, the one that has been there longest comes first.
        self._phases: Mapping[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}

    def enter(self, connection: "Connection") -> Refusal | None:
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

    def move(self, connection: "Connection", before: Phase, after: Phase) -> None:
        """Note that a connection is at something else."""
        self._phases[before].pop(connection, None)
        self._phases[after][connection] = None

    def leave(self, connection: "Connection", phase: Phase) -> None:
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

    def _all(self) -> Iterator["Connection"]:
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


class Connection(asyncio.BufferedProtocol):
    """One connection, before the protocol that speaks HTTP on it.

    Args:
        clients: all of them.
        speak: makes that protocol.
    """

    # All share one: what is read is handed on before anything else is read.
    _buffer = memoryview(bytearray(PIECE))

    def __init__(self, clients: Clients, speak: Callable[[], asyncio.Protocol]) -> None:
        self.deadline = inf
        """When the client has kept us waiting too long, by the event loop's clock."""
        self.received = 0
        """Bytes since the last head ended, or began."""
        self.transport: asyncio.Transport
        self.site = ""
        """What its connections are counted together by."""
        self.is_shared = False
        self._clients = clients
        self._bounds = clients.bounds
        self._patience = clients.bounds.patience.total_seconds()
        self._speak = speak
        self._http: asyncio.Protocol | None = None
        self._loop = asyncio.get_running_loop()
        # What the protocol starts runs in here, and finds its connection.
        self._context: Context | None = copy_context()
        self._context.run(_current.set, self)
        self._phase = Phase.WAITING
        self._is_open = False
        self._head: bytes | None = None
        """The end of what came of a head that has not ended; None if there is none."""
        self._has_target = False
        self._is_answering = False
        self._is_whole = True
        """Whether nothing has come but whole requests that are, or were, answered."""
        self._must_read = False
        self._unread = 0
        """Bytes that the client had not read when it was last looked at."""

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or tell it that there is no room."""
        self.transport = cast("asyncio.Transport", transport)
        address, *_ = transport.get_extra_info("peername") or [""]
        self.site = name_of(address)
        known = read_address(address)
        self.is_shared = known is not None and self._bounds.shared_addresses.trusts(known)
        self._is_open = True
        refusal = self._clients.enter(self)
        self._move(Phase.WAITING, self._patience)
        if refusal is None:
            self._http = self._speak()
            self._http.connection_made(Line(self))
        else:
            self.refuse(refusal)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what comes."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand on what came, unless it is too much or comes too late."""
        self.received += nbytes
        if self._http is None or self._phase is Phase.LEAVING:
            if self.received > MOST_DRAINED:
                self.cut()
            return
        data = bytes(self._buffer[:nbytes])
        if self._is_whole:
            self._is_whole = False
            if not self._is_answering:
                self._begin_head()
        if self._head is not None and self._is_too_large(data):
            return
        assert self._context is not None
        try:
            self._context.run(self._http.data_received, data)
        except LocalProtocolError:
            # Uvicorn answers what it cannot read, also after an answer, which h11 does not allow.
            self.hang_up()

    def eof_received(self) -> None:
        """Let the connection be closed: a client that goes away wants no answer."""

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        self._must_read = True
        if self._http is not None:
            self._http.pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._must_read = False
        self._settle()
        if self._http is not None:
            self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Forget the client."""
        self._forget()
        self._end_http()
        # It holds this connection, and would be held by it for ever.
        self._context = None

    # What is told of requests.

    def begin_request(self, *, has_body: bool) -> None:
        """A head has ended, and somebody answers it."""
        self.received = 0
        self._head = None
        self._is_whole = not has_body
        self._is_answering = True
        self._settle()

    def wait_for_body(self, seconds: float) -> None:
        """Somebody waits for more of a body, so long; this time is only their backstop."""
        if not self._must_read:
            self._move(Phase.SENDING, seconds + self._patience)

    def take_body(self, *, is_last: bool) -> None:
        """More of a body has come, or will not come any more."""
        self._is_whole = self._is_whole or is_last
        self._settle()

    def end_request(self) -> None:
        """The answer is given."""
        self._is_answering = False
        if self._is_whole:
            self._settle()
        else:
            # Part of the next request has come with this one.
            self._begin_head()

    # How it ends.

    @property
    def is_open(self) -> bool:
        """Whether it is not closed yet."""
        return self._is_open

    @property
    def has_unread(self) -> bool:
        """Whether the client has not read all that was sent."""
        return self.transport.get_write_buffer_size() > 0

    @property
    def is_leaving(self) -> bool:
        """Whether the client has its last answer."""
        return self._phase is Phase.LEAVING or self.transport.is_closing()

    def refuse(self, refusal: Refusal) -> None:
        """Give an answer that is the last one."""
        self.transport.write(refusal.as_bytes())
        self._is_whole = False
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection once the client has read its answer.

        A client that may still be sending is listened to for a while. If the socket were closed
        under it, the system would send a reset, and the client would lose the answer.
        """
        if self.is_leaving:
            return
        self.received = 0
        self._unread = self.transport.get_write_buffer_size()
        self._move(Phase.LEAVING, self._patience if self._is_whole else DRAINING_SECONDS)
        # Whoever still answers hears that the client is gone.
        self._end_http()
        if self._is_whole:
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.transport.resume_reading()

    def cut(self) -> None:
        """Close the connection now."""
        self._forget()
        self.transport.abort()

    def expire(self) -> None:
        """Do what is due when a client has kept us waiting too long."""
        if self._phase is Phase.WAITING:
            if self._head is None:
                self.hang_up()
            else:
                self.refuse(Refusal(408, NOT_IN_TIME.format(seconds=round(self._patience))))
            return
        left = self.transport.get_write_buffer_size()
        if 0 < left <= self._unread - PROGRESS:
            self._unread = left
            self.deadline = self._loop.time() + self._patience
        else:
            self.cut()

    def _settle(self) -> None:
        """Be at what follows from what has happened."""
        if self._phase is Phase.LEAVING:
            return
        if self._must_read:
            self._unread = self.transport.get_write_buffer_size()
            self._move(Phase.READING, self._patience)
        elif self._is_answering:
            self._move(Phase.WORKING, inf)
        elif self._head is not None:
            self._move(Phase.WAITING, self._patience)
        else:
            # The protocol closes what is idle; this is for one that does not.
            self._move(Phase.WAITING, self._bounds.idle.total_seconds() + self._patience)

    def _move(self, phase: Phase, seconds: float) -> None:
        if self._is_open:
            self._clients.move(self, self._phase, phase)
            self._phase = phase
            self.deadline = self._loop.time() + seconds

    def _forget(self) -> None:
        if self._is_open:
            self._is_open = False
            self._clients.leave(self, self._phase)

    def _end_http(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            # If told of an error, uvicorn's protocols leave their timer running.
            http.connection_lost(None)

    def _begin_head(self) -> None:
        self.received = 0
        self._head = b""
        self._has_target = False
        self._settle()

    def _is_too_large(self, data: bytes) -> bool:
        """Whether a head is too large with this; then the client is told so."""
        assert self._head is not None
        seen = self._head + data
        if END_OF_HEAD.search(seen):
            self._head = None
            return False
        self._head = seen[-2:]
        self._has_target = self._has_target or b"\n" in data
        if self.received <= self._bounds.head_bytes:
            return False
        most = f"{self._bounds.head_bytes // KIB} KiB"
        self.refuse(
            Refusal(431, HEAD_TOO_LARGE.format(most=most))
            if self._has_target
            else Refusal(414, TARGET_TOO_LONG)
        )
        return True


_current: ContextVar[Connection] = ContextVar("connection")


def current_connection() -> Connection:
    """Return the connection that a request came on, whose application runs."""
    return _current.get()


class Line(asyncio.Transport):
    """What the protocol that speaks HTTP takes for the socket."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._transport = connection.transport

    def write(self, data: Any) -> None:
        """Send something, unless the client has its last answer."""
        if not self._connection.is_leaving:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection once the client has read what was sent."""
        self._connection.hang_up()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._connection.is_leaving

    def pause_reading(self) -> None:
        """Take nothing more from the client for now."""
        if not self._connection.is_leaving:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking."""
        if not self._connection.is_leaving:
            self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the system knows of the connection."""
        return self._transport.get_extra_info(name, default)
