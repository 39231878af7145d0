"""Makes connections: look the host up, dial what policy allows, ask the proxy, agree on TLS."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from aiohappyeyeballs import start_connection

from runhook.domain.network.proxies import Proxy
from runhook.domain.webhooks.tls import USUAL_TLS, TlsSettings
from runhook.outbound.answers import AnswerRefusedError
from runhook.outbound.connection import ClosedError, EndpointConnection
from runhook.outbound.guard import AddressInfo, Guard, make_socket
from runhook.outbound.resolver import Resolver
from runhook.outbound.route import Route, tunnel_head
from runhook.outbound.tls import Contexts, unverified_context
from runhook.outbound.trip import Trip, TripStage

ADDRESSES_TRIED = 8
"""Most addresses of a host that are tried: the owner of a name can give it thousands."""
HEAD_START_SECONDS = 0.25
"""So long one address is tried before the next one is tried beside it (RFC 8305)."""
LONGEST_HANDSHAKE_SECONDS = 120
"""Longer than any deadline, which is what ends a handshake."""
FAREWELL_SECONDS = 2
LOOK_SECONDS = 3
"""So long a certificate that was refused is looked at again, to say what is wrong with it."""


class UnknownNameError(OSError):
    """A host name could not be looked up; the cause says why."""

    def __init__(self, os_error: OSError) -> None:
        super().__init__(os_error.errno, os_error.strerror)
        self.os_error = os_error


class NotConnectedError(OSError):
    """None of a host's addresses took the connection."""

    def __init__(self, os_error: OSError) -> None:
        super().__init__(os_error.errno, os_error.strerror)
        self.os_error = os_error


class HandshakeError(OSError):
    """There is a connection, and no TLS on it."""

    def __init__(self, os_error: OSError) -> None:
        super().__init__(os_error.errno, os_error.strerror)
        self.os_error = os_error


class CertificateRefusedError(HandshakeError):
    """The certificate was refused; ``leaf`` is the one that was shown, in DER, None if unknown.

    Its contents are unverified.
    """

    os_error: ssl.SSLCertVerificationError
    leaf: bytes | None = None


class TunnelRefusedError(OSError):
    """A proxy answered with another status than a 2xx when it was asked for a tunnel."""

    def __init__(self, status_code: int) -> None:
        super().__init__(f"answered {status_code}")
        self.status_code = status_code


MakeSocket = Callable[[AddressInfo, Trip], socket.socket]


class Dialler:
    """Makes connections for routes.

    Args:
        guard: is asked for the socket of each address.
        resolver: looks host names up.
        contexts: TLS by what webhooks ask of it.
    """

    def __init__(self, guard: Guard, resolver: Resolver, contexts: Contexts) -> None:
        self._guard = guard
        self._resolver = resolver
        self._contexts = contexts
        self._unverified = unverified_context()

    async def connect(self, route: Route, tls: TlsSettings, trip: Trip) -> EndpointConnection:
        """Open a connection along a route.

        Raises:
            OSError: it failed; the subclass says at which step.
            AnswerRefusedError: the proxy does not speak HTTP.
        """
        context = None
        if route.url.scheme == "https":
            context = await self._contexts.of(tls)
            trip.shows_certificate = bool(tls.certificate)
        if route.proxy is None:
            make = self._guard.make_socket
            return await self._connect(route.url.host, route.url.port, make, context, trip)
        connection = await self._connect_to_proxy(route.proxy, trip)
        if context is None:
            trip.is_at_proxy = False
            return connection
        await open_tunnel(connection, route, route.proxy, trip)
        try:
            await put_tls_on(connection, context, route.url.host, trip)
        except CertificateRefusedError as error:
            error.leaf = await self._look_through_proxy(route, route.proxy, trip)
            raise
        return connection

    async def _connect(
        self,
        host: str,
        port: int,
        make: MakeSocket,
        context: ssl.SSLContext | None,
        trip: Trip,
    ) -> EndpointConnection:
        dialled = await self.dial(host, port, make, trip)
        try:
            return await shake_hands(dialled, context, host, trip)
        except CertificateRefusedError as error:
            error.leaf = await self._look(host, port, make, trip)
            raise

    async def _connect_to_proxy(self, proxy: Proxy, trip: Trip) -> EndpointConnection:
        trip.is_at_proxy = True
        context = await self._contexts.of(USUAL_TLS) if proxy.scheme == "https" else None
        connection = await self._connect(proxy.host, proxy.port, make_socket, context, trip)
        trip.has_proxy = True
        return connection

    async def _look(self, host: str, port: int, make: MakeSocket, trip: Trip) -> bytes | None:
        """Fetch the certificate that a place shows, valid or not, without sending a request.

        Takes the same route, through the same guard.
        """
        with suppress(OSError):
            async with asyncio.timeout(LOOK_SECONDS):
                dialled = await self.dial(host, port, make, trip)
                return shown_by(await shake_hands(dialled, self._unverified, host, trip))
        return None

    async def _look_through_proxy(self, route: Route, proxy: Proxy, trip: Trip) -> bytes | None:
        with suppress(OSError, AnswerRefusedError):
            async with asyncio.timeout(LOOK_SECONDS):
                connection = await self._connect_to_proxy(proxy, trip)
                await open_tunnel(connection, route, proxy, trip)
                await put_tls_on(connection, self._unverified, route.url.host, trip)
                return shown_by(connection)
        trip.is_at_proxy = False
        return None

    async def dial(self, host: str, port: int, make: MakeSocket, trip: Trip) -> socket.socket:
        """Connect a socket to one of a host's addresses."""
        addresses = spelled_out(host, port) or await self._resolve(host, port, trip)
        trip.enter(TripStage.CONNECTING)
        trip.dialled.clear()
        try:
            return await start_connection(
                addresses,
                happy_eyeballs_delay=HEAD_START_SECONDS,
                socket_factory=lambda address_info: make(address_info, trip),
            )
        except OSError as error:
            raise NotConnectedError(error) from None
        except RuntimeError:
            # uvloop's word for a socket that the system closed under it.
            raise NotConnectedError(OSError(errno.ECONNABORTED, "aborted")) from None

    async def _resolve(self, host: str, port: int, trip: Trip) -> list[AddressInfo]:
        trip.enter(TripStage.RESOLVING)
        try:
            found = await self._resolver.resolve(host, port)
        except OSError as error:
            trip.are_names_unanswered = not await self._resolver.is_working()
            raise UnknownNameError(error) from None
        return list(found[:ADDRESSES_TRIED])


