"""Errors as answers: always JSON, always dbt Cloud's envelope."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec.inspect import ListType, StructType, Type, UnionType, type_info

from runhook.domain.errors import ErrorCode, LimitedError, RunhookError
from runhook.server.api.wire import Envelope, Status

log = structlog.get_logger()

HTTP_STATUS = {
    ErrorCode.INVALID: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.LIMITED: 429,
    ErrorCode.UNAVAILABLE: 503,
}
RETRY_AFTER = timedelta(seconds=5)
"""When to try again what cannot be done now."""


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Turn whatever was raised into an answer."""
    match error:
        case LimitedError():
            return error_response(429, error.message, retry_after=error.retry_after)
        case RunhookError():
            return error_response(HTTP_STATUS[error.code], error.message)
        case ValidationException():
            return error_response(400, validation_message(error, keys_of_body(request)))
        case HTTPException():
            return error_response(error.status_code, sentence_of(error), headers=error.headers)
        case _:
            log.error("request failed", path=request.url.path, exc_info=error)
            return error_response(500, "Something went wrong here; the log has the details.")


def error_response(
    code: int,
    message: str,
    *,
    retry_after: timedelta = RETRY_AFTER,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    """Return the envelope of an error; ``headers`` come beside those that its code asks for."""
    headers = dict(headers or {})
    if code == 401:
        headers["WWW-Authenticate"] = "Token"
    if code in (429, 503):
        headers["Retry-After"] = str(ceil(retry_after.total_seconds()))
    status = Status(code=code, is_success=False, user_message=message, developer_message="")
    return Response(Envelope(data=None, status=status), status_code=code, headers=headers)


def validation_message(error: ValidationException, keys: Sequence[str]) -> str:
    """Say which value is not valid, and why; ``keys`` are those that the body could have."""
    details = error.extra if isinstance(error.extra, list) else []
    told = [
        sentence_about(detail.get("key", BODY), detail["message"], keys)
        for detail in details
        if isinstance(detail, dict) and "message" in detail
    ]
    return "; ".join(told) or error.detail


BODY = "data"
"""What the web framework calls the body as a whole."""


UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
"""What the decoder says of a key that a body must not have."""


def sentence_about(key: str, message: str, keys: Sequence[str]) -> str:
    """Say what is wrong with one value; the message for the whole body names what it means."""
    unknown = UNKNOWN_KEY.match(message)
    if unknown:
        message = unknown_key(unknown[1], keys)
    elif r"\x00" in message:  # the one pattern that texts are checked with
        message = "a NUL character cannot be kept"
    return message if key == BODY else f"{key}: {message}"


def unknown_key(name: str, keys: Sequence[str]) -> str:
    """Say that there is no such key, and which one may have been meant."""
    near = difflib.get_close_matches(name[:80], keys, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"unknown key `{name[:80]}`{hint}"


def keys_of_body(request: Request[Any, Any, Any]) -> Sequence[str]:
    """Return the keys that the body of a request to this route can have, at any depth."""
    body = request.scope["route_handler"].parsed_fn_signature.parameters.get(BODY)
    return list(keys_in(type_info(body.annotation))) if body else []


def keys_in(info: Type) -> Iterator[str]:
    """Yield the keys of the objects that a type describes."""
    match info:
        case StructType(fields=fields):
            for field in fields:
                yield field.encode_name
                yield from keys_in(field.type)
        case UnionType(types=types):
            for one in types:
                yield from keys_in(one)
        case ListType(item_type=item):
            yield from keys_in(item)
        case _:
            return


SENTENCES = {
    404: "Nothing is here, or it is not yours.",
    405: "This path does not take that method.",
    413: "The body is too large; 1 MiB is the most.",
}


def sentence_of(error: HTTPException) -> str:
    """Return a sentence for an error of the web framework."""
    return SENTENCES.get(error.status_code) or error.detail
