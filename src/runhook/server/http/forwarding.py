"""The client of each request, as trusted proxies name it, in the request's scope."""

from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from runhook.domain.network.forwarding import client_behind


def knowing_clients(app: ASGIApp, state: State) -> ASGIApp:
    """Wrap an application so that requests have the client's own address and scheme.

    An address that is not an IP address is left out, so that nothing else is ever stored as one.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            peer, port = scope["client"] or (None, 0)
            client = client_behind(
                peer,
                scope["scheme"],
                state.services.trusted_proxies,
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
