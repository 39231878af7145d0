"""One client's connection: how long it may keep us waiting, and how it ends.

Uvicorn speaks HTTP on it. It knows no number of connections and no time, keeps and takes apart at
once whatever comes, and closes a connection under a client that is still sending, which then reads
a reset instead of its answer. That is added here, between the socket and any protocol of uvicorn's;
`arriving` tells it where requests begin and end.
"""

import asyncio
import ssl
from collections.abc import Callable, Hashable
from contextvars import Context, ContextVar, copy_context
from enum import Enum, auto
from math import inf
from typing import Any, cast

from runhook.domain.network.forwarding import read_client_address
from runhook.server.access.throttle import counting_key
from runhook.server.connections.clients import Clients, Phase
from runhook.server.connections.framing import Body
from runhook.server.connections.head import KIB, Head, understood
from runhook.server.connections.refusals import Refusal
from runhook.server.connections.secure import SecureTransport
from runhook.server.connections.tls import Certificate

PIECE = 16 * KIB
"""How many bytes are read at a time."""
LARGE_PIECE = 256 * KIB
"""How many of a large body that is waited for: each piece takes many turns of the event loop."""
PROGRESS = 16 * KIB
"""How many bytes of its answer a client reads at least in the time it has; then it gets more."""
MOST_DRAINED = 64 * KIB * KIB
"""How much is thrown away of what a client sends that has its last answer."""
DRAINING_SECONDS = 10
NOT_IN_TIME = "The request's head did not end within {seconds} seconds."


class Stage(Enum):
    """How far a connection's next request has come."""

    HEAD = auto()
    """Its head has not ended, or has not begun."""
    READY = auto()
    """Its head has come, and it is not its turn yet."""
    MET = auto()
    """Its head has ended, and it is not known yet what comes behind it."""
    BODY = auto()
    """Its body has not ended."""
    WHOLE = auto()
    """It has come, and is being answered."""


