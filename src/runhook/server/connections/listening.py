"""The listening socket, and the ASGI server on it."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from runhook.domain.errors import InvalidError
from runhook.server.connections.arriving import arriving
from runhook.server.connections.clients import ClientBounds, Clients
from runhook.server.connections.connection import ClientConnection
from runhook.server.connections.tls import Certificate

EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared, and not listened on
GRACE_SECONDS = 5
"""How long requests under way may take once the server stops."""
DEFAULT_BOUNDS = ClientBounds()


@contextmanager
def listen(host: str, port: int, *, prefix: str = "RUNHOOK") -> Iterator[socket.socket]:
    """Open a listening socket; port 0 takes one that is free.

    Args:
        host: where to listen; :: is every address, of IPv4 too.
        port: likewise.
        prefix: what the names of the settings begin with that say so.

    Raises:
        InvalidError: the address cannot be listened on.
    """
    try:
        listening = open_socket(host, port)
    except OSError as error:
        shown = f"[{host}]" if ":" in host else host
        raise InvalidError(
            f"Cannot listen on {shown}:{port}: {why_not_listening(error, host)}. "
            f"Choose another with {prefix}_HOST and {prefix}_PORT."
        ) from None
    with listening:
        yield listening


def open_socket(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Raises:
        OSError: the address cannot be listened on.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # Of a name with addresses of both kinds, such as localhost, the one that every client can use.
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return socket.create_server(
        # In full: a link-local address is one of an interface.
        address,
        family=family,
        backlog=1024,
        # Whatever the system's default is (net.ipv6.bindv6only).
        dualstack_ipv6=address[0] == "::" and not lacks_ipv6(host),
    )


def why_not_listening(error: OSError, host: str) -> str:
    """Why an address cannot be listened on."""
    if lacks_ipv6(host):
        return "IPv6 is off on this machine"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address" + ("; is IPv6 off?" if ":" in host else "")
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def lacks_ipv6(host: str) -> bool:
    """Whether an address is of IPv6, and this machine has none."""
    return ":" in host and not socket.has_dualstack_ipv6()


def url_of_socket(listening: socket.socket, *, scheme: str = "http") -> str:
    """The URL that the socket can be reached at from this machine."""
    host, port, *_ = listening.getsockname()
    if host in EVERY_ADDRESS:
        # The one of them that is sure to be there, and that browsers go to.
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Server(uvicorn.Server):
    """Uvicorn on a socket of ours, which bounds what clients take and leaves signals to us.

    Its parser keeps whatever it is given, so ``ClientConnection``, which stands before it, gives it
    no more than is bounded there and by ``arriving``.
    """

    def __init__(
        self,
        app: Litestar,
        listening: socket.socket,
        bounds: ClientBounds = DEFAULT_BOUNDS,
        certificate: Certificate | None = None,
    ) -> None:
        self._listening = listening
        self._certificate = certificate
        self._clients = Clients(bounds)
        super().__init__(
            uvicorn.Config(
                cast("Any", arriving(cast("Any", app), bounds.patience)),
                # It is no `asyncio.Protocol`, but it is what an event loop asks for.
                http=cast("type[asyncio.Protocol]", self._connection),
                ws="none",
                lifespan="off",
                log_config=None,
                # It logs each unreadable request, without even its client.
                log_level=logging.ERROR,
                access_log=False,
                server_header=False,
                # Which proxies are believed is a setting of ours: see `forwarding`.
                proxy_headers=False,
                timeout_keep_alive=round(bounds.idle.total_seconds()),
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    async def run_until_stopped(self) -> None:
        """Serve until ``stop`` is called, then let requests under way finish."""
        sweeping = asyncio.create_task(self._clients.sweep())
        try:
            await self.serve(sockets=[self._listening])
            await self._clients.close(GRACE_SECONDS)
        finally:
            sweeping.cancel()

    def _connection(self, **options: Any) -> ClientConnection:
        speak = partial(HttpToolsProtocol, **options)
        return ClientConnection(self._clients, speak, self._certificate)

    def stop(self) -> None:
        """Take no new requests."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: the wiring decides in which order things stop."""
        yield
