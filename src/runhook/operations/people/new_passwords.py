"""Changed passwords: by the signed-in user, by a link, or by an operator.

A link is made for a user who forgot theirs, and works once.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from runhook.clock import Clock
from runhook.domain.errors import InvalidError, NotFoundError, WrongPasswordError
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.people.callers import COMMAND_LINE, Actor
from runhook.domain.people.users import (
    MOST_OPEN_RESETS,
    RESET_LIFETIME,
    User,
    check_email,
    check_new_password,
)
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.people.audit import note_change
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.permitted import still_signed_in
from runhook.operations.people.sessions import actor_of
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.password_resets import (
    count_password_resets,
    delete_password_resets,
    find_user_by_reset,
    insert_password_reset,
)
from runhook.storage.people.sessions import ValidSession, delete_other_sessions
from runhook.storage.people.users import (
    KnownUser,
    find_user_by_email,
    lock_user,
    memberships_of,
)
from runhook.storage.people.users import update_user as write_user

CLOSED = "This link was used, or has expired; ask for another one."


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReset:
    """A user who may choose another password."""

    user: User
    expires_at: datetime
    secret: str
    """Of the link, known this once."""

    def __repr__(self) -> str:
        return f"PasswordReset({self.user.id})"


@repeats_contended
async def change_password(
    store: Store,
    session: ValidSession,
    *,
    present: str,
    password: str,
    address: str | None,
    passwords: Passwords,
    clock: Clock,
) -> None:
    """Change the password of the signed-in user, and end all their sessions but this one.

    Args:
        store: where it is kept.
        session: theirs, which goes on.
        present: the password until now.
        password: the new one.
        address: the IP address that the request came from, for the audit log.
        passwords: makes and checks hashes.
        clock: dates it.

    Raises:
        WrongPasswordError: ``present`` is not the password until now.
        UnauthorizedError: the session has ended.
        InvalidError: the new one will not do.
    """
    check_new_password(password)
    async with store.read() as tx:
        known = await find_user_by_email(tx, session.user.email)
    if known is None or not await passwords.check(present, known.password_hash):
        raise WrongPasswordError
    if present == password:
        raise InvalidError("give another one than the present one", field="password")
    hashed = await passwords.hash(password)
    actor, now = actor_of(session.user, address), clock.now()
    async with store.write() as tx:
        locked = await lock_user(tx, session.user.id)
        await still_signed_in(tx, session)
        if locked is None or locked.password_hash != known.password_hash:
            raise WrongPasswordError
        await write_password(
            tx, locked, hashed, actor=actor, now=now, kept_session=session.session.id
        )


@repeats_contended
async def replace_password(
    store: Store, email: str, password: str, *, passwords: Passwords, clock: Clock
) -> None:
    """Give a user who forgot theirs another password, by command.

    Raises:
        NotFoundError: no user has this e-mail address.
        InvalidError: the password will not do.
    """
    hashed = await passwords.hash(check_new_password(password))
    now = clock.now()
    async with store.write() as tx:
        found = await find_user_by_email(tx, check_email(email))
        known = None if found is None else await lock_user(tx, found.user.id)
        if known is None:
            raise NotFoundError(f"There is no user {email}.")
        await write_password(tx, known, hashed, actor=COMMAND_LINE, now=now)


@repeats_contended
async def begin_reset(
    store: Store, email: str, *, actor: Actor, clock: Clock, most_open: int = MOST_OPEN_RESETS
) -> PasswordReset | None:
    """Make a link for the user with this e-mail address.

    Args:
        store: where users are known.
        email: may be anybody's.
        actor: who asks.
        clock: dates it.
        most_open: with so many links that work, the user gets no further one.

    Returns:
        None if there is no such user, or if they have enough links.

    Raises:
        InvalidError: the e-mail address cannot be one.
    """
    async with store.read() as tx:
        found = await find_user_by_email(tx, check_email(email))
    if found is None:
        # A request for a made-up address must not hold up the writer.
        return None
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    expires_at = now + RESET_LIFETIME
    async with store.write() as tx:
        known = await lock_user(tx, found.user.id)
        if known is None or await count_password_resets(tx, known.user.id) >= most_open:
            return None
        await insert_password_reset(
            tx, known.user.id, digest=token_digest(secret), now=now, expires_at=expires_at
        )
        facts = {"email": known.user.email, "expires_at": expires_at.isoformat()}
        await note_of_user(tx, known.user, actor, AuditAction.PASSWORD_RESET_BEGUN, facts, now=now)
    return PasswordReset(user=known.user, expires_at=expires_at, secret=secret)


def reset_link(secret: str, base: str) -> str:
    """Link of a reset; ``base`` is where people reach the service."""
    return f"{base}/new-password/{secret}"


async def look_at_reset(store: Store, secret: str) -> User:
    """Find the user whose link this is.

    Raises:
        NotFoundError: it was used or has expired, or never was.
    """
    async with store.read() as tx:
        user = await find_user_by_reset(tx, token_digest(secret))
    if user is None:
        raise NotFoundError(CLOSED)
    return user


@repeats_contended
async def reset_password(
    store: Store,
    secret: str,
    password: str,
    *,
    address: str | None,
    passwords: Passwords,
    clock: Clock,
) -> None:
    """Give a user another password by their link; their sessions and other links end.

    Raises:
        NotFoundError: the link was used or has expired, or never was.
        InvalidError: the password will not do.
    """
    check_new_password(password)
    user = await look_at_reset(store, secret)
    hashed = await passwords.hash(password)
    now = clock.now()
    async with store.write() as tx:
        known = await lock_user(tx, user.id)
        # Of two who use it at once, the second one finds it gone.
        if known is None or await find_user_by_reset(tx, token_digest(secret)) is None:
            raise NotFoundError(CLOSED)
        await write_password(tx, known, hashed, actor=actor_of(user, address), now=now)


async def write_password(
    tx: Transaction,
    known: KnownUser,
    hashed: str,
    *,
    actor: Actor,
    now: datetime,
    kept_session: int | None = None,
) -> None:
    """Give a user, who is locked, another password; their links end, and so do their sessions.

    Args:
        tx: where to.
        known: the user.
        hashed: the new password's hash.
        actor: who changes it.
        now: when.
        kept_session: the one that goes on, if any.
    """
    user = known.user
    await write_user(tx, replace(known, password_hash=hashed))
    await delete_password_resets(tx, user.id)
    await delete_other_sessions(tx, user.id, kept_session)
    await note_of_user(
        tx, user, actor, AuditAction.PASSWORD_CHANGED, {"email": user.email}, now=now
    )


async def note_of_user(
    tx: Transaction, user: User, actor: Actor, action: AuditAction, facts: Facts, *, now: datetime
) -> None:
    """Note in the logs of all of a user's accounts what was done to the user."""
    for one in await memberships_of(tx, user.id):
        await note_change(
            tx, one.account.id, actor, action, str(user.id), before=None, after=facts, now=now
        )
