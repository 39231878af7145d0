"""Requests as they arrive: bounds on their heads, and on how long a body may take.

This stands before the web framework. It tells a connection where each request begins and ends, so
that the connection knows whether the client or the service is waited for.
"""

import asyncio
import re
import time
from contextlib import suppress
from datetime import timedelta
from ipaddress import IPv6Address
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.types.asgi_types import HTTPScope, ReceiveMessage

from runhook.domain.errors import InvalidError, TooSlowError
from runhook.server.connections.connection import ClientConnection, current_connection
from runhook.server.connections.framing import Body, Chunked, Counted
from runhook.server.connections.head import HEAD_TOO_LARGE, KIB, MOST_HEADERS, TARGET_TOO_LONG
from runhook.server.connections.refusals import Refusal

LONGEST_TARGET = 8 * KIB
PLACE = re.compile(
    rb"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~%!$&'()*+,;=-]*)(?::(?P<port>[0-9]{0,5}))?"
)
LARGEST_PORT = 65_535
SLOWEST = 8 * KIB
"""Least average speed of a body, in bytes a second."""
EXCESSIVE = "The body's chunks are announced with more bytes than they have."


def arriving(app: ASGIApp, patience: timedelta) -> ASGIApp:
    """Wrap an application so that its requests arrive within bounds.

    Args:
        app: what answers them.
        patience: how long a body may make us wait for its next piece.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        connection = current_connection()
        if not connection.is_open or connection.is_leaving:
            return
        # The server adds a body's trailers to its own list, long after anybody has looked at it.
        scope["headers"] = [*scope["headers"]]
        arrival = Arrival(connection, scope, receive, send, patience=patience.total_seconds())
        refusal = refusal_of(scope)
        if refusal is None:
            await app(scope, arrival.receive, arrival.send)
        else:
            await refusal.send(arrival.send)

    return answer


class Arrival:
    """One request on its way in, and its answer on the way out."""

    def __init__(
        self,
        connection: ClientConnection,
        scope: HTTPScope,
        receive: Receive,
        send: Send,
        *,
        patience: float,
    ) -> None:
        self._connection = connection
        self._receive = receive
        self._send = send
        self._patience = patience
        self._body = body_of(scope)
        self._waits_for_us = any(name == b"expect" for name, _ in scope["headers"])
        self._has_ended = self._body is None
        self._taken = 0
        self._waited = 0.0
        connection.begin_request(self._body)

    async def receive(self) -> ReceiveMessage:
        """Receive the next piece of the body, or that the client is gone.

        Raises:
            TooSlowError: it does not come in time.
            InvalidError: its chunks have too many bytes beside the body.
        """
        if self._has_ended:
            return await self._receive()
        return await self._receive_within(
            min(self._patience, self._patience + self._taken / SLOWEST - self._waited)
        )

    async def send(self, message: Message) -> None:
        """Send a part of the answer.

        After an answer to a body that has not been read, the connection is closed.
        """
        if self._connection.is_leaving:
            return
        if message["type"] == "http.response.start":
            if not self._has_ended:
                await self._read_what_is_here()
            if not self._has_ended:
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            self._connection.begin_answer()
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._connection.end_request()

    async def _receive_within(self, seconds: float) -> ReceiveMessage:
        assert self._body is not None
        if self._body.is_excessive:
            raise InvalidError(EXCESSIVE)
        began = time.monotonic()
        try:
            if self._connection.has_rest_of_body:
                self._connection.wait_for_body(seconds)
                message = await self._receive()
            else:
                message = await self._wait_for_piece(seconds)
        except TimeoutError:
            if self._body.is_excessive:
                raise InvalidError(EXCESSIVE) from None
            raise TooSlowError("The body did not come in time.") from None
        finally:
            self._waited += time.monotonic() - began
            self._connection.take_body()
        self._has_ended = not message.get("more_body", False)
        self._taken += len(cast("bytes", message.get("body", b"")))
        return message

    async def _wait_for_piece(self, seconds: float) -> ReceiveMessage:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds) as limit:
            self._connection.wait_for_body(seconds, lambda: limit.reschedule(loop.time()))
            return await self._receive()

    async def _read_what_is_here(self) -> None:
        """Read a small body that the handler did not, so that the connection can be used again."""
        if self._waits_for_us:
            return
        with suppress(TooSlowError, InvalidError):
            await self._receive_within(0)


def body_of(scope: HTTPScope) -> Body | None:
    """Finds the end of a request's body; None if it has no body."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return Chunked()
    length = int(headers.get(b"content-length", b"0"))
    return Counted(length) if length else None


def refusal_of(scope: HTTPScope) -> Refusal | None:
    """Refuse a request before any route sees it; None lets it through."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not all(is_place(value) for value in hosts):
        return Refusal(400, "The request's Host is not an address.")
    if len(hosts) != 1 and (hosts or scope["http_version"] != "1.0"):
        return Refusal(400, "A request has one Host.")
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            return Refusal(501, "The body's Transfer-Encoding is not `chunked` alone.")
    if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
        return Refusal(414, TARGET_TOO_LONG)
    if len(list(scope["headers"])) > MOST_HEADERS:
        return Refusal(431, HEAD_TOO_LARGE.format(most=f"{MOST_HEADERS} headers"))
    if not scope["path"].isprintable():
        # Nothing of ours has such a name, and neither files nor PostgreSQL are asked for one.
        return Refusal(404, "Not found, or you have no access.")
    return None


def is_place(host: bytes) -> bool:
    """Whether a Host header can be the place in an address: a name or an IP address, and a port.

    Pages have links with it, and what reads addresses fails on others.
    """
    found = PLACE.fullmatch(host)
    if found is None or int(found["port"] or 0) > LARGEST_PORT:
        return False
    if found["ipv6"]:
        try:
            IPv6Address(found["ipv6"].decode())
        except ValueError:
            return False
    return True
