"""Who calls, for which account, and what they may do there."""

from dataclasses import dataclass
from enum import StrEnum

from runhook.domain.errors import ForbiddenError
from runhook.domain.permissions import Permission
from runhook.domain.runs import AccountId


class ActorKind(StrEnum):
    """What kind of somebody does something."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    COMMAND_LINE = "command line"
    RUNHOOK = "runhook"
    """The service itself, as when it deactivates a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, as the audit log remembers it after a user or token is gone."""

    kind: ActorKind
    id: int | None = None
    """The user's or the token's."""
    name: str
    """A user's e-mail address, a token's name."""
    address: str | None = None
    """The IP address that the request came from."""


COMMAND_LINE = Actor(kind=ActorKind.COMMAND_LINE, name="runhook")
"""Whoever can run commands beside the database; the service knows no more of them."""


RUNHOOK = Actor(kind=ActorKind.RUNHOOK, name="runhook")
"""The service itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An actor in one account."""

    account_id: AccountId
    account_identifier: str
    actor: Actor
    permissions: frozenset[Permission]
    authority: str
    """Where the permissions come from, in words: "This token's permission set, read_only"."""

    def require(self, permission: Permission) -> None:
        """Let the caller pass if it may do that.

        Raises:
            ForbiddenError: it may not.
        """
        if permission not in self.permissions:
            raise ForbiddenError(f"{self.authority}, does not allow to {permission}.")
