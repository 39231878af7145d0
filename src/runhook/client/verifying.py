"""`runhook.verify`: the one call a consumer makes before it believes a delivery."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runhook.domain.signature import (
    SECRET_PREFIX,
    Secret,
    SignatureError,
    check_authorization,
    check_standard,
)

__all__ = ["SignatureError", "verify"]


def verify(body: bytes, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
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
        body: the raw bytes of the request; parsed and serialised again, they no longer match.
        headers: the request's headers, in any spelling.
        secret: what Runhook showed when the webhook was created.

    Raises:
        SignatureError: what is missing, too old or does not match.
    """
    if not secret.removeprefix(SECRET_PREFIX):
        # A variable that was not set, say. Anybody can sign with an empty key.
        raise SignatureError("the secret is empty")
    lower = {name.lower(): value for name, value in headers.items()}
    if secret.startswith(SECRET_PREFIX):
        check_standard(Secret(secret), lower, body, now=datetime.now(UTC))
    else:
        check_authorization(Secret(secret), lower, body)
    return payload_of(body)


def payload_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body that was proved to be the sender's."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignatureError("the signature is right, but the body is not JSON") from error
    if not isinstance(payload, dict):
        raise SignatureError("the signature is right, but the body is not a JSON object")
    return payload