class ClientConnection(asyncio.BufferedProtocol):
    """One connection, before the protocol that speaks HTTP on it.

    Args:
        clients: all of them.
        speak: makes that protocol.
        certificate: what TLS begins with; None for a connection without TLS.
    """

    # All share one: what is read is handed on before anything else is read.
    _buffer = memoryview(bytearray(LARGE_PIECE))

    def __init__(
        self,
        clients: Clients,
        speak: Callable[[], asyncio.Protocol],
        certificate: Certificate | None = None,
    ) -> None:
        self.deadline = inf
        """When the client has kept us waiting too long, by the event loop's clock."""
        self.transport: asyncio.Transport
        self.site = ""
        """What its connections are counted together by."""
        self.is_shared = False
        self._clients = clients
        self._bounds = clients.bounds
        self._patience = clients.bounds.patience.total_seconds()
        self._speak = speak
        self._certificate = certificate
        self._secure: SecureTransport | None = None
        self._http: asyncio.Protocol | None = None
        self._line: Line | None = None
        self._loop = asyncio.get_running_loop()
        # What the protocol starts runs in here, and finds its connection.
        self._context: Context | None = copy_context()
        self._context.run(_current.set, self)
        self._phase = Phase.WAITING
        self._is_open = False
        self._stage = Stage.HEAD
        self._came = b""
        """What came, and was not given to the protocol.

        While there is some, nothing is read, unless it is a head that has not ended.
        """
        self._has_eof = False
        """Whether the client sends nothing more."""
        self._head = Head()
        self._body: Body | None = None
        self._is_wanted = False
        """Whether somebody waits for more of the body."""
        self._has_to_wait = False
        self._is_unanswered = False
        """Whether a request has come, and nothing of its answer was given."""
        self._on_excess: Callable[[], None] | None = None
        self._http_reads = True
        """Whether the protocol wants to be given more."""
        self._is_reading = True
        self._must_read = False
        self._drained = 0
        """Bytes that were thrown away."""
        self._unread = 0
        """Bytes that the client had not read when it was last looked at."""

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or tell it that there is no room."""
        self.transport = cast("asyncio.Transport", transport)
        if self._certificate is not None:
            self._secure = SecureTransport(self.transport, self._certificate.context())
            self.transport = self._secure
        address, *_ = transport.get_extra_info("peername") or [""]
        self.site = counting_key(address)
        known = read_client_address(address)
        self.is_shared = known is not None and self._bounds.shared_addresses.trusts(known)
        self._is_open = True
        refusal = self._clients.enter(self)
        self._move(Phase.WAITING, self._patience)
        if refusal is None:
            self._http, self._line = self._speak(), Line(self)
            self._http.connection_made(self._line)
        elif self._secure is None:
            self.refuse(refusal)
        else:
            # It could read no answer before hands are shaken, which costs more than most requests.
            self.cut()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to put what comes."""
        del sizehint
        is_large = self._is_wanted and self._body is not None and self._body.is_large
        return self._buffer if is_large else self._buffer[:PIECE]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came, and give it to the protocol as far as it is its turn."""
        if self._http is None or self._phase is Phase.LEAVING:
            self._drained += nbytes
            if self._drained > MOST_DRAINED:
                self.cut()
            else:
                # The event loop would read a dozen pieces more before anything else.
                self.transport.pause_reading()
                self._clients.draining.add(self)
            return
        self._came += self._buffer[:nbytes] if self._secure is None else self._opened(nbytes)
        if self._clients.pieces.may_go_on(self):
            self._go_on()
        else:
            self._wait_for_turn()

    def _opened(self, length: int) -> bytes:
        """What came, without TLS."""
        assert self._secure is not None
        try:
            data = self._secure.opened(bytes(self._buffer[:length]))
        except ssl.SSLError:
            self.cut()
            return b""
        if self._secure.has_ended:
            self.eof_received()
        return data

    def eof_received(self) -> bool:
        """Whether to stay open for an answer; a client that goes away wants none.

        Which of the two it is cannot be known before something is sent to it.
        """
        self._has_eof = True
        if self._stage in (Stage.MET, Stage.WHOLE) and self._phase is not Phase.LEAVING:
            self._settle()
            return True
        return False

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

    # What the protocol reports of requests.

    def begin_request(self, body: Body | None) -> None:
        """Note that a request's head has ended, and what body follows it."""
        if body and self._has_eof:
            self.cut()
            return
        self._body = body
        if body:
            self._stage = Stage.BODY
        else:
            self._be_whole()
        self._settle()

    @property
    def has_rest_of_body(self) -> bool:
        """Whether all that the application has not been given of a body has come."""
        return self._body is not None and self._body.ends_within(len(self._came))

    def wait_for_body(self, seconds: float, on_excess: Callable[[], None] | None = None) -> None:
        """Note that the application waits for more of a body; it has a time limit of its own.

        Args:
            seconds: how long.
            on_excess: called if it costs more to read than it may; nothing more of it comes then.
        """
        self._is_wanted = True
        self._on_excess = on_excess
        if not self._must_read:
            self._move(Phase.SENDING, seconds + self._patience)
        self._go_on()

    def take_body(self) -> None:
        """The application waits for no more of a body."""
        self._is_wanted = False
        self._on_excess = None
        self._settle()

    def begin_answer(self) -> None:
        """The answer is being given: what is written next is its head."""
        if self._line is not None:
            self._line.hold()
        self._note_answer()

    def _note_answer(self) -> None:
        if self._is_unanswered:
            self._is_unanswered = False
            self._clients.unanswered.remove(self.site)

    def end_request(self) -> None:
        """The answer is given."""
        if self._stage is not Stage.WHOLE:
            return
        self._stage = Stage.HEAD
        self._head = Head()
        self._settle()
        if self._came:
            # A client that sends requests without waiting for responses would keep the loop busy.
            self._slow_down()
        elif self._has_eof:
            self.hang_up()

    def take_turn(self) -> None:
        """Go on, since it is its turn."""
        self._has_to_wait = False
        if self._phase is not Phase.LEAVING:
            self._go_on()
        elif not self.transport.is_closing():
            self.transport.resume_reading()

    def _go_on(self) -> None:
        """Give the protocol as many of the received bytes as it may have now."""
        while self._came and self._http is not None and not self.is_leaving:
            length = self._next_length()
            if not length:
                break
            data, self._came = self._came[:length], self._came[length:]
            self._give(data)
        self._read_or_not()

    # How it ends.

    @property
    def lane(self) -> Hashable:
        """What shares turns with it: its site, or nothing if that is many clients'."""
        return self if self.is_shared else self.site

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
        """Give an answer that is the last one, while no request is being answered."""
        self.transport.write(refusal.as_bytes())
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection once the client has read its answer.

        A client that may still be sending is listened to for a while. If the socket were closed
        under it, the system would send a reset, and the client would lose the answer.
        """
        if self.is_leaving:
            return
        if self._line is not None:
            self._line.flush()
        may_send = not self._has_eof and (
            self._http is None
            or self._came != b""
            or self._head.length > 0
            or self._stage not in (Stage.HEAD, Stage.WHOLE)
        )
        self._unread = self.transport.get_write_buffer_size()
        self._move(Phase.LEAVING, DRAINING_SECONDS if may_send else self._patience)
        self._came = b""
        # A handler that still responds sees that the client is gone.
        self._end_http()
        if not may_send:
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
            if not self._head.length:
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
        """Move to the phase, and set the deadline, that follow from what has happened."""
        if self._phase is Phase.LEAVING:
            return
        if self._must_read:
            self._unread = self.transport.get_write_buffer_size()
            self._move(Phase.READING, self._patience)
        elif self._stage is not Stage.HEAD:
            if self._has_eof:
                # Perhaps it is gone, and only an answer can show that.
                self._unread = 0
                self._move(Phase.READING, self._patience)
            else:
                self._move(Phase.WORKING, inf)
        elif self._head.length:
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
            self._note_answer()
            self._clients.leave(self, self._phase)

    def _end_http(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            # If told of an error, uvicorn's protocols leave their timer running.
            http.connection_lost(None)

    def _next_length(self) -> int:
        """Number of the received bytes that the protocol may be given now."""
        match self._stage:
            case _ if self._has_to_wait:
                return 0
            case Stage.HEAD:
                return self._length_of_head()
            case Stage.READY:
                return self._begin()
            case Stage.BODY if self._is_wanted:
                return self._length_of_body()
            case _:
                return 0

    def _length_of_head(self) -> int:
        if not self._head.length:
            self._move(Phase.WAITING, self._patience)
        self._head.take(self._came[self._head.length :])
        refusal = self._head.refusal(self._bounds.head_bytes)
        if refusal is not None:
            self.refuse(refusal)
            return 0
        if not self._head.has_ended:
            return 0
        head = understood(self._came[: self._head.length])
        if isinstance(head, Refusal):
            self.refuse(head)
            return 0
        self._came = head + self._came[self._head.length :]
        self._head.length = len(head)
        if self._clients.beginning.may_go_on(self):
            return self._begin()
        self._has_to_wait = True
        self._stage = Stage.READY
        self._settle()
        return 0

    def _begin(self) -> int:
        self._stage = Stage.MET
        return self._head.length

    def _length_of_body(self) -> int:
        assert self._body is not None
        if self._body.is_excessive:
            return 0
        length = self._body.take(self._came)
        if self._body.has_ended:
            self._be_whole()
        elif self._body.is_excessive:
            if self._on_excess is not None:
                self._on_excess()
        elif length < len(self._came):
            self._slow_down()
        return length

    def _be_whole(self) -> None:
        """A request has come."""
        self._stage = Stage.WHOLE
        self._is_unanswered = True
        self._clients.unanswered.add(self.site)

    def _wait_for_turn(self) -> None:
        self._has_to_wait = True
        self._read_or_not()

    def _slow_down(self) -> None:
        """Let others have their turn first."""
        self._has_to_wait = True
        self._clients.slow.add(self)

    def _give(self, data: bytes) -> None:
        assert self._context is not None
        assert self._http is not None
        self._context.run(self._http.data_received, data)

    def let_read(self, *, http_reads: bool) -> None:
        """Note whether the protocol wants to be given more."""
        self._http_reads = http_reads
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self.is_leaving or self._has_eof or not self._is_open:
            return
        is_within_head = self._stage is Stage.HEAD and not self._has_to_wait
        reads = self._http_reads and (is_within_head or not self._came)
        if reads != self._is_reading:
            self._is_reading = reads
            if reads:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()


_current: ContextVar[ClientConnection] = ContextVar("connection")


def current_connection() -> ClientConnection:
    """The connection that a request came on, whose application runs."""
    return _current.get()


class Line(asyncio.Transport):
    """What the protocol that speaks HTTP takes for the socket."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__()
        self._connection = connection
        self._transport = connection.transport
        self._loop = asyncio.get_running_loop()
        self._holds = False
        self._held = b""

    def hold(self) -> None:
        """Keep what is written next for what follows in the same turn of the event loop.

        The head of an answer and its body would else be sent one by one.
        """
        self._holds = True

    def write(self, data: Any) -> None:
        """Send something, unless the client has its last answer."""
        if self._connection.is_leaving:
            return
        if self._holds:
            self._holds, self._held = False, data
            self._loop.call_soon(self.flush)
        elif self._held:
            data, self._held = self._held + data, b""
            self._transport.write(data)
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send what is kept."""
        data, self._held = self._held, b""
        if data and not self._connection.is_leaving:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection once the client has read what was sent."""
        self._connection.hang_up()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._connection.is_leaving

    def pause_reading(self) -> None:
        """Take nothing more from the client for now."""
        self._connection.let_read(http_reads=False)

    def resume_reading(self) -> None:
        """Go on taking."""
        self._connection.let_read(http_reads=True)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the system knows of the connection."""
        return self._transport.get_extra_info(name, default)
