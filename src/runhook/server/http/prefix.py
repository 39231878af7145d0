"""Answers of a service whose public URL has a path, behind a proxy that takes it off.

Requests come without the path, so that routes and pages know nothing of it. What a browser follows
from an answer gets it here: redirects, cookies, and the links, forms and files of pages. Texts in
pages are escaped, so that the attributes that are found here are a template's own.
"""

import re
from urllib.parse import urlsplit

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

LINK = re.compile(rb"""(?<=\s)((?:href|src|action|formaction|data-live)=["'])/(?!/)""")
COOKIE_PATH = re.compile(r"(?i)(;\s*path=)/(?=;|$)")


def public_path(public_url: str | None) -> str:
    """The path of a public URL, without a slash at the end; empty for none."""
    return urlsplit(public_url or "").path.rstrip("/")


def under_path(app: ASGIApp, path: str) -> ASGIApp:
    """Wrap an application whose answers are to lead to places under a path."""
    prefix = path.encode()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        # The head of a page waits for its body, which changes its length.
        page: list[HTTPResponseStartEvent] = []
        pieces: list[bytes] = []

        async def send_under(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                change_headers(headers, path)
                if headers.get("content-type", "").startswith("text/html"):
                    page.append(message)
                    return
            elif message["type"] == "http.response.body" and page:
                pieces.append(message["body"])
                if message["more_body"]:
                    return
                body = LINK.sub(rb"\1" + prefix + rb"/", b"".join(pieces))
                head = page.pop()
                MutableScopeHeaders.from_message(head)["content-length"] = str(len(body))
                await send(head)
                await send({"type": "http.response.body", "body": body, "more_body": False})
                return
            await send(message)

        await app(scope, receive, send_under)

    return answer


def change_headers(headers: MutableScopeHeaders, path: str) -> None:
    """Let redirects lead, and cookies belong, to places under a path."""
    location = headers.get("location", "")
    if location.startswith("/") and not location.startswith("//"):
        headers["location"] = path + location
    cookies = headers.getall("set-cookie", [])
    if cookies:
        del headers["set-cookie"]
        for cookie in cookies:
            headers.add("set-cookie", COOKIE_PATH.sub(rf"\g<1>{path}", cookie))
