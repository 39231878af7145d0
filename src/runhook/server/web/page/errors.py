"""Errors as pages."""

from typing import Any
from urllib.parse import quote

from litestar import Response
from litestar.response import Redirect, Template

from runhook.domain.errors import UnauthorizedError
from runhook.domain.people.second_factors import SecondFactorNeededError
from runhook.server.http.errors import answer_error
from runhook.server.http.origin import is_unsafe
from runhook.server.http.request import AnyRequest
from runhook.server.web.page.addresses import page_before
from runhook.server.web.page.rendering import page, see

TITLES = {
    400: "That request cannot be understood",
    403: "You may not do that",
    404: "Not found, or you have no access",
    405: "That cannot be done here",
    413: "That is too much",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "Runhook cannot do this now",
}


KEPT_HEADERS = ("Retry-After", "allow")


def show_error(request: AnyRequest, error: Exception) -> Template | Redirect | Response[Any]:
    """Turn any exception into a page; visitors who are not signed in get the sign-in page.

    A program that sends a token reads JSON: it would take the sign-in page for a success.
    """
    if "Authorization" in request.headers:
        return answer_error(request, error)
    if isinstance(error, SecondFactorNeededError) and not is_unsafe(request):
        return see("/profile/second-factor")
    if isinstance(error, UnauthorizedError):
        if is_unsafe(request):
            # What was sent is lost, but the page with the form is found again.
            before = page_before(request)
            return see("/sign-in" if before == "/" else f"/sign-in?following={quote(before)}")
        query = f"?{request.url.query}" if request.url.query else ""
        return see(f"/sign-in?following={quote(request.url.path + query)}")
    answer = answer_error(request, error)
    status_code = answer.status_code or 500
    return page(
        "error",
        visit=request.scope["state"].get("visit"),
        status_code=status_code,
        headers={name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
        title=TITLES.get(status_code, "That did not work"),
        message=answer.content.status.user_message,
    )


def answer_as_asked(request: AnyRequest, error: Exception) -> Response[Any] | Template:
    """Answer an error of no page in particular: with one for a browser, with JSON for programs."""
    is_browser = "text/html" in request.headers.get("Accept", "")
    if is_browser and not request.url.path.startswith("/api/"):
        return show_error(request, error)
    return answer_error(request, error)
