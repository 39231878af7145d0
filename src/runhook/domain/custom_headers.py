"""The headers that a webhook's owner adds to its requests; their values may be credentials.

What a name and a value may be is RFC 9110's (5.1, 5.5), without what only obsolete senders use.
"""

import re
from collections.abc import Mapping

from runhook.domain.errors import InvalidError

CustomHeaders = Mapping[str, str]
"""Values by name, in the order given."""

MASK = "********"
"""What is shown in place of every value; sent back, it keeps the value that is there."""
HEADERS_LIMIT = 20
NAME_LIMIT = 100
VALUE_LIMIT = 4_000

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Visible ASCII, with spaces and tabs inside: no line end, so that one header stays one.
VALUE = re.compile(r"[!-~](?:[ \t!-~]*[!-~])?")

RESERVED_NAMES = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "cookie",
        "date",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""Headers that sign or frame the request, or steer the connection."""
RESERVED_BEGINNINGS = ("content-", "proxy-", "webhook-")


def check_custom_headers(given: CustomHeaders, kept: CustomHeaders) -> CustomHeaders:
    """Return the headers to be sent, with what is masked in ``given`` taken from ``kept``.

    Raises:
        InvalidError: there are too many, or one is not legal, reserved, named twice, or masked
            where there is no value to keep. The message repeats no value.
    """
    if len(given) > HEADERS_LIMIT:
        raise InvalidError(
            f"custom_headers: {len(given)} headers are too many; {HEADERS_LIMIT} at most"
        )
    kept_values = {name.lower(): value for name, value in kept.items()}
    headers: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in given.items():
        check_header_name(name)
        key = name.lower()
        if key in seen:
            raise InvalidError(f"custom_headers: `{name}` is named twice")
        seen.add(key)
        if value != MASK:
            check_header_value(name, value)
            headers[name] = value
        elif key in kept_values:
            headers[name] = kept_values[key]
        else:
            raise InvalidError(
                f"custom_headers: `{name}` has no value yet; `{MASK}` only keeps one that is there"
            )
    return headers


def check_header_name(name: str) -> None:
    """Let a header's name pass.

    Raises:
        InvalidError: it is too long, not legal, or reserved.
    """
    if len(name) > NAME_LIMIT:
        raise InvalidError(
            f"custom_headers: the name `{name[:40]}...` is too long; {NAME_LIMIT} at most"
        )
    if not NAME.fullmatch(name):
        raise InvalidError(
            f"custom_headers: `{name}` is no header's name; letters, digits and hyphens make one"
        )
    if name.lower() in RESERVED_NAMES or name.lower().startswith(RESERVED_BEGINNINGS):
        raise InvalidError(
            f"custom_headers: `{name}` is reserved; Runhook sets it, or never sends it"
        )


def check_header_value(name: str, value: str) -> None:
    """Let a header's value pass.

    Raises:
        InvalidError: it is too long or not legal.
    """
    if len(value) > VALUE_LIMIT:
        raise InvalidError(
            f"custom_headers: the value of `{name}` has {len(value)} characters; "
            f"{VALUE_LIMIT} at most"
        )
    if not VALUE.fullmatch(value):
        raise InvalidError(
            f"custom_headers: the value of `{name}` is not one line of visible ASCII characters, "
            "without spaces around it"
        )


def masked(headers: Mapping[str, str], custom: CustomHeaders) -> dict[str, str]:
    """Return a request's headers as they may be logged and shown."""
    return {**headers, **dict.fromkeys(custom, MASK)}
