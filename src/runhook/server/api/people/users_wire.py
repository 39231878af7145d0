"""Users, members and invitations as JSON."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from runhook.domain.people.permissions import Role
from runhook.domain.people.users import User
from runhook.operations.people.invite import Acceptance
from runhook.operations.people.mail_links import Mailed
from runhook.storage.people.invitations import Invitation
from runhook.storage.people.users import AccountMember


class UserOut(Struct, kw_only=True):
    """A user, as they see themselves."""

    id: int
    email: str
    name: str
    created_at: datetime


def shown_user(user: User) -> UserOut:
    """Show a user."""
    return UserOut(id=user.id, email=user.email, name=user.name, created_at=user.created_at)


class UserIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What shall be different of a user; a new password needs the present one too."""

    name: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    current_password: str | UnsetType = UNSET


class MemberOut(Struct, kw_only=True):
    """A user in an account."""

    user_id: int
    email: str
    name: str
    role: Role
    joined_at: datetime


def shown_member(member: AccountMember) -> MemberOut:
    """Show a member."""
    return MemberOut(
        user_id=member.user.id,
        email=member.user.email,
        name=member.user.name,
        role=member.role,
        joined_at=member.joined_at,
    )


class MemberIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a member shall be."""

    role: Role


class RemovedOut(Struct, kw_only=True):
    """What is left of a member who was removed."""

    user_id: int


class InvitationIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """An invitation to create; without an e-mail address it is open to anyone with its link."""

    role: Role
    email: str | None = None


class InvitationOut(Struct, kw_only=True):
    """An invitation; its link only in the answer to its making."""

    id: int
    email: str | None
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    link: str | UnsetType = UNSET
    mailed_to: str | UnsetType | None = UNSET
    """Beside the link: the address that the mail server took it for; null if none was mailed."""
    mail_error: str | UnsetType | None = UNSET
    """Beside the link: why it could not be mailed; null if it was, or if there is no need."""


def shown_invitation(
    invitation: Invitation, link: str | None = None, mailed: Mailed | None = None
) -> InvitationOut:
    """Show an invitation; its link only in the response that creates it."""
    mailed_to = mailed.address if mailed and not mailed.error else None
    mail_error = mailed.error if mailed and mailed.error else None
    return InvitationOut(
        id=invitation.id,
        email=invitation.email,
        role=invitation.role,
        created_by=invitation.created_by,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        link=UNSET if link is None else link,
        mailed_to=UNSET if link is None else mailed_to,
        mail_error=UNSET if link is None else mail_error,
    )


class WithdrawnOut(Struct, kw_only=True):
    """What is left of an invitation that was withdrawn."""

    id: int


class AcceptIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secret in an invitation's link; and who accepts it, unless they are signed in."""

    secret: str
    email: str = ""
    name: str = ""
    password: str = ""

    def to_answer(self) -> Acceptance:
        """What the invited person entered."""
        return Acceptance(email=self.email, name=self.name, password=self.password)
