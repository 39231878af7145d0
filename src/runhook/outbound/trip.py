"""What is noted of one request on its way, for whoever has to say why it ended.

aiohttp's exceptions tell what broke. They do not tell whether the connection was an old one, how
far the answer had come, or which addresses were refused before another one failed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import aiohttp

_under_way: ContextVar["Trip | None"] = ContextVar("trip", default=None)


@dataclass(slots=True, kw_only=True)
class Trip:
    """One request, from its URL to its answer."""

    url: str
    deadline: timedelta
    """For the whole of it."""
    refusals: list[str] = field(default_factory=list)
    """Why addresses of the host were not dialled."""
    was_dialled: bool = False
    """Whether a socket was made for an address of the host."""
    is_connected: bool = False
    was_reused: bool = False
    """Whether the connection had served another request before."""
    status_code: int | None = None
    """Known as soon as the headers are, when the body may still come or break off."""

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        try:
            url = urlsplit(self.url)
            host = url.hostname or ""
            port = url.port or (443 if url.scheme == "https" else 80)
        except ValueError:
            return "the endpoint"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def under_way(trip: Trip) -> Iterator[None]:
    """Make ``trip`` the one that ``current_trip`` returns inside the block."""
    token = _under_way.set(trip)
    try:
        yield
    finally:
        _under_way.reset(token)


def current_trip() -> Trip | None:
    """Return the trip that this task, or the one that began it, is on."""
    return _under_way.get()


def noting_connections() -> aiohttp.TraceConfig:
    """Return a trace that notes on a trip which connection it got."""

    async def on_reuse(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: Any
    ) -> None:
        trip: Trip = context.trace_request_ctx
        trip.is_connected = trip.was_reused = True

    async def on_create(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: Any
    ) -> None:
        trip: Trip = context.trace_request_ctx
        trip.is_connected = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(on_reuse)
    trace.on_connection_create_end.append(on_create)
    return trace
