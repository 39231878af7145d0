"""Pooled connections: kept for the next request, and no more of them than there may be."""

import socket
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp.abc import AbstractResolver

from runhook.outbound.trip import NotingConnector

KEEP_ALIVE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many connections may be in use at once; who comes later waits, within its deadline."""

    in_all: int = 4_000
    to_one_host: int = 256
    """To one host and port: the webhooks there share it, sixteen or more of them."""


class Pool:
    """Two connectors over sockets of one kind: one keeps its connections, one makes new ones only.

    Args:
        make_socket: called with every address that is about to be dialled.
        resolver: looks up host names.
        tls: which certificates to trust.
        bounds: for each of the two.
    """

    def __init__(
        self,
        make_socket: Callable[[tuple[Any, ...]], socket.socket],
        *,
        resolver: AbstractResolver,
        tls: ssl.SSLContext,
        bounds: Bounds,
    ) -> None:
        self._make_socket = make_socket
        self._resolver = resolver
        self._tls = tls
        self._bounds = bounds
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.keeping = self._connector(keepalive_timeout=KEEP_ALIVE_SECONDS)
        self.fresh = self._connector(force_close=True)
        for connector in (self.keeping, self.fresh):
            await self._opened.enter_async_context(connector)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    def _connector(self, **pooling: Any) -> NotingConnector:
        return NotingConnector(
            limit=self._bounds.in_all,
            limit_per_host=self._bounds.to_one_host,
            socket_factory=self._make_socket,
            resolver=self._resolver,
            ssl=self._tls,
            **pooling,
        )
