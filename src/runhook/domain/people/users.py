"""Who people are: what a user has to say of themselves, and who may be what in an account."""

import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from runhook.domain.errors import ConflictError, ForbiddenError, InvalidError
from runhook.domain.names import check_shown
from runhook.domain.people.permissions import Permission, Role

UserId = NewType("UserId", int)

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1_024
LONGEST_EMAIL = 254
"""RFC 5321, section 4.5.3.1.3, less the brackets around a path."""
LONGEST_NAME = 255

IDLE_LIFETIME = timedelta(days=14)
"""A session that is not used for so long has ended."""
LONGEST_LIFETIME = timedelta(days=90)
"""So long after signing in a session ends, used or not."""
VOUCHED_LIFETIME = timedelta(days=1)
"""Likewise where a provider or a proxy vouches for somebody: it is asked again every day."""
INVITATION_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(minutes=30)
"""How long a link to a new password works."""
MOST_OPEN_RESETS = 3
"""With so many of them, a user is mailed no further one: anybody may ask for one."""


class SignInMethod(StrEnum):
    """How somebody has signed in."""

    PASSWORD = "password"  # noqa: S105 - a method, not a secret
    PROVIDER = "provider"
    """By OpenID Connect."""
    PROXY = "proxy"
    """By the name that an authenticating proxy gives of who is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who can sign in."""

    id: UserId
    email: str
    """As `check_email` returns it."""
    name: str
    created_at: datetime


def session_end(
    created_at: datetime, last_seen_at: datetime, method: SignInMethod = SignInMethod.PASSWORD
) -> datetime:
    """When a session ends unless it is used again."""
    longest = LONGEST_LIFETIME if method is SignInMethod.PASSWORD else VOUCHED_LIFETIME
    return min(last_seen_at + IDLE_LIFETIME, created_at + longest)


def check_email(email: str) -> str:
    """Check an e-mail address; return the form it is stored in, so that one mailbox is one user.

    Whether mail arrives there only mail can tell, so little more than the `@` is required.

    Raises:
        InvalidError: it cannot be an e-mail address.
    """
    email = unicodedata.normalize("NFC", email.strip()).lower()
    local, at, host = email.rpartition("@")
    if not (at and local and host) or not email.isprintable() or " " in email or "@" in local:
        raise InvalidError("give an e-mail address, such as ada@example.com", field="email")
    if len(email) > LONGEST_EMAIL:
        raise InvalidError(f"{LONGEST_EMAIL} characters at most", field="email")
    return email


def check_person_name(name: str) -> str:
    """Check a user's or an account's name; strip surrounding spaces.

    Raises:
        InvalidError: it is empty, too long, or has characters that cannot be shown.
    """
    name = name.strip()
    if not name:
        raise InvalidError("give a name", field="name")
    if len(name) > LONGEST_NAME:
        raise InvalidError(f"{LONGEST_NAME} characters at most", field="name")
    return check_shown(name, field="name")


def check_new_password(password: str) -> str:
    """Check a new password: any characters, long enough to resist guessing.

    Raises:
        InvalidError: it is too short or too long.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidError(f"{SHORTEST_PASSWORD} characters at least", field="password")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidError(f"{LONGEST_PASSWORD} characters at most", field="password")
    return password


def check_role_change(
    permissions: AbstractSet[Permission], *, before: Role | None, after: Role | None, owners: int
) -> None:
    """Check that a member's role may change, and that an owner remains.

    Args:
        permissions: of the user who changes it.
        before: the member's role now; None for no member yet.
        after: the role to be given; None for removal.
        owners: how many owners the account has now.

    Raises:
        ForbiddenError: only an owner makes and removes owners.
        ConflictError: the account would have no owner.
    """
    if Role.OWNER in (before, after) and Permission.MANAGE_OWNERS not in permissions:
        raise ForbiddenError("Only an owner can make or remove an owner.")
    if before is Role.OWNER and after is not Role.OWNER and owners <= 1:
        raise ConflictError("This is the account's last owner; make another member an owner first.")
