"""Codes of authenticator apps (RFC 6238), and recovery codes for a user who has lost the app.

A code is a number of six digits that a secret and the present half minute give; a secret is known
to the app and to us. What was used once does not count again.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from runhook.domain.errors import ForbiddenError, LimitedError, UnauthorizedError

DIGITS = 6
STEP_SECONDS = 30
STEPS_BESIDE = 1
"""How many steps a phone's clock may be behind or ahead."""
SECRET_BYTES = 20
"""As long as the digest, as RFC 4226, section 4, advises."""
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
RECOVERY_LETTERS = 16
"""Of a recovery code, without its hyphens."""
MOST_FAILURES = 5
"""Within the window; a code is not even looked at then, right or wrong."""
FAILURE_WINDOW = timedelta(minutes=15)
LONGEST_CODE = 64


class CodeNeededError(UnauthorizedError):
    """Send the code of your authenticator app, or a recovery code, as `code`."""


class WrongCodeError(UnauthorizedError):
    """That code is not right, or was used already."""


class TooManyCodesError(LimitedError):
    """Too many codes were wrong; wait a quarter of an hour, or ask an operator."""

    def __init__(self) -> None:
        super().__init__(retry_after=FAILURE_WINDOW)


class SecondFactorNeededError(ForbiddenError):
    """Your role in this account needs a second factor: set one up at `/profile/second-factor`."""


def step_at(moment: datetime) -> int:
    """Number of the half minute that a moment is in."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """Code of a step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(code: str, secret: bytes, now: datetime, *, after: int) -> int | None:
    """Step that a code is of; None if of none that counts.

    It takes as long whatever the code is.

    Args:
        code: as it was typed.
        secret: the app's.
        now: the present moment.
        after: the last step whose code was used.
    """
    typed = without_spaces(code).encode()
    present = step_at(now)
    found = None
    for step in range(present - STEPS_BESIDE, present + STEPS_BESIDE + 1):
        is_code = hmac.compare_digest(code_at(secret, step).encode(), typed)
        if is_code and step > after:
            found = step
    return found


def without_spaces(code: str) -> str:
    """A code as apps and people write it, without what they set between its parts."""
    return "".join(code[:LONGEST_CODE].split()).replace("-", "")


def secret_text(secret: bytes) -> str:
    """A secret as people type it into an app; one of ours needs no padding."""
    return base64.b32encode(secret).decode()


def address_for_apps(secret: bytes, email: str, service: str) -> str:
    """What an app reads from the picture: whose secret, of which service."""
    label = f"{quote(service, safe='')}:{quote(email, safe='')}"
    query = urlencode({"secret": secret_text(secret), "issuer": service}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def recovery_code(chance: bytes) -> str:
    """A recovery code, made of bytes that cannot be guessed."""
    text = base64.b32encode(chance).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, RECOVERY_LETTERS, 4))


def recovery_digest(code: str) -> str | None:
    """Digest by which a recovery code is found; None if it cannot be one."""
    text = without_spaces(code).lower()
    if len(text) != RECOVERY_LETTERS or not text.isascii():
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def failures_in_window(count: int, since: datetime | None, now: datetime) -> int:
    """How many of the failures that were counted still count."""
    return count if since is not None and now < since + FAILURE_WINDOW else 0
