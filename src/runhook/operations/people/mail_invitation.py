"""Mail an invitation's link to the person whom it is for, where the service sends mail."""

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
from runhook.outbound.sender import Request, Sender
from runhook.storage.people.invitations import Invitation

NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Mailed:
    """To whom an invitation was mailed, or why it could not be."""

    address: str
    error: str = ""
    """Empty if the mail server took it."""


async def mail_invitation(
    sender: Sender, invitation: Invitation, link: str, *, public_url: str | None, now: datetime
) -> Mailed | None:
    """Mail a link, once; None if it is for anyone, or there is no mail server.

    Without a public URL the link has the host that the inviting browser named, which is good
    enough for that browser, and not for mail to somebody else.
    """
    if invitation.email is None or public_url is None or not sender.sends_mail:
        return None
    try:
        address = check_address(invitation.email)
    except InvalidError as error:
        return Mailed(invitation.email, f"No mail can be sent: {error.message}.")
    letter = letter_of(invitation, link, address, public_url=public_url, now=now)
    request = Request(url=mailto([address]), headers={"Content-Type": LETTER}, body=letter)
    outcome = await sender.send(request, is_test=True)
    return Mailed(address, outcome.error)


def letter_of(
    invitation: Invitation, link: str, address: str, *, public_url: str, now: datetime
) -> bytes:
    """The letter with an invitation's link."""
    account, inviter = (
        fit(one_line(one), NAME_CHARACTERS)
        for one in (invitation.account_name, invitation.created_by)
    )
    said = f"{inviter} invites you to the account {account} on Runhook, as {invitation.role}."
    until = f"The link works once, until {moment(invitation.expires_at)}."
    ignore = "If you did not expect this, ignore it."
    text = f"{said}\n\nAccept the invitation:\n{link}\n\n{until}\n{ignore}\n"
    body = f"<p>{html_value(said)}</p>\n<p>{html_link('Accept the invitation', link)}</p>\n"
    subject = f"Invitation to {account} on Runhook"
    return letter_bytes(
        Letter(
            id=f"invitation-{invitation.id}-{now:%Y%m%d%H%M%S}",
            host=host_of_letters(public_url),
            to=[address],
            subject=subject,
            text=text,
            html=html_page(subject, f"{body}<p>{until} {ignore}</p>"),
            date=now,
        )
    )
