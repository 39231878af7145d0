"""The client of each request, as trusted proxies name it, in the request's scope."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from runhook.domain.network.forwarding import TrustedProxies, client_behind, read_client_address

Connection = ASGIConnection[Any, Any, Any, Any]

CAME_BY_TRUSTED_PROXY = "came by a trusted proxy"
"""What a request's state says of one that a trusted proxy has passed on."""


def knowing_clients(app: ASGIApp, state: State) -> ASGIApp:
    """Wrap an application so that requests have the client's own address and scheme.

    An address that is not an IP address is left out, so that nothing else is ever stored as one.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            peer, port = scope["client"] or (None, 0)
            trusted: TrustedProxies = state.services.trusted_proxies
            address = read_client_address(peer or "")
            scope["state"][CAME_BY_TRUSTED_PROXY] = address is not None and trusted.trusts(address)
            client = client_behind(
                peer,
                scope["scheme"],
                trusted,
                forwarded_for=header_values(scope, b"x-forwarded-for"),
                forwarded_proto=header_values(scope, b"x-forwarded-proto"),
            )
            scope["client"] = None if client.address is None else (str(client.address), port)
            scope["scheme"] = client.scheme
        await app(scope, receive, send)

    return answer


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Values of a header, one for each line."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
