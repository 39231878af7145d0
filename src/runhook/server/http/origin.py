"""Whether a request was sent by one of our own pages.

A browser sends a session's cookie along with any request that a foreign page makes it send. It also
says truthfully, in headers that no page can set, which page that was: this is what protects forms
and API alike, without a token in each form that would have to be kept somewhere. `SameSite=Lax` on
the cookie is the second lock on the same door. (The Go standard library's CrossOriginProtection
rests on the same headers.)
"""

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from runhook.domain.errors import ForbiddenError, InvalidError

Connection = ASGIConnection[Any, Any, Any, Any]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


def is_unsafe(connection: Connection) -> bool:
    """Whether a request may change something."""
    return connection.scope.get("method", "GET") not in SAFE_METHODS


def is_from_us(connection: Connection, public_url: str | None) -> bool | None:
    """Whether one of our pages sent a request; None if it does not say, as no program does.

    Browsers older than 2023 know only the `Origin`. Its scheme may be https where ours is http: a
    proxy that is not trusted to say so may end TLS.
    """
    site = connection.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = connection.headers.get("Origin")
    if origin is None:
        return None
    host = connection.headers.get("Host", "").lower()
    ours = {f"https://{host}"} if host else set()
    if host and connection.scope["scheme"] == "http":
        ours.add(f"http://{host}")
    if public_url is not None:
        url = urlsplit(public_url)
        ours.add(f"{url.scheme}://{url.netloc}".lower())
    return origin.lower() in ours


def refuse_foreign(connection: Connection, public_url: str | None, *, must_say: bool) -> None:
    """Refuse a request that would change something for a page that is not ours.

    Args:
        connection: the request.
        public_url: where people reach this service, if that is set.
        must_say: whether to refuse also requests that do not say where they come from. Only a
            browser has a reason to send a cookie; a request without one can do no harm.

    Raises:
        ForbiddenError: it is refused.
    """
    if not is_unsafe(connection) and not connection.route_handler.opt.get("acts"):
        return
    answer = is_from_us(connection, public_url)
    if answer is False or (must_say and answer is None):
        raise ForbiddenError(
            "A session changes things only for this service's own pages: the request's "
            "Sec-Fetch-Site or Origin header does not name one. Programs should send a token."
        )


def base_url(connection: Connection, public_url: str | None) -> str:
    """URL of this service, without a slash at the end, for links.

    Raises:
        InvalidError: what the request calls this service is no address.
    """
    try:
        return public_url or str(connection.base_url).rstrip("/")
    except ValueError:
        raise InvalidError("The request's Host is not an address.") from None


def is_secure(connection: Connection, public_url: str | None) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy before us."""
    scheme: str = connection.scope["scheme"]
    return (public_url or scheme).startswith("https")
