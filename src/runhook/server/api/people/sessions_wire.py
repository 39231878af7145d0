"""Sessions and identities as JSON."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import Permission, Role
from runhook.server.api.people.users_wire import UserOut, shown_user
from runhook.storage.people.sessions import Session, ValidSession
from runhook.storage.people.users import Membership


class SignInIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """Who wants to sign in."""

    email: str
    password: str


class TokenUsedOut(Struct, kw_only=True):
    """The token that a request came with."""

    id: int | None
    name: str


class OwnAccountOut(Struct, kw_only=True):
    """An account that the caller may see, and what they may do there."""

    id: int
    name: str
    identifier: str
    role: Role | None
    """Null for a token."""
    permissions: list[Permission]


class WhoOut(Struct, kw_only=True):
    """Identity of the caller: a user, or a token."""

    user: UserOut | None
    token: TokenUsedOut | None
    accounts: list[OwnAccountOut]


def shown_person(session: ValidSession, memberships: Sequence[Membership]) -> WhoOut:
    """Show a user who is signed in."""
    accounts = [
        OwnAccountOut(
            id=one.account.id,
            name=one.account.name,
            identifier=one.account.identifier,
            role=one.role,
            permissions=sorted(one.role.permissions),
        )
        for one in memberships
    ]
    return WhoOut(user=shown_user(session.user), token=None, accounts=accounts)


def shown_caller(caller: Caller, account_name: str) -> WhoOut:
    """Show a token."""
    account = OwnAccountOut(
        id=caller.account_id,
        name=account_name,
        identifier=caller.account_identifier,
        role=None,
        permissions=sorted(caller.permissions),
    )
    token = TokenUsedOut(id=caller.actor.id, name=caller.actor.name)
    return WhoOut(user=None, token=token, accounts=[account])


class SessionOut(Struct, kw_only=True):
    """A browser that is signed in."""

    id: int
    address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool


def shown_session(session: Session, current: ValidSession) -> SessionOut:
    """Show a session."""
    return SessionOut(
        id=session.id,
        address=session.address,
        user_agent=session.user_agent,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        expires_at=session.expires_at,
        is_current=session.id == current.session.id,
    )


class EndedOut(Struct, kw_only=True):
    """What is left of a session that was ended."""

    id: int


class OthersEndedOut(Struct, kw_only=True):
    """How many sessions were ended."""

    ended: int
