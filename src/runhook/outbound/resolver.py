"""Looks up host names in threads of its own.

A look-up cannot be stopped: a name whose server does not answer holds its thread for as long as the
system's resolver has patience. asyncio's own threads are a handful, shared by the whole process, so
that a few such names would keep every other name from being looked up.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = 128
"""How many names can be waited for at once; aiohttp looks a name up once for all who ask."""

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
LookUp = Callable[..., Iterable[AddressInfo]]


class Resolver(AbstractResolver):
    """Asks the system's resolver.

    Args:
        look_up: with the arguments and answers of ``socket.getaddrinfo``; may block.
    """

    def __init__(self, look_up: LookUp = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            OSError: it has none, or they cannot be found out.
        """
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads,
            self._look_up,
            host,
            port,
            family,
            socket.SOCK_STREAM,
            0,
            socket.AI_ADDRCONFIG,
        )
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=address[1],
                family=family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Begin no other look-up."""
        self._threads.shutdown(wait=False, cancel_futures=True)
