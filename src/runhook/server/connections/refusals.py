"""Answers to requests that never reach a route, because of how or on what connection they came."""

from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from litestar.types import Send

from runhook.server.api.wire import Envelope, Status

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in the API's envelope, after which the connection is closed."""

    code: int
    message: str

    def head(self) -> list[tuple[bytes, bytes]]:
        """Headers, without their length."""
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        if self.code in (429, 503):
            headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
        return headers

    def body(self) -> bytes:
        """The envelope."""
        status = Status(
            code=self.code, is_success=False, user_message=self.message, developer_message=""
        )
        return msgspec.json.encode(Envelope(data=None, status=status))

    def as_bytes(self) -> bytes:
        """The whole response as it goes over the wire."""
        body = self.body()
        headers = [*self.head(), (b"content-length", str(len(body)).encode())]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        phrase = HTTPStatus(self.code).phrase.encode()
        return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (self.code, phrase, lines, body)

    async def send(self, send: Send) -> None:
        """Give the answer through the server."""
        body = self.body()
        headers = [*self.head(), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": self.code, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
