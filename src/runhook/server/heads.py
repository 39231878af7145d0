"""HEAD: whatever can be read with GET tells the same of itself, and leaves the body out."""

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

ASKED_BY_HEAD = "asked_by_head"
"""What a request's state holds of one that was a HEAD."""


def answering_heads(app: ASGIApp) -> ASGIApp:
    """Return an application that answers HEAD as GET, without the body."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.HEAD:
            await app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        scope["method"] = HttpMethod.GET
        scope["state"][ASKED_BY_HEAD] = True
        await app(scope, receive, send_without_body)

    return answer
