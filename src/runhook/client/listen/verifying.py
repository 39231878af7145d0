"""`runhook.verify`: verify that a delivery comes from Runhook.

A receiver that crashes on a bad request can be stopped by anyone, so every defect of a request is a
SignatureError.
"""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from runhook.domain.webhooks.signature import (
    SECRET_PREFIX,
    TOLERANCE,
    Secret,
    SecretError,
    SignatureError,
    check_authorization,
    check_signing_secret,
    check_standard,
)

__all__ = ["SignatureError", "verify"]

STANDARD = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})
SIGNATURES = "webhook-signature"
"""The one header that may be there several times, as it holds a list."""
WSGI_PREFIX = "http-"
LONGEST_HEADER = 4_096
"""Characters; a signature has 47, and there is one for each secret that is valid."""
LONGEST_TOLERANCE = timedelta(days=36_500)


class HeaderMapping(Protocol):
    """What frameworks call headers: an object that has items, some of them repeated."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Names and values."""


Body = str | bytes | bytearray | memoryview


def verify(
    body: Body,
    headers: HeaderMapping | Iterable[tuple[Any, Any]],
    secret: str | Sequence[str],
    *,
    tolerance: float | timedelta | None = TOLERANCE,
    signature_header: str = "Authorization",
) -> dict[str, Any]:
    """Check that a delivery was signed with ``secret``, and return its payload.

    A secret of Runhook's (``whsec_...``) is checked by the Standard Webhooks headers, which also
    prove that the delivery was sent within the last five minutes and which stay valid for the old
    secret while a rotation is in its grace. Any other secret is taken for one of dbt Cloud's, and
    the ``Authorization`` header is checked.

    A Flask view that does so::

        @app.post("/dbt")
        def receive():
            try:
                payload = runhook.verify(request.get_data(), request.headers, SECRET)
            except runhook.SignatureError as error:
                return str(error), 401
            print(payload["event_type"])
            return "", 204

    Args:
        body: the raw body of the request; parsed and serialised again, it no longer matches.
        headers: the request's headers as the framework has them: a mapping or pairs, names in any
            case or WSGI's (``HTTP_WEBHOOK_ID``), values as text, bytes or lists of them.
        secret: what Runhook showed when the webhook was created; several if any of them may have
            signed.
        tolerance: how far from now a delivery may have been sent, in seconds; None for any time,
            so that a recorded delivery can be sent again.
        signature_header: where dbt Cloud's signature is. A webhook of Runhook's with an
            ``authorization`` of its own has it in ``X-Runhook-Signature``; the Standard Webhooks
            headers, which its secret is checked by, stay where they are.

    Raises:
        SignatureError: what is missing, too old, malformed or does not match. If it is the secret
            that is unusable (empty, None, copied badly), the error is a ValueError as well.
        ValueError: the tolerance is none.
    """
    span = tolerance_of(tolerance)
    secrets = secrets_of(secret)
    content = content_of(body)
    signature = signature_header.lower()
    found = headers_of(headers, {*STANDARD, signature})
    now = datetime.now(UTC)
    problems = []
    for one in secrets:
        try:
            if one.reveal().startswith(SECRET_PREFIX):
                check_standard(one, found, content, now=now, tolerance=span)
            else:
                check_authorization(one, found, content, header=signature)
            return parse_payload(content)
        except SignatureError as error:
            problems.append(error)
    raise problems[0]


def tolerance_of(tolerance: float | timedelta | None) -> timedelta | None:
    """Parse a span of time; None is endless. Raises ValueError."""
    if tolerance is None:
        return None
    seconds = tolerance.total_seconds() if isinstance(tolerance, timedelta) else float(tolerance)
    if math.isnan(seconds) or seconds < 0:  # nothing is further off than what is not a number
        raise ValueError("tolerance is not a number of seconds, 0 or more")
    return timedelta(seconds=min(seconds, LONGEST_TOLERANCE.total_seconds()))


def secrets_of(secret: str | Sequence[str]) -> list[Secret]:
    """Parse the secrets that may have signed.

    Raises:
        SecretError: there is no secret, or one is unusable.
    """
    several = isinstance(secret, list | tuple | set | frozenset)
    secrets = [Secret(check_signing_secret(one)) for one in (secret if several else (secret,))]
    if not secrets:
        raise SecretError("there is no secret")
    return secrets


def content_of(body: object) -> bytes:
    """Bytes of a body. Raises SignatureError."""
    try:
        if isinstance(body, str):
            return body.encode(errors="surrogateescape")
        return memoryview(body).tobytes()  # type: ignore[arg-type] # whatever it is, see below
    except (TypeError, ValueError):
        raise SignatureError(
            f"the body is {type(body).__name__}, not the raw body of the request"
        ) from None


def headers_of(headers: object, wanted: Collection[str]) -> dict[str, str]:
    """Pick the headers that identify the sender, by names in lower case.

    Raises:
        SignatureError: these are not headers, or one is there twice with different values.
    """
    found: dict[str, str] = {}
    try:
        for name, value in pairs_in(headers):
            if (told := header_name(name)) in wanted:
                for text in header_texts(value):
                    found[told] = bounded(told, combined(told, found.get(told), text))
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError):
        raise SignatureError(
            f"the headers are {type(headers).__name__}, not names and values"
        ) from None
    return found


def pairs_in(headers: Any) -> Iterator[tuple[Any, Any]]:
    """Yield names and values; Twisted has a method of its own for that."""
    for method in ("items", "getAllRawHeaders"):
        if (listed := getattr(headers, method, None)) is not None:
            yield from listed()
            return
    yield from headers


def header_name(name: object) -> str:
    """Name of a header as in HTTP, in lower case."""
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
    return text.strip().lower().replace("_", "-").removeprefix(WSGI_PREFIX)


def header_texts(value: object) -> Iterator[str]:
    """Yield a header's values. Raises TypeError if they are none."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, bytes | bytearray | memoryview):
        yield bytes(value).decode("latin-1").strip()
    elif isinstance(value, Mapping):  # CloudFront: {"key": "Webhook-Id", "value": "wev_1"}
        yield from header_texts(value.get("value"))
    elif isinstance(value, Iterable):
        for one in value:
            yield from header_texts(one)
    else:
        raise TypeError("a header's value is not text")


def combined(name: str, before: str | None, value: str) -> str:
    """Join a repeated header: lists of signatures become one.

    Raises:
        SignatureError: they differ, and only one can be meant.
    """
    if before is None or before == value:
        return value
    if name != SIGNATURES:
        raise SignatureError(f"the {name} header is there twice")
    return f"{before} {value}"


def bounded(name: str, value: str) -> str:
    """Check a header's length. Raises SignatureError if it is longer than any sender's."""
    if len(value) > LONGEST_HEADER:
        raise SignatureError(f"the {name} header has more than {LONGEST_HEADER:,} characters")
    return value


def parse_payload(body: bytes) -> dict[str, Any]:
    """Parse the JSON object in a body whose signature was verified."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignatureError("the signature is right, but the body is not JSON") from error
    if not isinstance(payload, dict):
        raise SignatureError("the signature is right, but the body is not a JSON object")
    return payload
