"""A client that sends what it likes over a socket, and reads answers as a strict client does."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from tests.support.patience import PATIENCE

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came, whole and well-formed."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """Values of each `Set-Cookie`."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class RawConnection:
    """One connection to a service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._left = b""

    async def send(self, data: bytes) -> None:
        """Send something, as fast as the service takes it.

        Raises:
            ConnectionError: the service has closed the connection.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def flood(self, pieces: Iterable[bytes], *, seconds: float = PATIENCE) -> int | None:
        """Send one piece after the other until the service takes no more, or time is over.

        Returns:
            how many bytes were sent when the service cut the connection or let nothing more in;
            None if it took all of them.
        """
        sent = 0
        try:
            async with asyncio.timeout(seconds):
                for piece in pieces:
                    if self._reader.at_eof():
                        return sent
                    await self.send(piece)
                    sent += len(piece)
        except (ConnectionError, TimeoutError):
            return sent
        return None

    async def answer(self, method: str = "GET") -> RawAnswer:
        """Read the next answer as a client does that sent this method.

        Raises:
            h11.RemoteProtocolError: it is not well-formed, or the connection ends within it.
            ConnectionError: the connection was reset before its end.
        """
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        parser.send(h11.EndOfMessage())
        if self._left:
            parser.receive_data(self._left)
        head = None
        body = b""
        async with asyncio.timeout(PATIENCE):
            while True:
                match event := parser.next_event():
                    case h11.NEED_DATA:
                        parser.receive_data(await self._reader.read(PIECE))
                    case h11.Response():
                        head = event
                    case h11.Data():
                        body += event.data
                    case h11.EndOfMessage():
                        break
                    case _:  # informational
                        pass
        self._left, _ = parser.trailing_data
        assert head is not None
        lines = [(name.decode(), value.decode("latin-1")) for name, value in head.headers]
        cookies = tuple(value for name, value in lines if name == "set-cookie")
        return RawAnswer(head.status_code, dict(lines), body, cookies)

    async def comes(self, expected: bytes) -> None:
        """Read exactly this."""
        async with asyncio.timeout(PATIENCE):
            assert await self._reader.readexactly(len(expected)) == expected

    async def rest(self) -> bytes:
        """Read to the end of the connection; a reset is an end too."""
        read = self._left
        self._left = b""
        async with asyncio.timeout(PATIENCE):
            try:
                while piece := await self._reader.read(PIECE):
                    read += piece
            except ConnectionError:
                pass
        return read

    async def is_closed(self) -> bool:
        """Wait until the service has closed the connection without another byte."""
        return await self.rest() == b""

    def finish_sending(self) -> None:
        """Say that nothing more is sent, and go on reading."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Go away without a word."""
        self._writer.transport.abort()


async def connect(
    url: str, *, buffer: int | None = None, source: str | None = None
) -> RawConnection:
    """Connect to a service.

    Args:
        url: where it is.
        source: the address of this machine to connect from, if it is to be a certain one.
        buffer: how many bytes are taken before somebody reads them; None for as many as usual.
    """
    address = urlsplit(url)
    limits = {} if buffer is None else {"limit": buffer}
    local = None if source is None else (source, 0)
    reader, writer = await asyncio.open_connection(
        address.hostname, address.port, local_addr=local, **limits
    )
    return RawConnection(reader, writer)


@asynccontextmanager
async def connected(url: str, *, buffer: int | None = None) -> AsyncIterator[RawConnection]:
    """Connect to a service, and go away in the end."""
    connection = await connect(url, buffer=buffer)
    try:
        yield connection
    finally:
        connection.reset()


def request(
    target: str, *, method: str = "GET", token: str | None = None, body: bytes = b"", **headers: str
) -> bytes:
    """A request as it goes over the wire; `content_type` stands for `Content-Type`.

    Args:
        target: the path with its query, or whatever else is to stand there.
        method: likewise.
        token: sent in the Authorization header.
        body: its length is announced unless ``headers`` say how it is sent.
        headers: others.
    """
    lines = {"host": "runhook.test", **{name.replace("_", "-"): v for name, v in headers.items()}}
    if token is not None:
        lines["authorization"] = f"Token {token}"
    if method not in ("GET", "HEAD") or body:
        lines.setdefault("content-type", "application/json")
        if "transfer-encoding" not in lines:
            lines.setdefault("content-length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body
