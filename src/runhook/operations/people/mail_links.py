"""Links that only one person should have, mailed to them: invitations, and to new passwords."""

from dataclasses import dataclass
from datetime import datetime

from runhook.domain.errors import InvalidError
from runhook.domain.formats.format import LETTER
from runhook.domain.messages.letters import (
    Letter,
    host_of_letters,
    html_link,
    html_page,
    html_value,
    letter_bytes,
)
from runhook.domain.messages.mailboxes import check_address, mailto
from runhook.domain.messages.message import moment
from runhook.domain.messages.text import fit, one_line
from runhook.domain.people.permissions import Role
from runhook.domain.runs.run import AccountId
from runhook.operations.context import Context
from runhook.operations.people.invite import invite, link_of
from runhook.operations.people.new_passwords import PasswordReset
from runhook.outbound.sender import Request, Sender
from runhook.storage.people.invitations import Invitation

NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Mailed:
    """To whom a link was mailed, or why it could not be."""

    address: str
    error: str = ""
    """Empty if the mail server took it."""

    @property
    def sentence(self) -> str:
        """Outcome, for the terminal."""
        return f"Not mailed: {self.error}" if self.error else f"Mailed to {self.address}."


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation, with its link, which is known this once."""

    invitation: Invitation
    link: str
    mailed: Mailed | None
    """None if the link was not to be mailed."""

    def __repr__(self) -> str:
        return f"Invited({self.invitation.id})"


async def invite_by_mail(
    context: Context,
    sender: Sender,
    account_id: AccountId,
    role: Role,
    *,
    email: str | None,
    base: str,
    public_url: str | None,
) -> Invited:
    """Invite a person, and mail the link where that is possible.

    Args:
        context: who invites.
        sender: mails the link.
        account_id: the account.
        role: the new member's role.
        email: the person's address; None: anyone who opens the link.
        base: where the person who invites reaches the service.
        public_url: where all people reach the service; None if not configured.

    Raises:
        RunhookError: all that `invite` raises.
    """
    invitation, secret = await invite(context, account_id, role, email=email)
    link = link_of(secret, base)
    mailed = await mail_invitation(
        sender, invitation, link, public_url=public_url, now=context.clock.now()
    )
    return Invited(invitation, link, mailed)


async def mail_invitation(
    sender: Sender, invitation: Invitation, link: str, *, public_url: str | None, now: datetime
) -> Mailed | None:
    """Mail an invitation's link, once; None if it is for anyone, or there is no mail server.

    Without a public URL the link has the host that the inviting browser named, which is good
    enough for that browser, and not for mail to somebody else.
    """
    if invitation.email is None or public_url is None or not sender.sends_mail:
        return None
    account, inviter = (
        fit(one_line(one), NAME_CHARACTERS)
        for one in (invitation.account_name, invitation.created_by)
    )
    told = LinkLetter(
        id=f"invitation-{invitation.id}-{now:%Y%m%d%H%M%S}",
        subject=f"Invitation to {account} on Runhook",
        why=f"{inviter} invites you to the account {account} on Runhook, as {invitation.role}.",
        title="Accept the invitation",
        link=link,
        expires_at=invitation.expires_at,
    )
    return await mail(sender, invitation.email, told, public_url=public_url, now=now)


async def mail_password_reset(
    sender: Sender, reset: PasswordReset, link: str, *, public_url: str, now: datetime
) -> Mailed:
    """Mail a user's link to a new password, once."""
    told = LinkLetter(
        id=f"new-password-{reset.user.id}-{now:%Y%m%d%H%M%S%f}",
        subject="A new password for Runhook",
        why="Somebody, probably you, asked for a new password on Runhook.",
        title="Choose a new password",
        link=link,
        expires_at=reset.expires_at,
    )
    return await mail(sender, reset.user.email, told, public_url=public_url, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLetter:
    """What a letter with a link says."""

    id: str
    subject: str
    why: str
    title: str
    """Of the link."""
    link: str
    expires_at: datetime


async def mail(
    sender: Sender, email: str, told: LinkLetter, *, public_url: str, now: datetime
) -> Mailed:
    """Mail a link to an address, which need not be one that mail can be sent to."""
    try:
        address = check_address(email)
    except InvalidError as error:
        return Mailed(email, f"No mail can be sent: {error.message}.")
    letter = letter_of(told, address, public_url=public_url, now=now)
    request = Request(url=mailto([address]), headers={"Content-Type": LETTER}, body=letter)
    outcome = await sender.send(request, is_test=True)
    return Mailed(address, outcome.error)


def letter_of(told: LinkLetter, address: str, *, public_url: str, now: datetime) -> bytes:
    """The letter with a link."""
    until = f"The link works once, until {moment(told.expires_at)}."
    ignore = "If you did not expect this, ignore it."
    text = f"{told.why}\n\n{told.title}:\n{told.link}\n\n{until}\n{ignore}\n"
    body = f"<p>{html_value(told.why)}</p>\n<p>{html_link(told.title, told.link)}</p>\n"
    return letter_bytes(
        Letter(
            id=told.id,
            host=host_of_letters(public_url),
            to=[address],
            subject=told.subject,
            text=text,
            html=html_page(told.subject, f"{body}<p>{until} {ignore}</p>"),
            date=now,
        )
    )
