"""The cookies that stay: a session, a browser that has signed in before, and a chosen theme."""

from datetime import timedelta
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from runhook.domain.people.users import LONGEST_LIFETIME
from runhook.operations.people.sessions import Begun
from runhook.server.http import origin
from runhook.server.http.prefix import public_path

Connection = ASGIConnection[Any, Any, Any, Any]

SESSION_COOKIE = "runhook_session"
DEVICE_COOKIE = "runhook_device"
DEVICE_LIFETIME = timedelta(days=365)
THEME_COOKIE = "runhook_theme"
THEME_LIFETIME = timedelta(days=365)
OF_HOST = "__Host-"
"""Before a cookie's name: a browser takes it from this very host only, and by TLS."""
BY_TLS = "__Secure-"
"""Likewise: it takes it by TLS only. What belongs to a path can have no more."""


def prefix_of(connection: Connection, public_url: str | None) -> str:
    """What the names of cookies begin with that no other host can plant; empty without TLS."""
    if not origin.is_secure(connection, public_url):
        return ""
    return BY_TLS if public_path(public_url) else OF_HOST


def cookie_in(connection: Connection, public_url: str | None, name: str) -> str | None:
    """What a request's cookie holds that was made with this name; None if it has none."""
    return connection.cookies.get(prefix_of(connection, public_url) + name)


def cookies_of(begun: Begun, *, prefix: str) -> list[Cookie]:
    """Cookies for a browser that has just signed in.

    The service forgets the session sooner if it is not used; by the other cookie it knows the
    browser afterwards.
    """
    return [
        guarded_cookie(SESSION_COOKIE, begun.text, LONGEST_LIFETIME, prefix=prefix),
        guarded_cookie(DEVICE_COOKIE, begun.device, DEVICE_LIFETIME, prefix=prefix),
    ]


def no_cookie(name: str, *, prefix: str) -> Cookie:
    """Cookie that makes a browser forget the guarded one of this name."""
    return guarded_cookie(name, "", timedelta(), prefix=prefix)


def guarded_cookie(name: str, text: str, lifetime: timedelta, *, prefix: str) -> Cookie:
    """Cookie that no other host can plant."""
    return cookie_of(prefix + name, text, lifetime, is_secure=bool(prefix))


def cookie_of(name: str, text: str, lifetime: timedelta, *, is_secure: bool) -> Cookie:
    """Cookie that no script reads, and that no other site's page sends with a change."""
    return Cookie(
        key=name,
        value=text,
        path="/",
        max_age=int(lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )


def theme_cookie(theme: str, *, is_secure: bool) -> Cookie:
    """Cookie that keeps a reader's theme; empty for the system's, which it forgets."""
    lifetime = THEME_LIFETIME if theme else timedelta()
    return cookie_of(THEME_COOKIE, theme, lifetime, is_secure=is_secure)
