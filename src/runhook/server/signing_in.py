"""What asks for a password, by the API and by the pages alike: not too often."""

from runhook.domain.errors import InvalidError, UnauthorizedError
from runhook.operations.invite import Answer, accept, look_at_invitation, whom_it_is_for
from runhook.operations.people import change_password
from runhook.operations.sessions import Begun, sign_in
from runhook.server.authentication import Connection, address_of, browser_of
from runhook.server.services import Services
from runhook.server.throttle import sign_in_of
from runhook.storage.sessions import ValidSession


async def begin_throttled(
    connection: Connection, services: Services, *, email: str, password: str
) -> Begun:
    """Begin a session, unless too many attempts have failed.

    Raises:
        UnauthorizedError: the e-mail address or the password is not right.
        LimitedError: too many attempts have failed, from there or for this e-mail address.
    """
    with services.throttle.attempt(sign_in_of(address_of(connection), email)):
        return await sign_in(
            services.store,
            email=email,
            password=password,
            browser=browser_of(connection),
            passwords=services.passwords,
            clock=services.clock,
        )


async def accept_throttled(
    connection: Connection, services: Services, secret: str, answer: Answer
) -> Begun:
    """Accept an invitation, unless too many attempts have failed.

    Raises:
        LimitedError: too many attempts have failed, from there or for this e-mail address.
        RunhookError: all that `accept` raises.
    """
    invitation = await look_at_invitation(services.store, secret)
    email = whom_it_is_for(invitation, answer.email)
    with services.throttle.attempt(sign_in_of(address_of(connection), email)):
        return await accept(
            services.store,
            secret,
            answer,
            browser=browser_of(connection),
            passwords=services.passwords,
            clock=services.clock,
        )


async def replace_password(
    connection: Connection,
    services: Services,
    session: ValidSession,
    *,
    present: str,
    password: str,
) -> None:
    """Replace the password of who is signed in, unless too many attempts have failed.

    Raises:
        InvalidError: the present password is not right, or the new one will not do.
        LimitedError: too many attempts have failed.
    """
    try:
        with services.throttle.attempt(sign_in_of(address_of(connection), session.user.email)):
            await change_password(
                services.store,
                session.user,
                present=present,
                password=password,
                kept_session=session.session.id,
                passwords=services.passwords,
            )
    except UnauthorizedError as error:
        raise InvalidError(error.message, field="current_password") from None
