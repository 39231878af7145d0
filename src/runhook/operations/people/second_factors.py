"""Second factors of users with passwords: set up, checked, renewed and removed."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.fernet import InvalidToken

from runhook.clock import Clock
from runhook.domain.errors import (
    ConflictError,
    NotFoundError,
    RunhookError,
    UnauthorizedError,
    WrongPasswordError,
)
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import COMMAND_LINE, Actor
from runhook.domain.people.second_factors import (
    MOST_FAILURES,
    RECOVERY_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    TooManyCodesError,
    WrongCodeError,
    address_for_apps,
    failures_in_window,
    recovery_code,
    recovery_digest,
    secret_text,
    step_of,
)
from runhook.domain.people.users import User, check_email
from runhook.domain.webhooks.signature import Secret
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.people.new_passwords import note_of_user
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.permitted import still_signed_in
from runhook.operations.people.sessions import actor_of, find_by_password
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.second_factors import (
    SecondFactor,
    count_recovery_codes,
    delete_second_factor,
    find_second_factor,
    replace_recovery_codes,
    update_second_factor,
    use_recovery_code,
    write_second_factor,
)
from runhook.storage.people.sessions import ValidSession, delete_other_sessions
from runhook.storage.people.users import find_user_by_email, lock_user

SERVICE = "Runhook"
"""Name under which apps show the secret."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor that waits for its first code, to be shown to its owner."""

    secret: str
    address: str
    """What the picture for apps says."""

    def __repr__(self) -> str:
        return "Enrolment(...)"


@dataclass(frozen=True, slots=True)
class FactorStanding:
    """State of a user's second factor."""

    enrolment: Enrolment | None
    """Set while the app has not given its first code."""
    confirmed_at: datetime | None
    recovery_codes: int
    """How many are left."""


async def look_at_second_factor(store: Store, user: User) -> FactorStanding:
    """Read the state of a user's second factor."""
    async with store.read() as tx:
        factor = await find_second_factor(tx, user.id)
        if factor is None:
            return FactorStanding(None, None, 0)
        if factor.confirmed_at is not None:
            return FactorStanding(
                None, factor.confirmed_at, await count_recovery_codes(tx, user.id)
            )
        secret = secret_of(tx, factor)
    if secret is None:
        return FactorStanding(None, None, 0)
    enrolment = Enrolment(secret_text(secret), address_for_apps(secret, user.email, SERVICE))
    return FactorStanding(enrolment, None, 0)


@repeats_contended
async def begin_enrolment(store: Store, session: ValidSession, *, clock: Clock) -> None:
    """Make a secret for the signed-in user's app; it is in force after the app's first code.

    Raises:
        UnauthorizedError: the session has ended.
        ConflictError: there is a second factor.
    """
    async with store.write() as tx:
        factor = await own_factor(tx, session)
        if factor is not None and factor.confirmed_at is not None:
            raise ConflictError("You have a second factor; turn that off first.")
        secret = secrets.token_bytes(SECRET_BYTES)
        await write_second_factor(
            tx,
            SecondFactor(
                user_id=session.user.id,
                sealed=tx.vault.encrypt(Secret(secret.hex())),
                created_at=clock.now(),
                confirmed_at=None,
                last_step=0,
                failures=0,
                failing_since=None,
            ),
        )


@repeats_contended
async def confirm_enrolment(
    store: Store, session: ValidSession, code: str, *, address: str | None, clock: Clock
) -> list[str]:
    """Put the signed-in user's second factor in force; end their other sessions.

    Returns:
        their recovery codes, this once.

    Raises:
        WrongCodeError: the code is not one of the app's.
        LimitedError: too many were wrong.
        NotFoundError: nothing waits for a code.
        UnauthorizedError: the session has ended.
    """
    now = clock.now()
    async with store.write() as tx:
        factor = await own_factor(tx, session)
        if factor is None or factor.confirmed_at is not None:
            raise NotFoundError("There is no second factor that waits for its first code.")
        refusal = await refusal_of_code(tx, factor, code, now=now, may_recover=False)
        if refusal is None:
            used = await find_second_factor(tx, session.user.id)
            assert used is not None
            await update_second_factor(tx, replace(used, confirmed_at=now))
            codes = await new_recovery_codes(tx, session.user)
            await delete_other_sessions(tx, session.user.id, session.session.id)
            await note(tx, session.user, AuditAction.SECOND_FACTOR_ADDED, address, now=now)
            return codes
    raise refusal


@repeats_contended
async def renew_recovery_codes(
    store: Store, session: ValidSession, code: str, *, address: str | None, clock: Clock
) -> list[str]:
    """Replace the signed-in user's recovery codes; return the new ones, this once.

    Raises:
        WrongCodeError: the code is not one of the app's.
        LimitedError: too many were wrong.
        NotFoundError: there is no second factor.
        UnauthorizedError: the session has ended.
    """
    now = clock.now()
    async with store.write() as tx:
        factor = confirmed(await own_factor(tx, session))
        refusal = await refusal_of_code(tx, factor, code, now=now, may_recover=False)
        if refusal is None:
            await note(tx, session.user, AuditAction.RECOVERY_CODES_RENEWED, address, now=now)
            return await new_recovery_codes(tx, session.user)
    raise refusal


