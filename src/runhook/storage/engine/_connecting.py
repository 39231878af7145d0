"""Connections to PostgreSQL, taken in turns: to that of several hosts which takes writes.

The driver reads the address, which is libpq's. It would wait for a host that never answers as long
as for all of them together, so that the hosts are tried one by one here.
"""

import os
import socket
from asyncio import BaseTransport
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runhook.domain.errors import InvalidError
from runhook.storage.engine._addresses import NO_ADDRESS, Address, read_database_address
from runhook.storage.engine.columns import as_json
from runhook.storage.engine.refusals import NOT_UTF8, READ_ONLY, REFUSALS, LockedOutError

CONNECTIONS = 10
LONGEST_TURN_SECONDS = 10
"""How long a transaction waits for a connection, as others hold them all."""
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
OWN_NAME = f"runhook {os.getpid()}@{socket.gethostname()}"
"""A look at the server's activity shows which process a connection is of."""
SESSION = {
    # Longer than any transaction of ours: it is an operator's, or a tool's, that holds a table.
    "lock_timeout": f"{LOCKED_SECONDS}s",
    # The server too may find that the other end has vanished. Until then no worker could claim
    # what a transaction of ours had locked.
    "idle_in_transaction_session_timeout": f"{SILENCE_SECONDS}s",
    "tcp_user_timeout": f"{SILENCE_SECONDS}s",
    "tcp_keepalives_idle": f"{SILENCE_SECONDS // 3}s",
    "tcp_keepalives_interval": f"{SILENCE_SECONDS // 3}s",
    "tcp_keepalives_count": "2",
}

"""What is set once a connection stands: poolers refuse most of it among the startup parameters."""
SET_SESSION = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', false)" for name, value in SESSION.items()
)
ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def connections_with(options: Mapping[str, int]) -> type[asyncpg.Connection]:
    """Make a class of connections that end when their host has vanished.

    After a power cut or behind a cut line no packet says that a connection is over, and the system
    waits a quarter of an hour for an answer, or for ever.

    Args:
        options: of their sockets, by name, where the address has others than ``SILENCE``.
    """

    class Connection(asyncpg.Connection):
        def __init__(self, protocol: Any, transport: BaseTransport, *others: Any) -> None:
            super().__init__(protocol, transport, *others)
            opened = transport.get_extra_info("socket")
            if opened.family == socket.AF_UNIX:
                return
            for name, (level, value) in SILENCE.items():
                # Not every system has all of them.
                if hasattr(socket, name):
                    opened.setsockopt(level, getattr(socket, name), options.get(name, value))

    return Connection


class Connector:
    """Opens connections to the database at an address.

    Args:
        address: `postgresql://user:password@host:port,host:port/name?parameter=value`.

    Raises:
        InvalidError: it is none, or has a parameter that is not known or cannot be heeded.
    """

    def __init__(self, address: str) -> None:
        self._address = read_database_address(address)
        self._connection_class = connections_with(self._address.sockets)
        try:
            self._hosts = [*hosts_of(self._address)]
        except ValueError:
            # The message may have a piece of a password in it.
            raise InvalidError(NO_ADDRESS) from None

    async def connect(self) -> asyncpg.Connection:
        """Open one.

        Raises:
            LockedOutError: the last host answers, and does not let us in as we are.
            InvalidError: the database does not keep its text as UTF-8.
            ConnectionError: no host lets us in, or none that does takes writes.
        """
        error: Exception | None = None
        for host in self._hosts:
            try:
                connection = await asyncpg.connect(
                    self._address.url,
                    **host,
                    timeout=self._address.timeout or TIMEOUT_SECONDS,
                    connection_class=self._connection_class,
                    server_settings={"application_name": self._address.name or OWN_NAME},
                )
            except ValueError:
                raise InvalidError("RUNHOOK_DATABASE_URL has an invalid parameter") from None
            except (OSError, *ERRORS) as refusal:
                error = refusal
            else:
                return await prepared(connection)
        told = REFUSALS.get(getattr(error, "sqlstate", None) or "")
        if told is not None:
            raise LockedOutError(told) from error
        raise ConnectionError(str(error)) from error


def open_pool(connector: Connector) -> AsyncEngine:
    """Make an engine whose connections the connector opens."""
    pool = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connector.connect,
        # Whatever the server's default is.
        isolation_level="READ COMMITTED",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=LONGEST_TURN_SECONDS,
        json_serializer=as_json,
        # A connection that died while it lay in the pool is replaced unseen.
        pool_pre_ping=True,
    )
    sa.event.listen(pool.sync_engine, "handle_error", give_up_standbys)
    return pool


def give_up_standbys(context: sa.ExceptionContext) -> None:
    """Let go of the connections to a server that no longer takes writes: another one does now."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


async def prepared(connection: asyncpg.Connection) -> asyncpg.Connection:
    """Set a connection up.

    Raises:
        InvalidError: the database does not keep its text as UTF-8.
        ConnectionError: it is lost again.
    """
    if connection.get_settings().server_encoding != "UTF8":
        connection.terminate()
        raise InvalidError(NOT_UTF8)
    try:
        await connection.execute(SET_SESSION)
    except BaseException as error:
        connection.terminate()
        if isinstance(error, ERRORS):
            raise ConnectionError(str(error)) from error
        raise
    return connection


def hosts_of(address: Address) -> Iterator[Mapping[str, Any]]:
    """Yield what the driver needs to be told of each host, nothing if there is one or none.

    Raises:
        ValueError: a port is not a number.
    """
    if len(address.hosts) == 1:
        # Nothing is to be said of it that the address does not say.
        split(address.hosts[0])
        yield {}
        return
    # All but one of several are standbys, which would refuse every transaction.
    wanted = address.session_attributes or "read-write"
    for name in address.hosts:
        host, port = split(name)
        yield {"host": host, "port": port, "target_session_attrs": wanted}


def split(name: str) -> tuple[str | None, int | None]:
    """Split host and port, if they are named."""
    if name.startswith("/"):
        return name, None
    url = urlsplit(f"//{name}")
    return url.hostname, url.port
