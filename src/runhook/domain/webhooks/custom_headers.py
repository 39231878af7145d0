"""The headers that a webhook's owner adds to its requests; their values may be credentials.

What a name and a value may be is RFC 9110's (5.1, 5.5), without what only obsolete senders use.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import MASK
from runhook.domain.options.kinds import Typed
from runhook.domain.webhooks.signature import SIGNATURE_HEADER

CustomHeaders = Mapping[str, str]
"""Values by name, in the order given."""

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
        SIGNATURE_HEADER.lower(),
    }
)
"""Headers that sign or frame the request, or steer the connection."""
RESERVED_BEGINNINGS = ("content-", "proxy-", "webhook-")


@dataclass(frozen=True)
class HeadersKind(Typed[CustomHeaders]):
    """Headers by name; each value is a secret. The form has one a line."""

    wire = dict[str, str]
    has_secrets = True
    rows = 3

    def read(self, value: object) -> CustomHeaders:
        """Check headers; a value may be masked.

        Raises:
            InvalidError: there are too many, or one is not legal, reserved or named twice. The
                message repeats no value.
        """
        headers = cast(CustomHeaders, value)
        if len(headers) > HEADERS_LIMIT:
            raise InvalidError(f"{len(headers)} headers are too many; {HEADERS_LIMIT} at most")
        for name, text in headers.items():
            check_header_name(name)
            check_header_value(name, text)
        repeated = first_repeated(headers)
        if repeated is not None:
            raise InvalidError(f"`{repeated}` is named twice")
        return headers

    def write(self, value: CustomHeaders) -> dict[str, str]:
        return dict(value)

    def show(self, value: object) -> str:
        return "\n".join(f"{name}: {text}" for name, text in cast(CustomHeaders, value).items())

    def understand(self, text: str) -> dict[str, str]:
        lines = [line.partition(":") for line in text.splitlines() if line.strip()]
        for name, colon, _ in lines:
            if not colon:
                raise InvalidError(f"`{name[:40]}` is not of the form `Name: value`")
        repeated = first_repeated([name.strip() for name, _, _ in lines])
        if repeated is not None:
            raise InvalidError(f"`{repeated[:40]}` is named twice")
        return {name.strip(): text.strip() for name, _, text in lines}

    def masked(self, value: CustomHeaders) -> CustomHeaders:
        return dict.fromkeys(value, MASK)

    def unmasked(self, value: CustomHeaders, kept: CustomHeaders | None) -> CustomHeaders:
        known = {name.lower(): text for name, text in (kept or {}).items()}
        for name in self.masks_in(value):
            if name.lower() not in known:
                raise InvalidError(
                    f"`{name}` has no value yet; `{MASK}` only keeps one that is there"
                )
        return {name: known[name.lower()] if text == MASK else text for name, text in value.items()}

    def masks_in(self, value: CustomHeaders) -> list[str]:
        return [name for name, text in value.items() if text == MASK]

    def audited(self, value: CustomHeaders) -> list[str]:
        return list(value)

    def renewed(self, before: CustomHeaders, after: CustomHeaders) -> list[str]:
        return [name for name, text in after.items() if before.get(name, text) != text]


def first_repeated(names: Iterable[str]) -> str | None:
    """The first name that equals an earlier one, ignoring case."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            return name
        seen.add(name.lower())
    return None


def check_header_name(name: str) -> None:
    """Check a header's name.

    Raises:
        InvalidError: it is too long, not legal, or reserved.
    """
    if len(name) > NAME_LIMIT:
        raise InvalidError(f"the name `{name[:40]}...` is too long; {NAME_LIMIT} at most")
    if not NAME.fullmatch(name):
        raise InvalidError(f"`{name}` is not a header's name; letters, digits and hyphens make one")
    if name.lower() in RESERVED_NAMES or name.lower().startswith(RESERVED_BEGINNINGS):
        raise InvalidError(f"`{name}` is reserved; Runhook sets it, or never sends it")


def check_header_value(name: str, value: str) -> None:
    """Check a header's value.

    Raises:
        InvalidError: it is too long or not legal.
    """
    if len(value) > VALUE_LIMIT:
        raise InvalidError(
            f"the value of `{name}` has {len(value)} characters; {VALUE_LIMIT} at most"
        )
    if not VALUE.fullmatch(value):
        raise InvalidError(
            f"the value of `{name}` is not one line of visible ASCII characters, "
            "without spaces around it"
        )