def spelled_out(host: str, port: int) -> list[AddressInfo]:
    """Address of a host that is an IP address; empty for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return []
    if address.version == 4:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]
    return [(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0))]


def shown_by(connection: EndpointConnection) -> bytes | None:
    """Take the certificate from a connection, in DER, and close it."""
    with_tls: ssl.SSLObject = connection.transport.get_extra_info("ssl_object")
    connection.abort()
    return with_tls.getpeercert(binary_form=True)


async def shake_hands(
    dialled: socket.socket, context: ssl.SSLContext | None, host: str, trip: Trip
) -> EndpointConnection:
    """Put a connection on a socket, with TLS if there is a context."""
    dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    loop = asyncio.get_running_loop()
    if context is None:
        _, connection = await loop.create_connection(EndpointConnection, sock=dialled)
        return connection
    trip.enter(TripStage.SHAKING_HANDS)
    try:
        _, connection = await loop.create_connection(
            EndpointConnection,
            sock=dialled,
            ssl=context,
            server_hostname=host.removesuffix("."),
            ssl_handshake_timeout=LONGEST_HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=FAREWELL_SECONDS,
        )
    except OSError as error:
        raise handshake_error(error) from None
    return connection


async def put_tls_on(
    connection: EndpointConnection, context: ssl.SSLContext, host: str, trip: Trip
) -> None:
    """Put TLS on a connection, as the tunnel through a proxy needs it."""
    trip.enter(TripStage.SHAKING_HANDS)
    try:
        transport = await asyncio.get_running_loop().start_tls(
            connection.transport,
            connection,
            context,
            server_hostname=host.removesuffix("."),
            ssl_handshake_timeout=LONGEST_HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=FAREWELL_SECONDS,
        )
    except OSError as error:
        raise handshake_error(error) from None
    assert transport is not None
    connection.transport = transport


def handshake_error(error: OSError) -> HandshakeError:
    """Map an error of a handshake to ours."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateRefusedError(error)
    return HandshakeError(error)


async def open_tunnel(
    connection: EndpointConnection, route: Route, proxy: Proxy, trip: Trip
) -> None:
    """Ask a proxy for a tunnel to an endpoint.

    Raises:
        TunnelRefusedError: it answered that there is none.
    """
    answer = await connection.ask(tunnel_head(route, proxy), b"", trip, is_tunnel=True)
    trip.status_code = None
    if not 200 <= answer.status_code < 300:
        connection.close()
        raise TunnelRefusedError(answer.status_code)
    if connection.has_surplus or not connection.is_open:
        # The TLS server asks for the certificate first; data before that is not the endpoint's.
        connection.abort()
        raise ClosedError
    trip.is_at_proxy = False
