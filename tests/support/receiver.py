"""A real HTTP endpoint on loopback that answers, hangs, resets and lies as a test tells it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Self

from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class Received:
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    spelled: tuple[str, ...] = ()
    """The headers' names as they came."""


Answer = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def status(code: int, *, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    """Answer with a status."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {code} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return answer


def raw(answer_bytes: bytes, *, close: bool = True) -> Answer:
    """Answer with exactly these bytes."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_bytes)
        await writer.drain()
        if close:
            writer.close()

    return answer


async def echo(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer with the request's own headers, in the body and as a header."""
    told = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    proof = request.headers.get("authorization", "")
    await status(200, headers={"X-Echo": proof}, body=told.encode())(request, writer)


async def hang(_: Received, __: asyncio.StreamWriter) -> None:
    """Never answer; the receiver's end or the sender's frees the connection."""
    await asyncio.Event().wait()


async def reset(_: Received, writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Receiver:
    """An endpoint that notes what it receives.

    It gives ``answers`` one after the other, and repeats the last one. It speaks https if it gets
    a TLS context. Without a port it takes a free one; it can also be given a socket that listens.
    """

    def __init__(
        self,
        *answers: Answer,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        listening: socket.socket | None = None,
    ) -> None:
        self.answers = list(answers) or [status(200)]
        self.received: list[Received] = []
        self.connections = 0
        self.most_at_once = 0
        self.port = port
        self._address = address if listening is None else listening.getsockname()[0]
        self._listening = listening
        self._tls = tls
        self._at_once = 0
        self._arrived = asyncio.Condition()
        self._handlers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        place = (
            {"host": self._address, "port": self.port}
            if self._listening is None
            else {"sock": self._listening}
        )
        self._server = await asyncio.start_server(self._serve, **place, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    @property
    def url(self) -> str:
        return self.url_at("localhost" if self._tls else self._address)

    def url_at(self, host: str) -> str:
        """The URL under another name for this machine."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/hook"

    def url_of(self, path: str) -> str:
        """The URL of a path."""
        return self.url.removesuffix("/hook") + path

    async def wait_for(self, count: int) -> list[Received]:
        """What was received once it is ``count`` requests."""
        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(lambda: len(self.received) >= count)
        return self.received

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        try:
            while True:
                request = await read_request(reader)
                number = len(self.received)
                async with self._arrived:
                    self.received.append(request)
                    self._arrived.notify_all()
                await self._answer(number, request, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._handlers.discard(task)
            writer.close()

    async def _answer(self, number: int, request: Received, writer: asyncio.StreamWriter) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.answers[min(number, len(self.answers) - 1)](request, writer)
        finally:
            self._at_once -= 1


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Read one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    spelled = tuple(line.partition(":")[0] for line in head[1:] if line)
    return Received(method=method, path=path, headers=headers, body=body, spelled=spelled)


@asynccontextmanager
async def receivers_at_one_port(address: str) -> AsyncIterator[tuple[Receiver, Receiver]]:
    """Receive at 127.0.0.1 and at another address, at a port that is free at both."""
    while True:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(Receiver())
            try:
                other = await stack.enter_async_context(Receiver(address=address, port=one.port))
            except OSError:
                continue
            yield one, other
            return
