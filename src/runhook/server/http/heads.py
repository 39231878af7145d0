"""HEAD: every path of GET responds with the same headers, without a body."""

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

ASKED_BY_HEAD = "asked_by_head"
"""What a request's state holds of one that was a HEAD."""


def answering_heads(app: ASGIApp) -> ASGIApp:
    """Wrap an application to answer HEAD as GET, without the body."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.HEAD:
            await app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            # The response ends with its head; a handler still producing a body sees a disconnect.
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        scope["state"][ASKED_BY_HEAD] = True
        # The server has to know it as a HEAD, or it would miss the body.
        await app({**scope, "method": HttpMethod.GET}, receive, send_head)

    return answer
