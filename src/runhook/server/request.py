"""Requests whose JSON cannot be read are the caller's mistake, told in words that help."""

import json
from collections.abc import Sequence
from typing import Any

from litestar import Request
from litestar.exceptions import ClientException, InternalServerException, SerializationException

from runhook.domain.errors import InvalidError

CURLS_OWN = "application/x-www-form-urlencoded"
READ_AS_JSON = ("", "application/json", "text/json", "text/plain", CURLS_OWN)
"""What a body may say it is. curl calls everything a form, and some programs say nothing."""

AnyRequest = Request[Any, Any, Any]


class JsonRequest(Request[Any, Any, Any]):
    """A request that says what is wrong with its body."""

    async def body(self) -> bytes:
        """Return the raw body; of a route that takes none, nobody asks for it.

        Raises:
            InvalidError: there is none, or its sender went away before its end.
            ClientException: it is compressed, or says that it is something else than JSON.
        """
        content_type, _ = self.content_type
        if content_type not in READ_AS_JSON and not content_type.endswith("+json"):
            raise ClientException(
                status_code=415,
                detail=f"The body's Content-Type is {content_type[:80]}; "
                "send JSON, as application/json.",
            )
        encoding = self.headers.get("content-encoding", "identity").strip()
        if encoding.lower() not in ("identity", ""):
            raise ClientException(
                status_code=415,
                detail=f"The body is compressed ({encoding[:40]}); send it as it is, "
                "without Content-Encoding.",
            )
        try:
            body = await super().body()
        except InternalServerException:
            raise InvalidError("The body ended before all of it had come.") from None
        if not body.strip():
            raise InvalidError("The body is empty; send a JSON object.")
        return body

    async def json(self) -> Any:
        """Return the body as plain Python values.

        Raises:
            InvalidError: it is not JSON, not UTF-8, nested too deeply to be read, or has a key
                twice in one object.
        """
        try:
            value = await super().json()
            REPEATS.decode((await self.body()).decode())
        except RecursionError:
            raise InvalidError("The body is nested too deeply.") from None
        except UnicodeDecodeError as error:
            raise InvalidError(f"The body is not UTF-8: {error.reason}.") from None
        except SerializationException as error:
            raise InvalidError(
                f"The body cannot be read as JSON: {error.detail}.{self._hint()}"
            ) from None
        return value

    def _hint(self) -> str:
        if self.content_type[0] == CURLS_OWN:
            return f" Its Content-Type is {CURLS_OWN}; this API takes JSON."
        return ""


def refuse_repeats(pairs: Sequence[tuple[str, Any]]) -> None:
    """Refuse an object that has a key twice: programs differ in which of the values counts."""
    seen = set()
    for name, _ in pairs:
        if name in seen:
            raise InvalidError(f"The key `{name[:80]}` is given twice.")
        seen.add(name)


# The decoder that the framework uses passes over repeated keys.
REPEATS = json.JSONDecoder(object_pairs_hook=refuse_repeats)
