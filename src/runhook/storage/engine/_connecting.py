"""Connections to PostgreSQL, taken in turns: to that of several hosts which takes writes.

The driver reads the address, which is libpq's. It would wait for a host that never answers as long
as for all of them together, so that the hosts are tried one by one here.
"""

import os
import socket
from asyncio import BaseTransport
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runhook.domain.errors import InvalidError
from runhook.domain.service.pooling import Pooling
from runhook.storage.engine._addresses import NO_ADDRESS, Address, read_database_address
from runhook.storage.engine.columns import as_json
from runhook.storage.engine.refusals import NOT_UTF8, READ_ONLY, LockedOutError, refusal_in

CONNECTIONS = 10
LONGEST_TURN_SECONDS = 10
"""How long a transaction waits for a connection, as others hold them all."""
TIMEOUT_SECONDS = 5
"""How long a host may take to let us in."""
SILENCE_SECONDS = 15
"""How long a host may leave unanswered what we sent, or that we ask whether it is there."""
KEPT_STATEMENTS = 100
"""How many statements of its own the driver keeps prepared on a connection."""
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
ALWAYS = {
    # Longer than any transaction of ours: it is an operator's, or a tool's, that holds a table.
    "lock_timeout": f"{LOCKED_SECONDS}s",
    # The server too may find that the other end has vanished. Until then no worker could claim
    # what a transaction of ours had locked.
    "idle_in_transaction_session_timeout": f"{SILENCE_SECONDS}s",
    # Whatever the role or the database has for others: waiting for a lock is bounded above.
    "statement_timeout": "0",
}
"""What is set for every transaction."""
OF_SESSIONS = {
    "idle_session_timeout": "0",
    "tcp_user_timeout": f"{SILENCE_SECONDS}s",
    "tcp_keepalives_idle": f"{SILENCE_SECONDS // 3}s",
    "tcp_keepalives_interval": f"{SILENCE_SECONDS // 3}s",
    "tcp_keepalives_count": "2",
}
"""What is set besides where a connection is ours as long as it stands."""
DURABLY = "CASE current_setting('synchronous_commit') WHEN 'off' THEN {} END"
"""What was acknowledged must survive a power cut; other levels are an operator's choice."""


def setting(values: Mapping[str, str], *, is_local: bool) -> str:
    """Statement that sets these, for a transaction or for a session.

    Poolers refuse most of them among the startup parameters.
    """
    scope = str(is_local).lower()
    setters = [f"set_config('{name}', '{value}', {scope})" for name, value in values.items()]
    durable = DURABLY.format(f"set_config('synchronous_commit', 'on', {scope})")
    return f"SELECT {', '.join([*setters, durable])}"


SET_SESSION = setting({**ALWAYS, **OF_SESSIONS}, is_local=False)
SET_TRANSACTION = setting(ALWAYS, is_local=True)
FIND_WAY = """
SELECT pg_backend_pid(),
    coalesce(has_function_privilege(to_regprocedure('pg_notify(text, text)'), 'EXECUTE'), false)
"""
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


@dataclass(frozen=True, slots=True)
class Way:
    """What the way to the server lets through."""

    keeps_sessions: bool
    """Whether a connection leads to one process of the server for as long as it stands."""
    notifies: bool
    """Whether the server has notifications for us."""

    @property
    def listens(self) -> bool:
        """Whether other processes can be heard."""
        return self.keeps_sessions and self.notifies


class Connector:
    """Opens connections to the database at an address.

    Args:
        address: `postgresql://user:password@host:port,host:port/name?parameter=value`.
        pooling: what a pooler on the way does with connections.

    Raises:
        InvalidError: it is not an address, or has an unknown or unsupported parameter.
    """

    def __init__(self, address: str, pooling: Pooling) -> None:
        self._address = read_database_address(address)
        self._connection_class = connections_with(self._address.sockets)
        self._pooling = pooling
        self.way = Way(keeps_sessions=pooling is not Pooling.TRANSACTION, notifies=True)
        """As the last connection found it; as it was asked for before the first."""
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
                return await self._connect_to(host)
            except ValueError:
                raise InvalidError("RUNHOOK_DATABASE_URL has an invalid parameter") from None
            except (OSError, *ERRORS) as refusal:
                error = refusal
        told = refusal_in(getattr(error, "sqlstate", None) or "", str(error))
        if told is not None:
            raise LockedOutError(told) from error
        raise ConnectionError(str(error)) from error

    async def _connect_to(self, host: Mapping[str, Any]) -> asyncpg.Connection:
        expected = self.way
        connection = await self._open(host, expected)
        try:
            found = self.way = await self._find_way(connection)
            if found.keeps_sessions != expected.keeps_sessions:
                connection.terminate()
                connection = await self._open(host, found)
            if found.keeps_sessions:
                await connection.execute(SET_SESSION)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _open(self, host: Mapping[str, Any], way: Way) -> asyncpg.Connection:
        """Open a connection that keeps statements prepared if the way lets it.

        Without, the driver sends a statement's text with each execution.
        """
        connection = await asyncpg.connect(
            self._address.url,
            **host,
            timeout=self._address.timeout or TIMEOUT_SECONDS,
            connection_class=self._connection_class,
            server_settings={"application_name": self._address.name or OWN_NAME},
            statement_cache_size=KEPT_STATEMENTS if way.keeps_sessions else 0,
        )
        if connection.get_settings().server_encoding != "UTF8":
            connection.terminate()
            raise InvalidError(NOT_UTF8)
        return connection

    async def _find_way(self, connection: asyncpg.Connection) -> Way:
        """Find out what is between us and the server.

        A pooler tells its clients of a process of its own making. Which one of the server's they
        have, the server says.
        """
        # Within a transaction every pooler that we can do with keeps the connection.
        async with connection.transaction():
            asking = await connection.prepare(FIND_WAY, name="")
            process, notifies = await asking.fetchrow()
        keeps_sessions = (
            process == connection.get_server_pid()
            if self._pooling is Pooling.AUTO
            else self._pooling is Pooling.SESSION
        )
        return Way(keeps_sessions, notifies)


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
        # Errors are logged, and values are not for a log.
        hide_parameters=True,
        # A connection that died while it lay in the pool is replaced unseen.
        pool_pre_ping=True,
    )
    sa.event.listen(pool.sync_engine, "handle_error", give_up_standbys)
    sa.event.listen(pool.sync_engine, "begin", partial(set_up, connector))
    return pool


def set_up(connector: Connector, connection: sa.Connection) -> None:
    """Set for a transaction what could not be left set in its session."""
    if not connector.way.keeps_sessions:
        connection.exec_driver_sql(SET_TRANSACTION)


def give_up_standbys(context: sa.ExceptionContext) -> None:
    """Let go of the connections to a server that no longer takes writes: another one does now."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


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
