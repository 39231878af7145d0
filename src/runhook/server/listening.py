"""The listening socket, and the ASGI server on it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar

from runhook.domain.errors import InvalidError

GRACE_SECONDS = 5
"""How long requests under way may take once the server stops."""


@contextmanager
def listen(host: str, port: int, *, prefix: str = "RUNHOOK") -> Iterator[socket.socket]:
    """Open a listening socket; port 0 takes one that is free.

    Args:
        host: where to listen.
        port: likewise.
        prefix: what the names of the settings begin with that say so.

    Raises:
        InvalidError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise InvalidError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. "
            f"Choose another with {prefix}_HOST and {prefix}_PORT."
        ) from None
    with listening:
        yield listening


def address_of(listening: socket.socket) -> str:
    """Return the URL that the socket can be reached at from this machine."""
    host, port, *_ = listening.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Uvicorn on a socket of ours, which leaves signals to us."""

    def __init__(self, app: Litestar, listening: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._listening = listening

    async def run_until_stopped(self) -> None:
        """Serve until ``stop`` is called, then let requests under way finish."""
        await self.serve(sockets=[self._listening])

    def stop(self) -> None:
        """Take no new requests."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: the wiring decides in which order things stop."""
        yield
