"""Errors as answers: always JSON, always dbt Cloud's envelope."""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from runhook.domain.errors import ErrorCode, LimitedError, RunhookError
from runhook.server.api.wire import Envelope, Status
from runhook.server.http.bodies import HAS_NUL
from runhook.server.http.requests import REQUEST_ID
from runhook.telemetry.events import REQUEST_FAILED

HTTP_STATUS = {
    ErrorCode.INVALID: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.TOO_SLOW: 408,
    ErrorCode.LIMITED: 429,
    ErrorCode.NOT_OFFERED: 501,
    ErrorCode.UNAVAILABLE: 503,
}
RETRY_AFTER = timedelta(seconds=5)
"""When to try again what cannot be done now."""


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Turn any exception into a response."""
    match error:
        case LimitedError():
            return error_response(429, error.message, retry_after=error.retry_after)
        case RunhookError():
            return error_response(HTTP_STATUS[error.code], error.message)
        case ValidationException():
            return error_response(400, validation_message(request, error))
        case HTTPException():
            return error_response(
                error.status_code, framework_sentence(error), headers=error.headers
            )
        case _:
            REQUEST_FAILED.say(
                method=request.method,
                route=request.scope.get("path_template"),
                request_id=request.scope["state"].get(REQUEST_ID),
                exc_info=error,
            )
            return error_response(500, "Something went wrong here; the log has the details.")


def error_response(
    code: int,
    message: str,
    *,
    retry_after: timedelta = RETRY_AFTER,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    """Envelope of an error; ``headers`` come beside those that its code requires."""
    headers = dict(headers or {})
    if code == 401:
        headers["WWW-Authenticate"] = "Token"
    if code in (429, 503):
        headers["Retry-After"] = str(ceil(retry_after.total_seconds()))
    status = Status(code=code, is_success=False, user_message=message, developer_message="")
    return Response(Envelope(data=None, status=status), status_code=code, headers=headers)


def validation_message(request: Request[Any, Any, Any], error: ValidationException) -> str:
    """Say which value is not valid, and why."""
    details = error.extra if isinstance(error.extra, list) else []
    told = []
    for detail in details:
        if isinstance(detail, dict) and "message" in detail:
            key = detail.get("key", "")
            has_nul = "\0" in request.query_params.get(key, "")
            message = HAS_NUL if has_nul else detail["message"]
            told.append(f"{key}: {message}" if key else message)
    return "; ".join(told) or error.detail


SENTENCES = {
    404: "Not found, or you have no access.",
    405: "This path does not support that method.",
    413: "The body is too large; at most 1 MiB.",
}


def framework_sentence(error: HTTPException) -> str:
    """A sentence for an error of the web framework."""
    return SENTENCES.get(error.status_code) or error.detail
