"""Links for those who forgot their password: asked for by anybody, mailed to users only.

Whether somebody is a user must not show: neither in the answer nor in how long it takes. So the
answer comes first, and the user is looked up behind it.
"""

from runhook.domain.people.callers import Actor, ActorKind
from runhook.domain.people.users import User, check_email
from runhook.operations.people.mail_links import mail_password_reset
from runhook.operations.people.new_passwords import begin_reset, reset_link, reset_password
from runhook.server.access.authentication import Connection, client_address
from runhook.server.access.signing_in import has_password, password_attempt
from runhook.server.access.throttle import Rationed
from runhook.server.services import Services
from runhook.telemetry.events import LINK_NOT_MAILED


def mails_links(services: Services) -> bool:
    """Whether links can be mailed: without a public URL it is not known where they lead."""
    is_possible = services.sender.sends_mail and services.public_url is not None
    return is_possible and bool(services.password_users)


def ask_for_link(connection: Connection, services: Services, email: str) -> None:
    """Let a link be mailed to the user with this e-mail address, if there is one.

    Raises:
        InvalidError: the e-mail address cannot be one.
        LimitedError: too many were asked for, from there or for this address.
    """
    email = check_email(email)
    address = client_address(connection)
    names = {Rationed.RESET_FROM: address or "", Rationed.RESET_FOR: email}
    services.throttle.admit(names, "Too many links were asked for")
    if has_password(services, email):
        services.errands.begin(mail_link(services, email, address))


async def mail_link(services: Services, email: str, address: str | None) -> None:
    """Make a link, and mail it."""
    assert services.public_url is not None
    somebody = Actor(kind=ActorKind.RUNHOOK, name="somebody not signed in", address=address)
    reset = await begin_reset(services.store, email, actor=somebody, clock=services.clock)
    if reset is None:
        return
    mailed = await mail_password_reset(
        services.sender,
        reset,
        reset_link(reset.secret, services.public_url),
        public_url=services.public_url,
        now=services.clock.now(),
    )
    if mailed.error:
        LINK_NOT_MAILED.say(user=reset.user.id, reason=mailed.error)


async def choose_password(
    connection: Connection, services: Services, secret: str, user: User, password: str
) -> None:
    """Replace a user's password by their link, in the turn of those whose password is checked.

    Raises:
        NotFoundError: the link was used or has expired.
        InvalidError: the password will not do.
        LimitedError: too many wait for their turn.
    """
    async with password_attempt(connection, services, user.email):
        await reset_password(
            services.store,
            secret,
            password,
            address=client_address(connection),
            passwords=services.passwords,
            clock=services.clock,
        )
