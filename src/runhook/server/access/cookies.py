"""The cookies that stay: a session, a browser that has signed in before, and a chosen theme."""

from datetime import timedelta

from litestar.datastructures import Cookie

from runhook.domain.people.users import LONGEST_LIFETIME
from runhook.operations.people.sessions import Begun

SESSION_COOKIE = "runhook_session"
DEVICE_COOKIE = "runhook_device"
DEVICE_LIFETIME = timedelta(days=365)
THEME_COOKIE = "runhook_theme"
THEME_LIFETIME = timedelta(days=365)


def cookies_of(begun: Begun, *, is_secure: bool) -> list[Cookie]:
    """Cookies for a browser that has just signed in."""
    return [
        session_cookie(begun.text, is_secure=is_secure),
        device_cookie(begun.device, is_secure=is_secure),
    ]


def session_cookie(text: str, *, is_secure: bool) -> Cookie:
    """Cookie of a session; the service forgets it sooner if it is not used."""
    return cookie_of(SESSION_COOKIE, text, LONGEST_LIFETIME, is_secure=is_secure)


def no_session_cookie(*, is_secure: bool) -> Cookie:
    """Cookie that makes a browser forget its session."""
    return cookie_of(SESSION_COOKIE, "", timedelta(), is_secure=is_secure)


def device_cookie(text: str, *, is_secure: bool) -> Cookie:
    """Cookie that identifies a browser after its session has ended."""
    return cookie_of(DEVICE_COOKIE, text, DEVICE_LIFETIME, is_secure=is_secure)


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
    return Cookie(
        key=THEME_COOKIE,
        value=theme,
        path="/",
        max_age=int(THEME_LIFETIME.total_seconds()) if theme else 0,
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )
