"""Sends one request to an endpoint, within bounds, and tells what happened."""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError

from runhook.domain.destinations import AddressPolicy
from runhook.domain.judging import Outcome
from runhook.domain.proxies import Proxies
from runhook.domain.tls import USUAL_TLS, TlsSettings
from runhook.outbound.deadline import Deadline
from runhook.outbound.exchange import Answer, exchange
from runhook.outbound.failures import explain, explain_status
from runhook.outbound.guard import Guard, make_socket
from runhook.outbound.handshake import Handshake
from runhook.outbound.pool import Bounds, Pool
from runhook.outbound.resolver import Resolver
from runhook.outbound.route import Route, route_to
from runhook.outbound.tally import Tally
from runhook.outbound.trip import NotingConnector, Stage, Trip, begin

REMEMBERED = 4_096
"""To how many URLs the way is not worked out anew for each delivery."""
NO_BOUND = aiohttp.ClientTimeout()
"""For the parts of a request: the deadline is for all of them together."""
LOOK_UP_SECONDS = 3
"""So long somebody waits who only wants to know if a name is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes over the wire."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    """Among them may be credentials."""
    body: bytes = field(repr=False)
    tls: TlsSettings = USUAL_TLS
    """How TLS is spoken with the endpoint."""
    timeout: timedelta | None = None
    """How long all of it may take; as long as the sender says if None."""


class Sender:
    """Posts requests over pooled connections.

    Use as an async context manager.

    Args:
        policy: which addresses may be dialled.
        deadline: for the whole of one request: waiting for a connection, resolving, connecting,
            TLS, headers and body.
        proxies: through which to go; the proxies themselves may have any address.
        bounds: how many connections may be in use at once.
        resolver: looks up host names; the system's if None.
        tls: which certificates to trust; those that the system trusts if None. Its handshakes are
            noted from now on.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        deadline: timedelta,
        proxies: Proxies | None = None,
        bounds: Bounds | None = None,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = Guard(policy)
        self._allowed = deadline
        self._deadline = Deadline(deadline)
        self._proxies = proxies or Proxies()
        self._bounds = bounds or Bounds()
        self._resolver = resolver or Resolver()
        self._tls = tls or ssl.create_default_context()
        self._tls.sslobject_class = Handshake
        self._opened = AsyncExitStack()
        self._route_to = lru_cache(maxsize=REMEMBERED)(route_to)
        self.tally = Tally(time.monotonic)
        """What came of the requests so far."""

    async def __aenter__(self) -> Self:
        self._opened.callback(self._deadline.close)
        self._opened.push_async_callback(self._resolver.close)
        self._direct, self._proxied = [
            await self._opened.enter_async_context(
                Pool(kind, resolver=self._resolver, tls=self._tls, bounds=self._bounds)
            )
            for kind in (self._guard.make_socket, make_socket)
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def send(self, request: Request) -> Outcome:
        """Send one request; whatever happens, an outcome is returned."""
        clock = asyncio.get_running_loop().time
        started = clock()
        trip = Trip(url=request.url, deadline=self._allowed)
        begin(trip)
        self.tally.under_way += 1
        try:
            answer = await self._deadline.wait_for(self._exchange(request, trip))
            failure, why = explain_status(answer.status_code, trip)
            outcome = Outcome(
                duration=timedelta(seconds=clock() - started),
                status_code=answer.status_code,
                failure=failure,
                error=why,
                response_headers=answer.headers,
                response_body=answer.body,
            )
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            reason, sentence = explain(error, trip)
            outcome = Outcome(
                duration=timedelta(seconds=clock() - started), failure=reason, error=sentence
            )
        finally:
            self.tally.under_way -= 1
        self.tally.note(outcome)
        return outcome

    async def look_up(self, url: str) -> str | None:
        """Return why nothing would be dialled for a URL now, in a sentence; None if all is well.

        Nothing is sent. Behind a proxy, names are the proxy's to judge.
        """
        if self._proxies.proxy_for(url) is not None:
            return None
        host = urlsplit(url).hostname or ""
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = await self._resolver.resolve(host, 0, socket.AF_UNSPEC)
        except TimeoutError:
            return f"The host {host} could not be looked up within {LOOK_UP_SECONDS} s."
        except OSError:
            return f"The host {host} has no address that name servers know."
        refusals = [self._guard.refusal_of(one["host"]) for one in found]
        return (
            None if None in refusals else next(iter(refusals), f"The host {host} has no address.")
        )

    async def _exchange(self, request: Request, trip: Trip) -> Answer:
        self._guard.check(request.url)
        trip.proxy = self._proxies.proxy_for(request.url)
        route = self._route_to(request.url, trip.proxy)
        pool = self._proxied if trip.proxy else self._direct
        try:
            return await post(pool.keeping, route, request, trip)
        except aiohttp.ClientConnectionError:
            if not trip.was_reused or trip.status_code is not None:
                raise
        # An endpoint may close a kept connection at the very moment we use it, and all the others
        # that we keep to it as well. That is nobody's failure; a new connection tells.
        trip.stage = Stage.QUEUED
        return await post(pool.fresh, route, request, trip)


async def post(connector: NotingConnector, route: Route, request: Request, trip: Trip) -> Answer:
    """Send a request over a connection of a connector's, and return the answer."""
    connection = await connect(connector, route, trip)
    trip.stage = Stage.WAITING
    headers = route.headers.copy()
    headers.update(request.headers)
    headers["Content-Length"] = str(len(request.body))
    if connector.force_close:
        headers["Connection"] = "close"
    return await exchange(connection, route.request_line, headers, request.body, trip)


async def connect(connector: NotingConnector, route: Route, trip: Trip) -> Connection:
    """Return a connection of a connector's, with nothing on it that nobody asked for."""
    while True:
        connection = await connector.connect(route.destination, [], NO_BOUND)
        trip.was_reused = trip.stage is Stage.QUEUED
        protocol = connection.protocol
        if not trip.was_reused or protocol is None or not protocol.should_close:
            return connection
        connection.close()
