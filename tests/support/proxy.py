"""A real HTTP proxy on loopback: it tunnels what CONNECT asks for, and asks whole URLs itself."""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from tests.support.receiver import Answer, Received, read_request, status


class HttpProxy:
    """A proxy that notes what it was asked for.

    Args:
        names: the addresses of hosts, which the proxy alone can look up.
        credentials: user name and password that it insists on.
        answer: what it says to whatever is asked, instead of doing it.
        tls: what it needs to be spoken to in https.
    """

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        *,
        credentials: tuple[str, str] | None = None,
        answer: Answer | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[Received] = []
        self.connections = 0
        self.port = 0
        self._names = names or {}
        self.credentials = credentials
        self._answer = answer
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Its URL; over https its certificate is one for localhost."""
        return f"https://localhost:{self.port}" if self._tls else f"http://{self.place}"

    @property
    def place(self) -> str:
        return f"localhost:{self.port}" if self._tls else f"127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.current_task())
        self.connections += 1
        try:
            while True:
                request = await read_request(reader)
                self.asked.append(request)
                await self._do(request, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _do(
        self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._answer is not None:
            await self._answer(request, writer)
        elif request.headers.get("proxy-authorization") != self._authorization:
            await status(407, headers={"Proxy-Authenticate": "Basic"})(request, writer)
        elif request.method == "CONNECT":
            await self._tunnel(request, reader, writer)
        else:
            await self._ask(request, writer)

    @property
    def _authorization(self) -> str | None:
        if self.credentials is None:
            return None
        return "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()

    async def _tunnel(
        self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, _, port = request.path.rpartition(":")
        other_reader, other_writer = await self._dial(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._keep(asyncio.create_task(relay(other_reader, writer)))
        await relay(reader, other_writer)

    async def _ask(self, request: Received, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(request.path)
        reader, other_writer = await self._dial(url.hostname or "", url.port or 80)
        headers = {name: value for name, value in request.headers.items() if "proxy" not in name}
        lines = [f"{request.method} {url.path} HTTP/1.1", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        other_writer.write("\r\n".join([*lines, "", ""]).encode() + request.body)
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            writer.write(answer + await reader.readexactly(length))
        finally:
            await close(other_writer)

    async def _dial(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._names.get(host, host), port)

    def _keep(self, task: asyncio.Task[None] | None) -> None:
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, to its end."""
    try:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        await close(writer)


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and wait until it is."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
