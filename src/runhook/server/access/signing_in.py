"""Passwords of sign-ins, by the API and by the pages alike.

A password is always verified, in its turn (see `turns`); a client that fails too often gets an
error that says so. A browser that has signed in before has a turn and a count of its own, so that
guesses of others do not keep a user out of their own browser.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from runhook.domain.errors import (
    ForbiddenError,
    InvalidError,
    UnauthorizedError,
    WrongPasswordError,
)
from runhook.domain.people.second_factors import CodeNeededError
from runhook.domain.people.users import LONGEST_EMAIL, SignInMethod, check_email
from runhook.operations.people.devices import known_device
from runhook.operations.people.identities import VouchedSignIn, sign_in_vouched
from runhook.operations.people.invite import Acceptance, accept, look_at_invitation, whom_it_is_for
from runhook.operations.people.new_passwords import change_password
from runhook.operations.people.sessions import WRONG, Begun
from runhook.operations.people.sign_in import sign_in
from runhook.server.access.authentication import Connection, browser_of, client_address
from runhook.server.access.cookies import DEVICE_COOKIE, cookie_in
from runhook.server.access.throttle import Rationed, counting_key
from runhook.server.access.turns import SignInAttempt
from runhook.server.http.heads import ASKED_BY_HEAD
from runhook.server.services import Services
from runhook.storage.people.sessions import ValidSession

INVITATION = re.compile(r"/invitations/([A-Za-z0-9_-]{1,100})")


async def begin_throttled(
    connection: Connection,
    services: Services,
    *,
    email: str,
    password: str,
    code: str | None = None,
) -> Begun:
    """Begin a session.

    Args:
        connection: where from.
        services: know users, and count what fails.
        email: the user's address.
        password: theirs.
        code: of their second factor, if it was asked for already.

    Raises:
        CodeAwaitedError: all is right, but there is no code.
        UnauthorizedError: the e-mail address or the password is not right.
        LimitedError: likewise, and too many attempts have failed, from there or for this e-mail
            address; or too many wait for their turn.
    """
    async with password_attempt(connection, services, email):
        if not has_password(services, email):
            # It takes as long: who has a password where others have none must not show.
            await services.passwords.check(password, None)
            raise UnauthorizedError(WRONG)
        return await sign_in(
            services.store,
            email=email,
            password=password,
            code=code,
            browser=browser_of(connection),
            passwords=services.passwords,
            clock=services.clock,
        )


async def begin_named(connection: Connection, services: Services, following: str) -> Begun | None:
    """Begin a session of who an authenticating proxy says is there; None if none says so.

    Raises:
        SignInRefusedError: it says so badly, or they have access to nothing here.
    """
    names = services.proxy_names
    identity = None if names is None else names.named(connection)
    if names is None or identity is None or ASKED_BY_HEAD in connection.scope["state"]:
        return None
    sign_in = VouchedSignIn(
        identity=identity,
        method=SignInMethod.PROXY,
        voucher="the proxy",
        invitation=invitation_at(following),
    )
    return await sign_in_vouched(
        services.store,
        sign_in,
        names.roles,
        browser=browser_of(connection),
        clock=services.clock,
    )


def invitation_at(path: str) -> str | None:
    """Secret of the invitation that a path leads to; None if it leads elsewhere."""
    invitation = INVITATION.fullmatch(path)
    return None if invitation is None else invitation[1]


async def accept_throttled(
    connection: Connection, services: Services, secret: str, answer: Acceptance
) -> Begun:
    """Accept an invitation.

    Raises:
        ForbiddenError: this user has to sign in in another way.
        LimitedError: the password is not right, and too many attempts have failed; or too many wait
            for their turn.
        RunhookError: all that `accept` raises.
    """
    invitation = await look_at_invitation(services.store, secret)
    email = whom_it_is_for(invitation, answer.email)
    if not has_password(services, email):
        raise ForbiddenError("Passwords are not used here. Sign in, and open the invitation again.")
    async with password_attempt(connection, services, email):
        return await accept(
            services.store,
            secret,
            answer,
            browser=browser_of(connection),
            passwords=services.passwords,
            clock=services.clock,
        )


def has_password(services: Services, email: str) -> bool:
    """Whether the user with this e-mail address, if there is one, may have a password."""
    try:
        return services.password_users.include(check_email(email))
    except InvalidError:
        return services.password_users.is_everybody


async def change_own_password(
    connection: Connection,
    services: Services,
    session: ValidSession,
    *,
    present: str,
    password: str,
) -> None:
    """Replace the password of the signed-in user.

    Raises:
        InvalidError: the present password is not right, or the new one will not do.
        LimitedError: the present password is not right, and too many attempts have failed.
        UnauthorizedError: the session has ended.
    """
    try:
        async with password_attempt(connection, services, session.user.email, session):
            await change_password(
                services.store,
                session,
                present=present,
                password=password,
                address=client_address(connection),
                passwords=services.passwords,
                clock=services.clock,
            )
    except WrongPasswordError as error:
        raise InvalidError(error.message, field="current_password") from None


@asynccontextmanager
async def password_attempt(
    connection: Connection, services: Services, email: str, session: ValidSession | None = None
) -> AsyncIterator[None]:
    """Wait for the turn of an attempt with a password, and count it if it fails.

    Args:
        connection: where it comes from.
        services: count it.
        email: the user's address.
        session: theirs, if they are signed in.

    Raises:
        LimitedError: it failed, as too many did before it; or too many wait for their turn.
    """
    with suppress(InvalidError):
        email = check_email(email)
    email = email[:LONGEST_EMAIL]
    address = counting_key(client_address(connection) or "")
    attempt = SignInAttempt(place=address, email=email)
    names: Mapping[Rationed, str] = {Rationed.SIGN_IN_FROM: address, Rationed.SIGN_IN_AS: email}
    device = await device_of(connection, services, email, session)
    if device is not None and not services.throttle.is_over(Rationed.SIGN_IN_BY, device):
        attempt = SignInAttempt(place=device, email=email, is_known=True)
        names = {Rationed.SIGN_IN_BY: device}
    async with services.turns.turn(attempt):
        try:
            yield
        except UnauthorizedError as error:
            if isinstance(error, CodeNeededError):
                raise
            services.refusals.sign_in.say(answer=error.message, client=client_address(connection))
            raise services.throttle.refusal(error, names) from None


async def device_of(
    connection: Connection, services: Services, email: str, session: ValidSession | None
) -> str | None:
    """Name of a browser that is or was signed in with an e-mail address; None if unknown."""
    if session is not None:
        return f"session {session.session.id}"
    shown = cookie_in(connection, services.public_url, DEVICE_COOKIE)
    device = await known_device(services.store, shown, email)
    return device and f"device {device}"
