"""The cookie that holds a session."""

from litestar.datastructures import Cookie

from runhook.domain.people import LONGEST_LIFETIME

SESSION_COOKIE = "runhook_session"


def session_cookie(text: str, *, is_secure: bool) -> Cookie:
    """Return the cookie of a session; the service forgets it sooner if it is not used."""
    return Cookie(
        key=SESSION_COOKIE,
        value=text,
        path="/",
        max_age=int(LONGEST_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )


def no_session_cookie(*, is_secure: bool) -> Cookie:
    """Return the cookie that makes a browser forget its session."""
    return Cookie(
        key=SESSION_COOKIE,
        value="",
        path="/",
        max_age=0,
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )
