"""The cookies that stay: a session, a browser that has signed in before, and a chosen theme."""

from datetime import timedelta
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from runhook.domain.people.users import LONGEST_LIFETIME
from runhook.operations.people.sessions import Begun
from runhook.server.http.origin import is_secure
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
    """What the names of cookies begin with that nobody else is to plant; empty without TLS."""
    if not is_secure(connection, public_url):
        return ""
    return BY_TLS if public_path(public_url) else OF_HOST


def cookie_in(connection: Connection, public_url: str | None, name: str) -> str | None:
    """What a request's cookie holds that was made with this name; None if it has none."""
    return connection.cookies.get(prefix_of(connection, public_url) + name)


def cookies_of(begun: Begun, *, prefix: str) -> list[Cookie]:
    """Cookies for a browser that has just signed in."""
    return [
        session_cookie(begun.text, prefix=prefix),
        device_cookie(begun.device, prefix=prefix),
    ]


def session_cookie(text: str, *, prefix: str) -> Cookie:
    """Cookie of a session; the service forgets it sooner if it is not used."""
    return cookie_of(SESSION_COOKIE, text, LONGEST_LIFETIME, prefix=prefix)


def device_cookie(text: str, *, prefix: str) -> Cookie:
    """Cookie that identifies a browser after its session has ended."""
    return cookie_of(DEVICE_COOKIE, text, DEVICE_LIFETIME, prefix=prefix)


def no_cookie(name: str, *, prefix: str) -> Cookie:
    """Cookie that makes a browser forget the one of this name."""
    return cookie_of(name, "", timedelta(), prefix=prefix)


def cookie_of(name: str, text: str, lifetime: timedelta, *, prefix: str) -> Cookie:
    """Cookie that no script reads, and that no other site's page sends with a change."""
    return Cookie(
        key=prefix + name,
        value=text,
        path="/",
        max_age=int(lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=bool(prefix),
    )


def theme_cookie(theme: str, *, secure: bool) -> Cookie:
    """Cookie that keeps a reader's theme; empty for the system's, which it forgets."""
    return Cookie(
        key=THEME_COOKIE,
        value=theme,
        path="/",
        max_age=int(THEME_LIFETIME.total_seconds()) if theme else 0,
        httponly=True,
        samesite="lax",
        secure=secure,
    )
