"""The name and the groups of a person, as an authenticating proxy gives them in headers."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from runhook.domain.errors import InvalidError
from runhook.domain.people.identities import (
    LONGEST_GROUP,
    MOST_GROUPS,
    GroupRoles,
    Identity,
    SignInRefusedError,
)
from runhook.domain.people.users import LONGEST_EMAIL, check_email

ISSUER = "trusted header"
"""In the place of a provider's: there is one such header."""
LONGEST_GROUPS = 8 << 10
"""In characters, of all groups together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingHeaders:
    """Headers in which a proxy names people, by the settings `RUNHOOK_TRUSTED_...`."""

    user: str
    """In lower case, as the other one."""
    groups: str | None
    roles: GroupRoles
    """What groups are in accounts."""


def identity_named(users: Sequence[str], groups: Sequence[str]) -> Identity:
    """Read who a proxy says is there.

    Args:
        users: values of the header with the e-mail address, one for each line.
        groups: values of the header with the groups, likewise; commas separate groups.

    Raises:
        SignInRefusedError: there is not exactly one user, or a value is not one that is believed.
    """
    email = email_in(users)
    return Identity(
        issuer=ISSUER,
        subject=email,
        email=email,
        is_email_verified=True,
        name=email.partition("@")[0],
        groups=groups_named(groups),
    )


def email_in(values: Sequence[str]) -> str:
    """Read the user.

    Raises:
        SignInRefusedError: there is not exactly one, or it is no e-mail address in ASCII.
    """
    if len(values) != 1 or "," in values[0]:
        raise SignInRefusedError("The proxy before this service names several users, or none.")
    text = values[0]
    if len(text) <= LONGEST_EMAIL and text.isascii():
        with suppress(InvalidError):
            return check_email(text)
    raise SignInRefusedError(
        "The proxy before this service names a user by something else than an e-mail address."
    )


def groups_named(values: Sequence[str]) -> frozenset[str]:
    """Read the groups.

    Raises:
        SignInRefusedError: they are in several headers, very long, or not ASCII.
    """
    if len(values) > 1 or any(len(one) > LONGEST_GROUPS or not one.isascii() for one in values):
        raise SignInRefusedError(
            "The proxy before this service names groups in a form that is not believed."
        )
    parts = [part.strip() for value in values for part in value.split(",")]
    return frozenset(part for part in parts[:MOST_GROUPS] if 0 < len(part) <= LONGEST_GROUP)
