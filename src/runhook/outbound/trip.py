"""What is noted of one request on its way, for whoever has to say why it ended.

aiohttp's exceptions tell what broke. They do not tell whether the connection was an old one, how
far the request had come, which addresses were dialled, or which were refused before another failed.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.client_proto import ResponseHandler

from runhook.domain.proxies import Proxy

_under_way: ContextVar["Trip | None"] = ContextVar("trip", default=None)


class Stage(Enum):
    """How far a request has come."""

    QUEUED = auto()
    """Waiting for one of the connections that there may be."""
    RESOLVING = auto()
    """Looking up the host's name."""
    CONNECTING = auto()
    """Waiting for an address to take the connection, or for a proxy to have it made."""
    SHAKING_HANDS = auto()
    """Agreeing on TLS."""
    WAITING = auto()
    """Connected: sending the request, or waiting for the answer's head."""
    READING = auto()
    """The answer's body is coming."""


@dataclass(slots=True, kw_only=True)
class Trip:
    """One request, from its URL to its answer."""

    url: str
    deadline: timedelta
    """For the whole of it."""
    proxy: Proxy | None = None
    """Through which it goes."""
    stage: Stage = Stage.QUEUED
    refusals: list[str] = field(default_factory=list)
    """Why addresses of the host were not dialled."""
    dialled: list[str] = field(default_factory=list)
    """Addresses with their ports for which a socket was made: the host's, or the proxy's."""
    was_reused: bool = False
    """Whether the connection had served another request before."""
    status_code: int | None = None
    """Known as soon as the headers are, when the body may still come or break off."""

    @property
    def host(self) -> str:
        """The endpoint's host."""
        return urlsplit(self.url).hostname or ""

    @property
    def endpoint(self) -> str:
        """The endpoint's host and port, as people write them."""
        try:
            url = urlsplit(self.url)
            port = url.port or (443 if url.scheme == "https" else 80)
        except ValueError:
            return "the endpoint"
        return place_of(url.hostname or "", port)

    @property
    def place(self) -> str:
        """Whom we talk to: the endpoint, and the proxy on the way there."""
        return f"{self.endpoint} (by the proxy {self.proxy.place})" if self.proxy else self.endpoint


def place_of(host: str, port: int) -> str:
    """Return a host and a port as people write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def begin(trip: Trip) -> None:
    """Make ``trip`` the one that this task is on, and those that it begins from now on."""
    _under_way.set(trip)


def current_trip() -> Trip | None:
    """Return the trip that this task, or the one that began it, is on."""
    return _under_way.get()


class NotingConnector(aiohttp.TCPConnector):
    """A connector that notes on the trip under way that it makes a new connection.

    aiohttp's tracing would tell, too, at the price of a tenth of a request.
    """

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the library calls it
    ) -> ResponseHandler:
        """Make a new connection, once there may be one more."""
        trip = current_trip()
        if trip is not None:
            trip.stage = Stage.RESOLVING
        return await super()._create_connection(req, traces, timeout)