@repeats_contended
async def remove_second_factor(
    store: Store,
    session: ValidSession,
    *,
    password: str,
    code: str,
    address: str | None,
    passwords: Passwords,
    clock: Clock,
) -> None:
    """Remove the signed-in user's second factor; end their other sessions.

    Raises:
        WrongPasswordError: the password is not right.
        UnauthorizedError: the session has ended.
        WrongCodeError: the code is neither one of the app's nor a recovery code.
        LimitedError: too many were wrong.
        NotFoundError: there is no second factor.
    """
    try:
        known = await find_by_password(store, session.user.email, password, passwords)
    except UnauthorizedError:
        raise WrongPasswordError from None
    now = clock.now()
    async with store.write() as tx:
        factor = confirmed(await own_factor(tx, session))
        locked = await lock_user(tx, session.user.id)
        if locked is None or locked.password_hash != known.password_hash:
            raise WrongPasswordError
        refusal = await refusal_of_code(tx, factor, code, now=now)
        if refusal is None:
            await take_away(tx, session.user, actor_of(session.user, address), now=now)
            await delete_other_sessions(tx, session.user.id, session.session.id)
            return
    raise refusal


@repeats_contended
async def reset_second_factor(store: Store, email: str, *, clock: Clock) -> None:
    """Remove a user's second factor by command; end their sessions.

    Raises:
        InvalidError: the e-mail address cannot be one.
        NotFoundError: no user has it, or they have no second factor.
    """
    now = clock.now()
    async with store.write() as tx:
        found = await find_user_by_email(tx, check_email(email))
        known = None if found is None else await lock_user(tx, found.user.id)
        if known is None:
            raise NotFoundError(f"There is no user {email}.")
        if not await has_second_factor(tx, known.user):
            raise NotFoundError(f"{known.user.email} has no second factor.")
        await take_away(tx, known.user, COMMAND_LINE, now=now)
        await delete_other_sessions(tx, known.user.id, None)


async def has_second_factor(tx: Transaction, user: User) -> bool:
    """Whether a user has to give a code after their password."""
    factor = await find_second_factor(tx, user.id)
    return factor is not None and factor.confirmed_at is not None


async def refusal_at_sign_in(
    tx: Transaction, user: User, code: str, *, address: str | None, now: datetime
) -> RunhookError | None:
    """Why a locked user's code does not let them in; None if it does."""
    factor = confirmed(await find_second_factor(tx, user.id))
    before = await count_recovery_codes(tx, user.id)
    refusal = await refusal_of_code(tx, factor, code, now=now)
    if refusal is None and await count_recovery_codes(tx, user.id) < before:
        await note(tx, user, AuditAction.RECOVERY_CODE_USED, address, now=now)
    return refusal


async def refusal_of_code(
    tx: Transaction, factor: SecondFactor, code: str, *, now: datetime, may_recover: bool = True
) -> RunhookError | None:
    """Use a code up; or count a wrong one, and return the error, so that the count is committed.

    Args:
        tx: where the user is locked.
        factor: their second factor.
        code: as it was typed.
        now: the present moment.
        may_recover: whether a recovery code is accepted, too.
    """
    failures = failures_in_window(factor.failures, factor.failing_since, now)
    if failures >= MOST_FAILURES:
        return TooManyCodesError()
    secret = secret_of(tx, factor) or secrets.token_bytes(SECRET_BYTES)
    step = step_of(code, secret, now, after=factor.last_step)
    digest = recovery_digest(code) if may_recover and step is None else None
    if step is not None:
        factor = replace(factor, last_step=step)
    elif digest is None or not await use_recovery_code(tx, factor.user_id, digest):
        since = factor.failing_since if failures else now
        failed = replace(factor, failures=failures + 1, failing_since=since)
        await update_second_factor(tx, failed)
        return WrongCodeError()
    await update_second_factor(tx, replace(factor, failures=0, failing_since=None))
    return None


def secret_of(tx: Transaction, factor: SecondFactor) -> bytes | None:
    """Decrypt an app's secret; None if its master key is lost."""
    try:
        return bytes.fromhex(tx.vault.decrypt(factor.sealed).reveal())
    except InvalidToken:
        return None


async def own_factor(tx: Transaction, session: ValidSession) -> SecondFactor | None:
    """Lock the signed-in user, and find their second factor.

    Raises:
        UnauthorizedError: the session has ended.
    """
    await lock_user(tx, session.user.id)
    await still_signed_in(tx, session)
    return await find_second_factor(tx, session.user.id)


def confirmed(factor: SecondFactor | None) -> SecondFactor:
    """A second factor that is in force.

    Raises:
        NotFoundError: there is none.
    """
    if factor is None or factor.confirmed_at is None:
        raise NotFoundError("There is no second factor.")
    return factor


async def new_recovery_codes(tx: Transaction, user: User) -> list[str]:
    """Replace a locked user's recovery codes."""
    codes = [recovery_code(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    digests = [recovery_digest(code) for code in codes]
    await replace_recovery_codes(tx, user.id, [one for one in digests if one is not None])
    return codes


async def take_away(tx: Transaction, user: User, actor: Actor, *, now: datetime) -> None:
    """Delete a locked user's second factor and its recovery codes."""
    await delete_second_factor(tx, user.id)
    await replace_recovery_codes(tx, user.id, [])
    action = AuditAction.SECOND_FACTOR_REMOVED
    await note_of_user(tx, user, actor, action, {"email": user.email}, now=now)


async def note(
    tx: Transaction, user: User, action: AuditAction, address: str | None, *, now: datetime
) -> None:
    """Note what a user has done with their second factor."""
    await note_of_user(tx, user, actor_of(user, address), action, {"email": user.email}, now=now)
