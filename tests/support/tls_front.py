"""Ends TLS before a service that speaks HTTP, as a proxy in front of it does."""

import asyncio
import ssl
from contextlib import suppress
from typing import Self


class TlsFront:
    """Passes on what comes by TLS to a port of this machine, and back.

    Args:
        context: with the certificate to show.
        port: of the service; can be another one from the next connection on.
    """

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context = context
        self.port = port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "localhost", 0, ssl=self._context, family=2
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def place(self) -> str:
        """The host and port that it is reached at."""
        return f"localhost:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(pass_on(reader, to_writer), pass_on(to_reader, writer))


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write what is read, until there is no more."""
    with suppress(ConnectionError, ssl.SSLError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    writer.close()
