"""Connections to PostgreSQL: to that of several hosts which takes writes, until it vanishes.

The driver reads the address, which is libpq's. It would wait for a host that never answers as long
as for all of them together, so that the hosts are tried one by one here.
"""

import os
import socket
from asyncio import BaseTransport
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from runhook.domain.errors import InvalidError
from runhook.storage.refusals import REFUSALS, LockedOutError

TIMEOUT_SECONDS = 5
"""How long a host may take to let us in."""
SILENCE_SECONDS = 15
"""How long a host may leave unanswered what we sent, or that we ask whether it is there."""
LOCKED_SECONDS = 10
"""How long a statement waits for what another session has locked."""
SILENCE = {
    "SO_KEEPALIVE": (socket.SOL_SOCKET, 1),
    "TCP_KEEPIDLE": (socket.IPPROTO_TCP, SILENCE_SECONDS // 3),
    "TCP_KEEPINTVL": (socket.IPPROTO_TCP, SILENCE_SECONDS // 3),
    "TCP_KEEPCNT": (socket.IPPROTO_TCP, 2),
    "TCP_USER_TIMEOUT": (socket.IPPROTO_TCP, SILENCE_SECONDS * 1_000),
}
SESSION = {
    # So that who looks at the server's activity sees which process a connection is of.
    "application_name": f"runhook {os.getpid()}@{socket.gethostname()}",
    # Longer than any transaction of ours: it is an operator's, or a tool's, that holds a table.
    "lock_timeout": f"{LOCKED_SECONDS}s",
    # The server too may find that the other end has vanished. Until then nobody could claim what a
    # transaction of ours had locked.
    "idle_in_transaction_session_timeout": f"{SILENCE_SECONDS}s",
    "tcp_user_timeout": f"{SILENCE_SECONDS}s",
    "tcp_keepalives_idle": f"{SILENCE_SECONDS // 3}s",
    "tcp_keepalives_interval": f"{SILENCE_SECONDS // 3}s",
    "tcp_keepalives_count": "2",
}


ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Connection(asyncpg.Connection):
    """A connection that ends by itself when its host has vanished without a word.

    After a power cut or behind a cut line nobody says that a connection is over, and the system
    waits a quarter of an hour for an answer, or for ever.
    """

    def __init__(self, protocol: Any, transport: BaseTransport, *others: Any) -> None:
        super().__init__(protocol, transport, *others)
        opened = transport.get_extra_info("socket")
        if opened.family != socket.AF_UNIX:
            for name, (level, value) in SILENCE.items():
                # Not every system has all of them.
                if hasattr(socket, name):
                    opened.setsockopt(level, getattr(socket, name), value)


class Connector:
    """Opens connections to the database at an address.

    Args:
        address: `postgresql://user:password@host:port,host:port/name?parameter=value`.

    Raises:
        InvalidError: a host or a port of it is none.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        try:
            self._hosts = [*hosts_of(address)]
        except ValueError:
            # The message may have a piece of a password in it.
            raise InvalidError("RUNHOOK_DATABASE_URL is not a database address") from None

    async def connect(self) -> asyncpg.Connection:
        """Open one.

        Raises:
            LockedOutError: the last host answers, and does not let us in as we are.
            ConnectionError: no host lets us in, or none that does takes writes.
        """
        error: Exception | None = None
        for host in self._hosts:
            try:
                return await asyncpg.connect(
                    self._address,
                    **host,
                    timeout=TIMEOUT_SECONDS,
                    connection_class=Connection,
                    server_settings=SESSION,
                )
            except ValueError:
                raise InvalidError("RUNHOOK_DATABASE_URL has a parameter that is none") from None
            except (OSError, *ERRORS) as refusal:
                error = refusal
        told = REFUSALS.get(getattr(error, "sqlstate", None) or "")
        if told is not None:
            raise LockedOutError(told) from error
        raise ConnectionError(str(error)) from error


def hosts_of(address: str) -> Iterator[Mapping[str, Any]]:
    """Yield what the driver needs to be told of each host, nothing if there is one or none.

    Raises:
        ValueError: a port is not a number.
    """
    url = urlsplit(address)
    listed = [*names_in(url.netloc.rpartition("@")[2], parse_qs(url.query))]
    if len(listed) == 1:
        # Nothing is to be said of it that the address does not say.
        split(listed[0])
        yield {}
        return
    for name in listed:
        host, port = split(name)
        # All but one of several are standbys, which would refuse every transaction.
        yield {"host": host, "port": port, "target_session_attrs": "read-write"}


def names_in(authority: str, query: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return the hosts, perhaps with ports, from either of the places that libpq has for them."""
    with suppress(KeyError):
        return ",".join(query["host"]).split(",")
    return authority.split(",")


def split(name: str) -> tuple[str | None, int | None]:
    """Return the host and the port, if they are named."""
    if name.startswith("/"):
        return name, None
    url = urlsplit(f"//{name}")
    return url.hostname, url.port
