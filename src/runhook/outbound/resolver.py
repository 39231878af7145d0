"""Looks up host names in threads of its own, and knows whether name servers answer at all.

A look-up cannot be stopped: a name whose server does not answer holds its thread for as long as the
system's resolver has patience. asyncio's own threads are a handful, shared by the whole process, so
that a few such names would keep every other name from being looked up.

Of a name that nothing is known of, the system does not say whether it is the domain's servers that
are silent or our own. Another name tells: if that one is unknown too, it is ours.
"""

import asyncio
import errno
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 128
"""Names looked up at once; concurrent requests for one name share a look-up."""
THREADS_FOR_KNOWN = 32
"""Further threads for names that were found quickly last time: hanging look-ups cannot block
them."""
KNOWN_LIMIT = 10_000
CONTROL_NAME = "example.com"
"""A name that is reserved for examples, and exists in every DNS (RFC 6761)."""
PATIENCE_SECONDS = 1.0
"""Wait for a look-up before ``CONTROL_NAME`` is looked up to compare."""
LATELY_SECONDS = 5.0
"""How long name servers count as working after an answer."""

NO_SUCH_NAME = frozenset(
    {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME), socket.EAI_FAIL}
)
"""Errors that are answers."""

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
LookUp = Callable[..., Iterable[AddressInfo]]


class Resolver:
    """Asks the system's resolver.

    Args:
        look_up: with the arguments and answers of ``socket.getaddrinfo``; may block.
    """

    def __init__(self, look_up: LookUp = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")
        self._threads_for_known = ThreadPoolExecutor(
            THREADS_FOR_KNOWN, thread_name_prefix="resolver of known names"
        )
        self._known: dict[str, None] = {}
        self._under_way: dict[str, asyncio.Future[Sequence[AddressInfo]]] = {}
        self._answered_at = float("-inf")

    async def resolve(self, host: str, port: int = 0) -> Sequence[AddressInfo]:
        """Look up the addresses of a host.

        Raises:
            OSError: it has none, or they cannot be found out.
        """
        second = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._look_beside)
        try:
            found = await asyncio.shield(self._begin(host))
        finally:
            second.cancel()
        return [
            (family, kind, protocol, name, (address[0], port, *address[2:]))
            for family, kind, protocol, name, address in found
        ]

    async def is_working(self) -> bool:
        """Whether name servers answer at all, or have a moment ago."""
        if self.has_answered_since(time.monotonic() - LATELY_SECONDS):
            return True
        try:
            await asyncio.shield(self._begin(CONTROL_NAME))
        except OSError as error:
            return is_answer(error)
        return True

    def has_answered_since(self, moment: float) -> bool:
        """Whether name servers have said anything since a moment on the monotonic clock."""
        return self._answered_at >= moment

    def close(self) -> None:
        """Begin no other look-up."""
        for threads in (self._threads, self._threads_for_known):
            threads.shutdown(wait=False, cancel_futures=True)

    def _look_beside(self) -> None:
        if not self.has_answered_since(time.monotonic() - PATIENCE_SECONDS):
            self._begin(CONTROL_NAME)

    def _begin(self, host: str) -> asyncio.Future[Sequence[AddressInfo]]:
        under_way = self._under_way.get(host)
        if under_way is not None:
            return under_way
        loop = asyncio.get_running_loop()
        look_up: asyncio.Future[Sequence[AddressInfo]]
        try:
            threads = self._threads_for_known if host in self._known else self._threads
            look_up = loop.run_in_executor(threads, self._find, host)
        except RuntimeError:
            # Neither a thread nor, once closed, a place in the queue.
            look_up = loop.create_future()
            look_up.set_exception(OSError(errno.EAGAIN, "no thread to look a name up in"))
        self._under_way[host] = look_up
        began = time.monotonic()
        look_up.add_done_callback(lambda ended: self._end(host, began, ended))
        return look_up

    def _find(self, host: str) -> Sequence[AddressInfo]:
        how = (socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        try:
            return list(self._look_up(host, 0, *how))
        except socket.gaierror:
            # Without a descriptor to ask with, some resolvers say that there is no such name.
            socket.socket().close()
            raise

    def _end(self, host: str, began: float, look_up: asyncio.Future[Sequence[AddressInfo]]) -> None:
        del self._under_way[host]
        self._known.pop(host, None)
        if look_up.cancelled():
            return
        error = look_up.exception()
        now = time.monotonic()
        if error is None or is_answer(error):
            self._answered_at = now
        if error is None and now - began < PATIENCE_SECONDS:
            if len(self._known) >= KNOWN_LIMIT:
                del self._known[next(iter(self._known))]
            self._known[host] = None


def is_answer(error: BaseException) -> bool:
    """Whether an error is what a name server said, and not that none did."""
    return isinstance(error, socket.gaierror) and error.errno in NO_SUCH_NAME
