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

QUOTES = frozenset("'\"`")
ALMOST_THE_PREFIX = r"whs[a-z]{0,4}[_-]|wh[ps]k_|whsec"
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


def check_signing_secret(secret: object) -> str:
    """Check a receiver's secret, and return its text without the white space around it.

    It may be one of dbt Cloud's, which are any text; what begins almost as ours do is taken for one
    of ours that was copied badly.

    Raises:
        SecretError: it is not set, empty, or not as it was shown; no message has any of it.
    """
    if secret is None:
        raise SecretError("the secret is not set: it is None; is its variable set?")
    if isinstance(secret, bytes):
        secret = secret.decode("latin-1")
    if not isinstance(secret, str):
        raise SecretError(f"the secret is not a text but {type(secret).__name__}")
    text = secret.strip()
    if not text.removeprefix(SECRET_PREFIX):
        # Anybody can sign with an empty key.
        raise SecretError("the secret is empty; is its variable set?")
    if fault := fault_of_secret(text):
        raise SecretError(f"the secret is not as it was shown: {fault}")
    return text


def fault_of_secret(text: str) -> str:
    """What is wrong with a secret as it was copied; empty if nothing is."""
    if text[0] in QUOTES or text[-1] in QUOTES:
        return "it has quotation marks around it"
    if not text.isascii() or not text.isprintable():
        return "it has characters that no secret has; was its file read in another encoding?"
    if not text.startswith(SECRET_PREFIX):
        is_alike = re.match(ALMOST_THE_PREFIX, text, re.IGNORECASE)
        return f"it should begin with `{SECRET_PREFIX}`" if is_alike else ""
    encoded = text.removeprefix(SECRET_PREFIX)
    if any(one.isspace() for one in encoded):
        return "it has white space in it"
    try:
        base64.b64decode(encoded, validate=True)
    except ValueError:
        return f"it is not `{SECRET_PREFIX}` and base64; is it complete?"
    return ""


def hint_at_secret(secret: Secret) -> str:
    """What may be wrong with a secret that does not match, after the sentence that says so."""
    text = secret.reveal()
    encoded = text.removeprefix(SECRET_PREFIX)
    try:
        size = len(base64.b64decode(encoded, validate=True))
    except ValueError:
        return ""
    if not text.startswith(SECRET_PREFIX):
        return f"; was `{SECRET_PREFIX}` left out?" if size == SECRET_BYTES else ""
    return "" if size == SECRET_BYTES else "; is the secret complete?"


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
        raise SignatureError(
            f"the {header.title()} header does not match the body and the secret"
            f"{hint_at_secret(secret)}"
        )


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
        raise SignatureError(
            f"no webhook-signature matches the body and the secret{hint_at_secret(secret)}"
        )


def span_in_words(span: timedelta) -> str:
    """`5 minutes` or `90 seconds`."""
    seconds = span.total_seconds()
    number, unit = (seconds / 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def bytes_of(text: str) -> bytes:
    """Bytes of a header, which may hold characters that no encoding has."""
    return text.encode(errors="surrogatepass")
