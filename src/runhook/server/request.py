"""Requests whose JSON cannot be read are the caller's mistake, told in words that help."""

from typing import Any

from litestar import Request
from litestar.exceptions import SerializationException

from runhook.domain.errors import InvalidError


class JsonRequest(Request[Any, Any, Any]):
    """A request that says what is wrong with its body."""

    async def body(self) -> bytes:
        """Return the raw body; of a route that takes none, nobody asks for it.

        Raises:
            InvalidError: there is none.
        """
        body = await super().body()
        if not body.strip():
            raise InvalidError("The body is empty; send a JSON object.")
        return body

    async def json(self) -> Any:
        """Return the body as plain Python values.

        Raises:
            InvalidError: it is not JSON, not UTF-8, or nested too deeply to be read.
        """
        try:
            return await super().json()
        except RecursionError:
            raise InvalidError("The body is nested too deeply.") from None
        except UnicodeDecodeError as error:
            raise InvalidError(f"The body is not UTF-8: {error.reason}.") from None
        except SerializationException as error:
            raise InvalidError(f"The body cannot be read as JSON: {error.detail}.") from None
