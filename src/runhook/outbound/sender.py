"""Sends one request to an endpoint, within bounds, and tells what happened."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import aiohttp

from runhook.domain.destinations import AddressPolicy
from runhook.domain.judging import FailureReason, Outcome
from runhook.domain.version import VERSION
from runhook.outbound.failures import explain
from runhook.outbound.guard import Guard, noting_refusals

BODY_READ_LIMIT = 64 * 1024
BODY_KEPT_LIMIT = 16 * 1024
HEADER_COUNT_LIMIT = 100
HEADER_SIZE_LIMIT = 8 * 1024
KEEP_ALIVE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes over the wire."""

    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Sender:
    """Posts requests over pooled connections.

    Use as an async context manager. How many requests are under way at once is for the caller to
    bound.

    Args:
        policy: which addresses may be dialled.
        deadline: for the whole of one request: resolving, connecting, TLS, headers and body.
    """

    def __init__(self, policy: AddressPolicy, *, deadline: timedelta) -> None:
        self._guard = Guard(policy)
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=self._guard.make_socket,
            ),
            # Not one endpoint's cookies, redirects, compression or proxies may steer a request.
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={
                "User-Agent": f"Runhook/{VERSION}",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            },
            max_headers=HEADER_COUNT_LIMIT,
            max_line_size=HEADER_SIZE_LIMIT,
            max_field_size=HEADER_SIZE_LIMIT,
            trace_configs=[note_reused_connections()],
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def send(self, request: Request) -> Outcome:
        """Send one request; whatever happens, an outcome is returned."""
        clock = asyncio.get_running_loop().time
        started = clock()
        with noting_refusals() as refusals:
            try:
                async with asyncio.timeout(self._deadline.total_seconds()):
                    status_code, headers, body = await self._exchange(request)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                failure, sentence = explain(error, refusals)
                return Outcome(
                    duration=timedelta(seconds=clock() - started), failure=failure, error=sentence
                )
        accepted = 200 <= status_code < 300
        return Outcome(
            duration=timedelta(seconds=clock() - started),
            status_code=status_code,
            failure=None if accepted else FailureReason.HTTP_STATUS,
            error="" if accepted else f"The endpoint answered {status_code}.",
            response_headers=headers,
            response_body=body,
        )

    async def _exchange(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        connection = SimpleNamespace(was_reused=False)
        try:
            return await self._post(request, connection)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not connection.was_reused:
                raise
        # An endpoint may close a kept connection at the very moment we use it. That is nobody's
        # failure; a new connection tells.
        return await self._post(request, connection)

    async def _post(
        self, request: Request, connection: SimpleNamespace
    ) -> tuple[int, dict[str, str], bytes]:
        assert self._session is not None
        async with self._session.post(
            request.url,
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            trace_request_ctx=connection,
        ) as response:
            body = await read_up_to(response, BODY_READ_LIMIT)
            headers = {
                name.lower(): value.encode(errors="replace").decode()
                for name, value in response.headers.items()
            }
            return response.status, headers, body[:BODY_KEPT_LIMIT]


async def read_up_to(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read a body, and hang up on one that is longer than ``limit`` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            response.close()
            break
    return bytes(body)


def note_reused_connections() -> aiohttp.TraceConfig:
    """Return a trace that tells a request whether its connection had been used before."""

    async def on_reuse(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: Any
    ) -> None:
        context.trace_request_ctx.was_reused = True

    async def on_create(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: Any
    ) -> None:
        context.trace_request_ctx.was_reused = False

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(on_reuse)
    trace.on_connection_create_end.append(on_create)
    return trace
