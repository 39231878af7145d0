"""Sends one request to an endpoint, within bounds, and tells what happened."""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from runhook.domain.destinations import AddressPolicy
from runhook.domain.judging import Outcome
from runhook.domain.proxies import Proxies, Proxy
from runhook.outbound.failures import explain, explain_status
from runhook.outbound.guard import Guard, make_socket
from runhook.outbound.handshake import Handshake
from runhook.outbound.pool import Bounds, Pool
from runhook.outbound.resolver import Resolver
from runhook.outbound.tally import Tally
from runhook.outbound.trip import Stage, Trip, begin

BODY_READ_LIMIT = 64 * 1024
BODY_KEPT_LIMIT = 16 * 1024
HEADERS_KEPT_LIMIT = 16 * 1024
LOOK_UP_SECONDS = 3
"""So long somebody waits who only wants to know if a name is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes over the wire."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    """Among them may be credentials."""
    body: bytes = field(repr=False)


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
        self._deadline = deadline
        self._timeout = in_all(deadline.total_seconds())
        self._proxies = proxies or Proxies()
        self._bounds = bounds or Bounds()
        self._resolver = resolver or Resolver()
        self._tls = tls or ssl.create_default_context()
        self._tls.sslobject_class = Handshake
        self._opened = AsyncExitStack()
        self.tally = Tally(time.monotonic)
        """What came of the requests so far."""

    async def __aenter__(self) -> Self:
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
        trip = Trip(url=request.url, deadline=self._deadline)
        begin(trip)
        self.tally.under_way += 1
        try:
            status_code, headers, body = await self._exchange(request, trip, started)
            failure, why = explain_status(status_code, trip)
            outcome = Outcome(
                duration=timedelta(seconds=clock() - started),
                status_code=status_code,
                failure=failure,
                error=why,
                response_headers=headers,
                response_body=body,
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
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

    async def _exchange(
        self, request: Request, trip: Trip, started: float
    ) -> tuple[int, dict[str, str], bytes]:
        self._guard.check(request.url)
        trip.proxy = self._proxies.proxy_for(request.url)
        pool = self._proxied if trip.proxy else self._direct
        try:
            return await self._post(pool.keeping, request, trip, self._timeout)
        except aiohttp.ClientConnectionError:
            if not trip.was_reused or trip.status_code is not None:
                raise
        # An endpoint may close a kept connection at the very moment we use it, and all the others
        # that we keep to it as well. That is nobody's failure; a new connection tells.
        trip.stage = Stage.QUEUED
        taken = asyncio.get_running_loop().time() - started
        return await self._post(
            pool.fresh, request, trip, in_all(self._deadline.total_seconds() - taken)
        )

    async def _post(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        trip: Trip,
        bound: aiohttp.ClientTimeout,
    ) -> tuple[int, dict[str, str], bytes]:
        # Awaited, it is a response; entered, it would be a layer more between us and the socket.
        async with await session.post(
            request.url,
            data=aiohttp.BytesPayload(request.body),
            allow_redirects=False,
            timeout=bound,
            **(by_proxy(trip.proxy, request) if trip.proxy else {"headers": request.headers}),
        ) as response:
            trip.stage = Stage.READING
            trip.status_code = response.status
            body = await read_up_to(response, BODY_READ_LIMIT)
            return response.status, kept_headers(response), body[:BODY_KEPT_LIMIT]


def in_all(seconds: float) -> aiohttp.ClientTimeout:
    """Return a bound for the whole of a request, exact to the moment."""
    return aiohttp.ClientTimeout(total=seconds, ceil_threshold=float("inf"))


def by_proxy(proxy: Proxy, request: Request) -> Mapping[str, Any]:
    """Return how to ask for a request by a proxy, with the credentials that it may want.

    Through a tunnel the endpoint gets all headers but those that open the tunnel.
    """
    own = {}
    if proxy.credentials is not None:
        own = {"Proxy-Authorization": aiohttp.encode_basic_auth(*proxy.credentials)}
    if request.url.lower().startswith("https:"):
        return {"proxy": proxy.url, "headers": request.headers, "proxy_headers": own}
    return {"proxy": proxy.url, "headers": {**request.headers, **own}}


def kept_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the first so many bytes of headers; equal ones are joined as HTTP says."""
    kept: dict[str, str] = {}
    left = HEADERS_KEPT_LIMIT
    for name, value in response.headers.items():
        left -= len(name) + len(value)
        if left < 0:
            break
        # aiohttp hands bytes that are not UTF-8 on as surrogates, which no database takes.
        text = value if value.isascii() else value.encode(errors="replace").decode()
        key = name.lower()
        kept[key] = f"{kept[key]}, {text}" if key in kept else text
    return kept


async def read_up_to(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read a body, and hang up on one that is longer than ``limit`` bytes."""
    body = await response.content.readany()
    while len(body) <= limit:
        chunk = await response.content.readany()
        if not chunk:
            return body
        body += chunk
    response.close()
    return body
