"""An endpoint's own credential in `Authorization`, in place of our signature."""

import base64
from dataclasses import dataclass
from enum import StrEnum

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import Choice, SecretText, Text
from runhook.domain.webhooks.custom_headers import VALUE, VALUE_LIMIT

USER_LIMIT = 255


class Scheme(StrEnum):
    """How the secret becomes a header."""

    BASIC = "basic"
    BEARER = "bearer"
    OTHER = "other"
    """The secret is the header's value as it is."""


def check_user(text: str) -> str:
    """Check the user of Basic authentication (RFC 7617).

    Raises:
        InvalidError: it is too long, or has a character that it must not have.
    """
    if len(text) > USER_LIMIT:
        raise InvalidError(f"{len(text)} characters are too long; {USER_LIMIT} at most")
    if not text.isprintable() or ":" in text:
        raise InvalidError("a user has no colon, and no character that cannot be shown")
    return text


def check_secret(text: str) -> str:
    """Check a password, a token or a header's value; the schemes have rules of their own.

    Raises:
        InvalidError: it is too long or has control characters. The message does not repeat it.
    """
    if len(text) > VALUE_LIMIT:
        raise InvalidError(f"{len(text)} characters are too long; {VALUE_LIMIT} at most")
    if not text.isprintable():
        raise InvalidError("it has a character that cannot be shown, such as the end of a line")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An endpoint's own credential, sent in `Authorization`."""

    scheme: Scheme | None = option(
        None,
        Choice(
            Scheme,
            {
                Scheme.BASIC: "Basic: a user and a password",
                Scheme.BEARER: "Bearer: a token",
                Scheme.OTHER: "Something else, sent as it is",
            },
            blank="Runhook's signature",
        ),
        label="What it holds",
        help="`basic`, `bearer` or `other`",
    )
    user: str = option(
        "", Text(check_user), label="User", hint="For Basic.", help="of `basic`, without a colon"
    )
    secret: str = option(
        "",
        SecretText(check_secret),
        label="Password, token or value",
        help="the password, the token, or the whole value of `other`; a secret",
    )

    @property
    def header(self) -> str:
        """The header's value."""
        match self.scheme:
            case Scheme.BASIC:
                pair = f"{self.user}:{self.secret}".encode()
                return f"Basic {base64.b64encode(pair).decode()}"
            case Scheme.BEARER:
                return f"Bearer {self.secret}"
        return self.secret


def check_authorization_value(given: Authorization) -> Authorization:
    """Check that scheme, user and secret fit each other.

    Raises:
        InvalidError: something is missing, too much, or cannot stand in a header.
    """
    if given.scheme is None:
        raise InvalidError("choose `basic`, `bearer` or `other`", field="scheme")
    if not given.secret:
        raise InvalidError("give the password, the token or the value", field="secret")
    if given.scheme is Scheme.BASIC and not given.user:
        raise InvalidError("Basic has a user too", field="user")
    if given.scheme is not Scheme.BASIC and given.user:
        raise InvalidError("only Basic has a user", field="user")
    if given.scheme is not Scheme.BASIC and not VALUE.fullmatch(given.secret):
        raise InvalidError(
            "it is not one line of visible ASCII characters, without spaces around it",
            field="secret",
        )
    if len(given.header) > VALUE_LIMIT:
        raise InvalidError(f"the header has more than {VALUE_LIMIT} characters", field="secret")
    if given.scheme is Scheme.BEARER and " " in given.secret:
        raise InvalidError("a token has no spaces; leave `Bearer` out", field="secret")
    return given
