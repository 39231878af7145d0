"""Headers of every response, errors included."""

from litestar.datastructures import MutableScopeHeaders
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope

HEADERS = {
    # Pages have no script and no style but those that are files of ours, and stand in no frame.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with that, browsers hide the Origin of our own forms from us.
    "Referrer-Policy": "same-origin",
    # Answers hold what was shown once, and what only its reader may see.
    "Cache-Control": "no-store",
}


async def add_headers(message: Message, scope: Scope) -> None:
    """Give an answer what of these it has not itself."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if "allow" in headers and "path_template" in scope:
            headers["allow"] = ", ".join(sorted(methods_at(scope)))


def methods_at(scope: Scope) -> set[str]:
    """Methods of a request's path.

    Where several handlers share one, the framework's own response to OPTIONS leaves some out.
    """
    return {
        method
        for route in scope["litestar_app"].routes
        if isinstance(route, HTTPRoute) and route.path_format == scope["path_template"]
        for method in route.methods
    }
