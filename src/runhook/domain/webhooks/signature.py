"""The proof that a delivery is ours: dbt Cloud's signature and the Standard Webhooks one.

One secret serves both. It reads ``whsec_`` and base64 of 32 bytes: the whole text is the key for
dbt Cloud's ``Authorization`` header, the decoded bytes are the key for Standard Webhooks
(https://www.standardwebhooks.com, symmetric ``v1``).
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public prefix, not a secret
SECRET_BYTES = 32
SIGNATURE_HEADER = "X-Runhook-Signature"
"""Where the signature is that is in ``Authorization`` otherwise, if an endpoint wants something
else there."""
TOLERANCE = timedelta(minutes=5)
"""How far a delivery's timestamp may be from the receiver's clock (Standard Webhooks' choice)."""

SECONDS_DIGITS = 12
SIGNATURES = re.compile(r"\s+|,\s*(?=v1,)")
"""What is between signatures: a space, or the comma with which gateways join headers."""


class SignatureError(Exception):
    """The delivery was not signed with this secret, or not recently."""


class SecretError(SignatureError, ValueError):
    """The receiver's own secret is invalid, so nothing can be verified with it.

    A SignatureError, so that who handles those never takes a delivery for proved.
    """


class Secret:
    """A webhook's signing secret, hidden when printed."""

    __slots__ = ("_authorization", "_standard", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        # Keyed once, and copied for each signature: keying costs more than signing.
        self._authorization: hmac.HMAC | None = None
        self._standard: hmac.HMAC | None = None

    @classmethod
    def from_bytes(cls, random: bytes) -> "Secret":
        """Make a new secret of 32 random bytes."""
        if len(random) != SECRET_BYTES:
            raise ValueError(f"a secret is made of {SECRET_BYTES} bytes, not {len(random)}")
        return cls(SECRET_PREFIX + base64.b64encode(random).decode())

    def reveal(self) -> str:
        """The text, to be shown once to the webhook's owner."""
        return self._text

    def authorization_key(self) -> bytes:
        """Key of dbt Cloud's signature: the text itself."""
        return bytes_of(self._text)

    def standard_key(self) -> bytes:
        """Key of the Standard Webhooks signature: the decoded bytes.

        Raises:
            SecretError: the secret is not of the ``whsec_`` form.
        """
        encoded = self._text.removeprefix(SECRET_PREFIX)
        try:
            return base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise SecretError("the secret is not `whsec_` and base64") from error

    def authorization_mac(self) -> hmac.HMAC:
        """A new HMAC-SHA256 under the key of dbt Cloud's signature."""
        if self._authorization is None:
            self._authorization = hmac.new(self.authorization_key(), digestmod="sha256")
        return self._authorization.copy()

    def standard_mac(self) -> hmac.HMAC:
        """A new HMAC-SHA256 under the key of the Standard Webhooks signature.

        Raises:
            SecretError: the secret is not of the ``whsec_`` form.
        """
        if self._standard is None:
            self._standard = hmac.new(self.standard_key(), digestmod="sha256")
        return self._standard.copy()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret('whsec_...')"


def sign(
    secrets: Sequence[Secret], *, message_id: str, timestamp: datetime, body: bytes
) -> dict[str, str]:
    """Sign ``body``; return the headers with the signatures.

    Args:
        secrets: the newest first; older ones are still in their grace after a rotation.
            ``Authorization`` can carry one signature only, the newest secret's.
        message_id: the delivery's id, equal on every attempt.
        timestamp: when this attempt is sent.
        body: the exact bytes on the wire.
    """
    seconds = str(int(timestamp.timestamp()))
    return {
        "Authorization": authorization_signature(secrets[0], body),
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(
            standard_signature(secret, message_id=message_id, seconds=seconds, body=body)
            for secret in secrets
        ),
    }


def authorization_signature(secret: Secret, body: bytes) -> str:
    """Signature of dbt Cloud: the bare lowercase hex HMAC-SHA256 of the body."""
    mac = secret.authorization_mac()
    mac.update(body)
    return mac.hexdigest()


def standard_signature(secret: Secret, *, message_id: str, seconds: str, body: bytes) -> str:
    """One entry of the ``webhook-signature`` header, ``v1,<base64>``."""
    mac = secret.standard_mac()
    mac.update(bytes_of(f"{message_id}.{seconds}."))
    mac.update(body)
    return "v1," + base64.b64encode(mac.digest()).decode()


def check_authorization(
    secret: Secret, headers: Mapping[str, str], body: bytes, *, header: str = "authorization"
) -> None:
    """Check dbt Cloud's signature.

    Args:
        secret: the webhook's secret, of any form.
        headers: the request's headers, their names in lower case.
        body: the raw body, as received.
        header: where the signature is, in lower case.

    Raises:
        SignatureError: the header is missing or does not match.
    """
    given = headers.get(header, "")
    expected = authorization_signature(secret, body)
    if not hmac.compare_digest(bytes_of(given), bytes_of(expected)):
        raise SignatureError(f"the {header.title()} header does not match the body and the secret")


def check_standard(
    secret: Secret,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    tolerance: timedelta | None = TOLERANCE,
) -> None:
    """Check the Standard Webhooks signature and that it is recent.

    Arguments as for ``check_authorization``; ``now`` is the receiver's clock, and ``tolerance`` how
    far from it the delivery may have been sent, None for any time.

    Raises:
        SignatureError: a header is missing, too old, too far ahead, or does not match.
    """
    try:
        message_id = headers["webhook-id"]
        seconds = headers["webhook-timestamp"]
        given = SIGNATURES.split(headers["webhook-signature"])
    except KeyError as missing:
        raise SignatureError(f"the {missing.args[0]} header is missing") from None
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= SECONDS_DIGITS):
        raise SignatureError("the webhook-timestamp header is not a number of seconds")
    if tolerance is not None and abs(int(seconds) - now.timestamp()) > tolerance.total_seconds():
        raise SignatureError(
            f"the webhook-timestamp header is more than {span_in_words(tolerance)} off"
        )
    expected = standard_signature(secret, message_id=message_id, seconds=seconds, body=body)
    matches = [hmac.compare_digest(bytes_of(one), bytes_of(expected)) for one in given]
    if not any(matches):
        raise SignatureError("no webhook-signature matches the body and the secret")


def span_in_words(span: timedelta) -> str:
    """`5 minutes` or `90 seconds`."""
    seconds = span.total_seconds()
    number, unit = (seconds / 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def bytes_of(text: str) -> bytes:
    """Bytes of a header, which may hold characters that no encoding has."""
    return text.encode(errors="surrogatepass")
