"""Signing in with a password, and with a code after it where the user has a second factor."""

import hmac
from dataclasses import replace
from datetime import datetime

from runhook.clock import Clock
from runhook.domain.errors import RunhookError, UnauthorizedError
from runhook.domain.people.second_factors import CodeNeededError
from runhook.domain.people.users import User, UserId
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.second_factors import has_second_factor, refusal_at_sign_in
from runhook.operations.people.sessions import (
    WRONG,
    Begun,
    Browser,
    begin_session,
    find_by_password,
)
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.sessions import delete_expired_sessions
from runhook.storage.people.users import KnownUser, lock_user
from runhook.storage.people.users import update_user as write_user


class CodeAwaitedError(CodeNeededError):
    """The password is right, and the code is missing.

    Args:
        user_id: whose password it is.
        fingerprint: changes with the password.
    """

    def __init__(self, user_id: UserId, fingerprint: str) -> None:
        super().__init__(CodeNeededError.__doc__)
        self.user_id = user_id
        self.fingerprint = fingerprint


@repeats_contended
async def sign_in(
    store: Store,
    *,
    email: str,
    password: str,
    code: str | None = None,
    browser: Browser,
    passwords: Passwords,
    clock: Clock,
) -> Begun:
    """Begin a session of the user with this e-mail address and password.

    Args:
        store: where users are known.
        email: as it was typed.
        password: likewise.
        code: of their app, or a recovery code; looked at if they have a second factor.
        browser: where they sign in.
        passwords: checks the password.
        clock: dates the session.

    Raises:
        UnauthorizedError: the address or the password is not right; that takes as long whichever it
            is.
        CodeAwaitedError: both are, and there is no code.
        WrongCodeError: both are, and the code is not.
        LimitedError: likewise, too often.
    """
    known = await find_by_password(store, email, password, passwords)
    new_hash = None
    if known.password_hash is not None and passwords.is_outdated(known.password_hash):
        new_hash = await passwords.hash(password)
    async with store.write() as tx:
        locked = await lock_user(tx, known.user.id)
        if locked is None or locked.password_hash != known.password_hash:
            # The password was changed in the meantime.
            raise UnauthorizedError(WRONG)
        if new_hash is not None:
            locked = replace(locked, password_hash=new_hash)
            await write_user(tx, locked)
        answer = await after_password(tx, locked, code, browser, now=clock.now())
    if isinstance(answer, RunhookError):
        raise answer
    return answer


@repeats_contended
async def sign_in_with_code(
    store: Store, user_id: UserId, fingerprint: str, code: str, *, browser: Browser, clock: Clock
) -> Begun:
    """Begin a session of a user whose password was right a moment ago.

    Args:
        store: where users are known.
        user_id: whose.
        fingerprint: of the password, as ``CodeAwaitedError`` has it.
        code: of their app, or a recovery code.
        browser: where they sign in.
        clock: dates the session.

    Raises:
        UnauthorizedError: the password was changed in the meantime.
        WrongCodeError: the code is not right.
        LimitedError: too many were not.
    """
    async with store.write() as tx:
        locked = await lock_user(tx, user_id)
        if locked is None or not hmac.compare_digest(fingerprint_of(locked), fingerprint):
            raise UnauthorizedError(WRONG)
        answer = await after_password(tx, locked, code, browser, now=clock.now())
    if isinstance(answer, RunhookError):
        raise answer
    return answer


async def after_password(
    tx: Transaction, known: KnownUser, code: str | None, browser: Browser, *, now: datetime
) -> Begun | RunhookError:
    """Begin the session of a user, who is locked; or return why not, so that it is counted."""
    user: User = known.user
    if await has_second_factor(tx, user):
        if code is None:
            return CodeAwaitedError(user.id, fingerprint_of(known))
        refusal = await refusal_at_sign_in(tx, user, code, address=browser.address, now=now)
        if refusal is not None:
            return refusal
    await delete_expired_sessions(tx, user.id)
    return await begin_session(tx, user, browser, now=now)


def fingerprint_of(known: KnownUser) -> str:
    """Text that changes with a user's password."""
    return token_digest(known.password_hash or "")
