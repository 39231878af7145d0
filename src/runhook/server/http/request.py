"""Requests whose JSON cannot be read are the caller's mistake, with a helpful error."""

from typing import Any

from litestar import Request
from litestar.exceptions import ClientException, InternalServerException

from runhook.domain.errors import InvalidError
from runhook.server.http.bodies import convert, read_json

CURLS_OWN = "application/x-www-form-urlencoded"
READ_AS_JSON = ("", "application/json", "text/json", "text/plain", CURLS_OWN)
"""What a body may say it is. curl calls everything a form, and some programs say nothing."""

BODY = "data"
"""What the web framework calls the body as a whole."""

AnyRequest = Request[Any, Any, Any]


class JsonRequest(Request[Any, Any, Any]):
    """A request that says what is wrong with its body."""

    async def body(self) -> bytes:
        """The raw body; only routes that take one ask for it.

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
            raise InvalidError("The body broke off before its end.") from None
        if not body.strip():
            raise InvalidError("The body is empty; send a JSON object.")
        return body

    async def json(self) -> Any:
        """The body, parsed for its route.

        Raises:
            InvalidError: it is not JSON, or not what the route accepts.
        """
        content_type, parameters = self.content_type
        try:
            value = read_json(await self.body(), charset=parameters.get("charset", "").lower())
        except InvalidError as error:
            if content_type != CURLS_OWN:
                raise
            hint = f"Its Content-Type is {CURLS_OWN}; this API takes JSON."
            raise InvalidError(f"{error.message} {hint}") from None
        taken = self.scope["route_handler"].parsed_fn_signature.parameters.get(BODY)
        return convert(value, taken.annotation) if taken else value
