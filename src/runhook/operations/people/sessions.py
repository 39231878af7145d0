"""Sessions: begun by signing in, used, and ended."""

import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.clock import Clock
from runhook.domain.errors import (
    InvalidError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
)
from runhook.domain.people.callers import Actor, ActorKind, Caller
from runhook.domain.people.permissions import Role
from runhook.domain.people.second_factors import SecondFactorNeededError
from runhook.domain.people.users import SignInMethod, User, check_email, session_end
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.signature import Secret
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.devices import new_device
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.permitted import still_signed_in
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.sessions import (
    ValidSession,
    delete_other_sessions,
    delete_session,
    find_valid_session,
    insert_session,
    note_session_use,
)
from runhook.storage.people.users import KnownUser, find_membership, find_user_by_email, lock_user

LAST_SEEN_PRECISION = timedelta(minutes=1)
"""When a session was last used is written no more often than this."""
USER_AGENT_LIMIT = 300
WRONG = "The e-mail address or the password is not right."
"""Which one it is would tell who has a user here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """What somebody signs in with, as it says of itself."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session, with the text that its cookie holds."""

    found: ValidSession
    text: str
    device: str
    """What the browser is known by the next time: see `devices`."""

    def __repr__(self) -> str:
        return f"Begun({self.found.session.id})"


async def find_by_password(
    store: Store, email: str, password: str, passwords: Passwords
) -> KnownUser:
    """Find the user with this e-mail address and password.

    Raises:
        UnauthorizedError: one of the two is not right.
    """
    known = None
    with suppress(InvalidError):
        async with store.read() as tx:
            known = await find_user_by_email(tx, check_email(email))
    is_right = await passwords.check(password, known.password_hash if known else None)
    if known is None or not is_right:
        raise UnauthorizedError(WRONG)
    return known


async def begin_session(
    tx: Transaction,
    user: User,
    browser: Browser,
    *,
    now: datetime,
    method: SignInMethod = SignInMethod.PASSWORD,
    id_token: str | None = None,
) -> Begun:
    """Begin a session, without asking for a password.

    Args:
        tx: where to.
        user: whose.
        browser: where they have signed in.
        now: when.
        method: how.
        id_token: what a provider told them by; kept encrypted.
    """
    text = secrets.token_urlsafe(32)
    session = await insert_session(
        tx,
        user.id,
        digest=token_digest(text),
        method=method,
        id_token=None if id_token is None else tx.vault.encrypt(Secret(id_token)),
        address=browser.address or "",
        user_agent=without_control_characters(browser.user_agent)[:USER_AGENT_LIMIT],
        now=now,
        expires_at=session_end(now, now, method),
    )
    return Begun(ValidSession(session, user), text, new_device(tx.vault, user.email))


def without_control_characters(text: str) -> str:
    """Remove characters that cannot be shown, such as line breaks."""
    return "".join(letter for letter in text if letter.isprintable())


async def resume(store: Store, text: str, *, clock: Clock, issuer: str = "") -> ValidSession:
    """Find the session of a cookie, and note that it is used.

    Args:
        store: where sessions are known.
        text: what the cookie holds.
        clock: dates its use.
        issuer: the provider that people sign in by; empty for none.

    Raises:
        UnauthorizedError: it has ended, or never was.
    """
    async with store.read() as tx:
        found = await find_valid_session(tx, token_digest(text), issuer)
    if found is None:
        raise UnauthorizedError
    now = clock.now()
    if now - found.session.last_seen_at >= LAST_SEEN_PRECISION:
        # A database that takes no writes just now can still answer who this is.
        with suppress(UnavailableError):
            async with store.write() as tx:
                await note_session_use(
                    tx,
                    found.session.id,
                    now=now,
                    at_least=LAST_SEEN_PRECISION,
                    expires_at=session_end(found.session.created_at, now, found.session.method),
                )
    return found


async def caller_in(
    store: Store,
    account_id: AccountId,
    session: ValidSession,
    *,
    address: str | None,
    guarded: Collection[Role] = (),
) -> Caller:
    """The caller that a signed-in user is in an account.

    Args:
        store: where users are known.
        account_id: the account.
        session: theirs.
        address: the IP address that the request came from.
        guarded: roles for which a password alone does not do.

    Raises:
        NotFoundError: they are no member, or there is no such account.
        SecondFactorNeededError: their role needs a second factor, and they have none.
    """
    async with store.read() as tx:
        membership = await find_membership(tx, account_id, session.user.id)
    if membership is None:
        raise NotFoundError
    is_by_password = session.session.method is SignInMethod.PASSWORD
    if membership.role in guarded and is_by_password and not session.has_second_factor:
        raise SecondFactorNeededError
    return Caller(
        account_id=account_id,
        account_identifier=membership.account.identifier,
        actor=actor_of(session.user, address),
        permissions=membership.role.permissions,
        authority=membership.role,
        session_id=session.session.id,
    )


def actor_of(user: User, address: str | None) -> Actor:
    """A user as the audit log shows them."""
    return Actor(kind=ActorKind.USER, id=user.id, name=user.email, address=address)


@repeats_contended
async def end_session(store: Store, session: ValidSession, session_id: int) -> None:
    """End one session of the signed-in user, from the next request on.

    Raises:
        UnauthorizedError: their own has ended.
        NotFoundError: the user has no such session.
    """
    async with store.write() as tx:
        await lock_user(tx, session.user.id)
        await still_signed_in(tx, session)
        if not await delete_session(tx, session.user.id, session_id):
            raise NotFoundError(f"You have no session {session_id}.")


@repeats_contended
async def end_other_sessions(store: Store, session: ValidSession) -> int:
    """End all sessions of the signed-in user but this one; return how many.

    Raises:
        UnauthorizedError: it has ended.
    """
    async with store.write() as tx:
        await lock_user(tx, session.user.id)
        await still_signed_in(tx, session)
        return await delete_other_sessions(tx, session.user.id, session.session.id)
