"""Who calls, for which account, and what they may do there."""

from dataclasses import dataclass, replace
from enum import StrEnum

from runhook.domain.errors import ForbiddenError
from runhook.domain.people.permissions import Permission, PermissionSet, Role
from runhook.domain.runs.run import AccountId


class ActorKind(StrEnum):
    """Kind of the party that acts."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    COMMAND_LINE = "command line"
    RUNHOOK = "runhook"
    """The service itself, as when it deactivates a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an actor was let in for, and by what: looked at again when something is written."""

    account_id: AccountId
    permission: Permission
    session_id: int | None = None
    """The session of a user; None for a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, as the audit log remembers it after a user or token is gone."""

    kind: ActorKind
    id: int | None = None
    """Id of the user or of the token."""
    name: str
    """A user's e-mail address, a token's name."""
    address: str | None = None
    """The IP address that the request came from."""
    grant: Grant | None = None
    """None for the service itself and its commands, which need none."""

    @property
    def label(self) -> str:
        """How the log calls it: by kind and id, without the name, which may be a person's."""
        return self.kind if self.id is None else f"{self.kind} {self.id}"


COMMAND_LINE = Actor(kind=ActorKind.COMMAND_LINE, name="runhook")
"""A person who can run commands beside the database; the service knows no more of them."""


RUNHOOK = Actor(kind=ActorKind.RUNHOOK, name="runhook")
"""The service itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An actor in one account."""

    account_id: AccountId
    account_identifier: str
    actor: Actor
    permissions: frozenset[Permission]
    authority: PermissionSet | Role
    """Where the permissions come from."""
    session_id: int | None = None
    """The session of a user; None for a token."""

    def using(self, permission: Permission) -> "Caller":
        """The caller, acting under this permission.

        Raises:
            ForbiddenError: it does not have the permission.
        """
        if permission not in self.permissions:
            raise lacking(self.authority, permission)
        grant = Grant(account_id=self.account_id, permission=permission, session_id=self.session_id)
        return replace(self, actor=replace(self.actor, grant=grant))


def lacking(authority: PermissionSet | Role, permission: Permission) -> ForbiddenError:
    """Error that names what lacks a permission."""
    whose = (
        "Your role in this account"
        if isinstance(authority, Role)
        else "This token's permission set"
    )
    return ForbiddenError(f"{whose}, {authority}, does not allow to {permission}.")
