"""Invitations: made, withdrawn, and accepted once."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from runhook.clock import Clock
from runhook.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthorizedError,
)
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.people.callers import Actor, ActorKind
from runhook.domain.people.permissions import Role
from runhook.domain.people.quotas import check_quota
from runhook.domain.people.users import (
    INVITATION_LIFETIME,
    User,
    check_email,
    check_new_password,
    check_person_name,
    check_role_change,
)
from runhook.domain.runs.run import AccountId
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.people.audit import note_change
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.permitted import permitted, still_signed_in
from runhook.operations.people.second_factors import has_second_factor
from runhook.operations.people.sessions import Begun, Browser, actor_of, begin_session
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.accounts import find_account, lock_account
from runhook.storage.people.invitations import (
    Invitation,
    count_invitations,
    delete_invitation,
    delete_invitations_by,
    find_invitation,
    find_open_invitation,
    insert_invitation,
    lock_open_invitation,
    mark_accepted,
)
from runhook.storage.people.sessions import ValidSession
from runhook.storage.people.tokens import token_expiry
from runhook.storage.people.users import (
    count_members,
    find_user_by_email,
    insert_member,
    insert_user,
    is_any_user,
    lock_user,
)

THE_SERVICE = Actor(kind=ActorKind.RUNHOOK, name="runhook serve")
KNOWN = (
    "There is a user with this e-mail address already, and this is not their password; "
    "give theirs, or sign in first."
)
CLOSED = "This invitation was accepted or withdrawn, or has expired; ask for another one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What somebody who opens an invitation says of themselves."""

    email: str
    """Empty for the one that the invitation is for."""
    name: str
    """None from a person who is a user already."""
    password: str

    def __repr__(self) -> str:
        return "Acceptance(...)"


@repeats_contended
async def invite(
    context: Context, account_id: AccountId, role: Role, *, email: str | None = None
) -> tuple[Invitation, str]:
    """Invite a person; returns the secret of the link, this once.

    Args:
        context: who invites.
        account_id: the account.
        role: the new member's role.
        email: the person's address; None: anyone who opens the link.

    Raises:
        InvalidError: the e-mail address cannot be one.
        ForbiddenError: only an owner makes an owner.
        ConflictError: the account has reached its limit of members.
        NotFoundError: there is no such account.
    """
    email = None if email is None else check_email(email)
    async with context.store.write() as tx:
        await lock_account(tx, account_id)
        check_role_change(await permitted(tx, context.actor), before=None, after=role, owners=0)
        count = await count_members(tx, account_id) + await count_invitations(tx, account_id)
        check_quota(count, context.quotas.members, "members and open invitations", "max_members")
        return await add_invitation(
            tx, account_id, role, email=email, actor=context.actor, clock=context.clock
        )


@repeats_contended
async def invite_first_user(store: Store, account_id: AccountId, *, clock: Clock) -> str | None:
    """Invite an owner while there is no user; None once there is one.

    A new invitation replaces the one of an earlier start, which may have been read by anyone.
    """
    async with store.write() as tx:
        if await is_any_user(tx):
            return None
        await delete_invitations_by(tx, account_id, THE_SERVICE.kind, THE_SERVICE.id)
        _, secret = await add_invitation(
            tx, account_id, Role.OWNER, email=None, actor=THE_SERVICE, clock=clock
        )
    return secret


async def add_invitation(
    tx: Transaction,
    account_id: AccountId,
    role: Role,
    *,
    email: str | None,
    actor: Actor,
    clock: Clock,
) -> tuple[Invitation, str]:
    """Add an invitation, and note it.

    Raises:
        NotFoundError: there is no such account.
    """
    account = await find_account(tx, account_id)
    if account is None:
        raise NotFoundError(f"There is no account {account_id}.")
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    expires_at = now + INVITATION_LIFETIME
    if actor.kind is ActorKind.TOKEN and actor.id is not None:
        # What a token has made lives no longer than the token.
        expires_at = min(expires_at, await token_expiry(tx, actor.id) or expires_at)
    invitation_id = await insert_invitation(
        tx,
        account_id,
        role,
        email=email,
        digest=token_digest(secret),
        created_by=actor,
        now=now,
        expires_at=expires_at,
    )
    invitation = Invitation(
        id=invitation_id,
        account_id=account_id,
        account_name=account.name,
        email=email,
        role=role,
        created_by=actor.name,
        created_at=now,
        expires_at=expires_at,
    )
    await note_change(
        tx,
        account_id,
        actor,
        AuditAction.MEMBER_INVITED,
        str(invitation_id),
        before=None,
        after=invitation_facts(invitation),
        now=now,
    )
    return invitation, secret


@repeats_contended
async def withdraw(context: Context, account_id: AccountId, invitation_id: int) -> None:
    """Make an invitation's link useless.

    Raises:
        NotFoundError: the account has no such open invitation.
        ForbiddenError: only an owner withdraws an owner's.
    """
    async with context.store.write() as tx:
        permissions = await permitted(tx, context.actor)
        invitation = await find_invitation(tx, account_id, invitation_id)
        if invitation is None:
            raise NotFoundError(f"There is no open invitation {invitation_id} in this account.")
        check_role_change(permissions, before=None, after=invitation.role, owners=0)
        if not await delete_invitation(tx, account_id, invitation_id):
            raise NotFoundError(f"There is no open invitation {invitation_id} in this account.")
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.INVITATION_WITHDRAWN,
            str(invitation_id),
            before=invitation_facts(invitation),
            after=None,
            now=context.clock.now(),
        )


def link_of(secret: str, base: str) -> str:
    """Link of an invitation; ``base`` is where people reach the service."""
    return f"{base}/invitations/{secret}"


async def look_at_invitation(store: Store, secret: str) -> Invitation:
    """Find the open invitation of a link.

    Raises:
        NotFoundError: it is not open, or never was.
    """
    async with store.read() as tx:
        invitation = await find_open_invitation(tx, token_digest(secret))
    if invitation is None:
        raise NotFoundError(CLOSED)
    return invitation


def whom_it_is_for(invitation: Invitation, email: str) -> str:
    """The e-mail address that an invitation is accepted with.

    Raises:
        InvalidError: it cannot be one, or the invitation is for another.
    """
    if invitation.email is None:
        return check_email(email)
    if email.strip() and check_email(email) != invitation.email:
        raise InvalidError(f"the invitation is for {invitation.email}", field="email")
    return invitation.email


@repeats_contended
async def accept(
    store: Store,
    secret: str,
    answer: Acceptance,
    *,
    browser: Browser,
    passwords: Passwords,
    clock: Clock,
) -> Begun:
    """Accept an invitation as a new user, or as a known one with their password; sign them in.

    Raises:
        NotFoundError: the invitation is not open.
        InvalidError: something of the answer will not do.
        UnauthorizedError: somebody has this e-mail address, and another password.
        ConflictError: they are a member already, or have to sign in first.
    """
    invitation = await look_at_invitation(store, secret)
    email = whom_it_is_for(invitation, answer.email)
    async with store.read() as tx:
        known = await find_user_by_email(tx, email)
    if known is None:
        name = check_person_name(answer.name)
        hashed = await passwords.hash(check_new_password(answer.password))
    elif await passwords.check(answer.password, known.password_hash):
        name, hashed = known.user.name, known.password_hash or ""
    else:
        raise UnauthorizedError(KNOWN)
    now = clock.now()
    async with store.write() as tx:
        if known is None:
            user = await insert_user(tx, email=email, name=name, password_hash=hashed, now=now)
            if user is None:
                raise ConflictError(f"{email} has just become a user; sign in first.")
        else:
            locked = await lock_user(tx, known.user.id)
            if locked is None or locked.password_hash != hashed:
                raise UnauthorizedError(KNOWN)
            user = locked.user
            if await has_second_factor(tx, user):
                raise ConflictError("You have a second factor: sign in first, and open this again.")
        await join(tx, secret, user, address=browser.address, now=now)
        return await begin_session(tx, user, browser, now=now)


@repeats_contended
async def accept_as(
    store: Store, secret: str, session: ValidSession, *, address: str | None, clock: Clock
) -> None:
    """Accept an invitation as the signed-in user.

    Raises:
        UnauthorizedError: their session has ended.
        NotFoundError: the invitation is not open.
        ForbiddenError: it is for somebody else.
        ConflictError: they are a member already.
    """
    async with store.write() as tx:
        await still_signed_in(tx, session)
        await join(tx, secret, session.user, address=address, now=clock.now())


async def join(
    tx: Transaction, secret: str, user: User, *, address: str | None, now: datetime
) -> None:
    """Make a user a member of the account that they are invited into."""
    invitation = await lock_open_invitation(tx, token_digest(secret))
    if invitation is None:
        raise NotFoundError(CLOSED)
    if invitation.email not in (None, user.email):
        raise ForbiddenError(
            f"This invitation is for {invitation.email}, and you are signed in as {user.email}."
        )
    if not await insert_member(tx, invitation.account_id, user.id, invitation.role, now=now):
        raise ConflictError(f"You are a member of {invitation.account_name} already.")
    await mark_accepted(tx, invitation.id, now=now)
    await note_change(
        tx,
        invitation.account_id,
        actor_of(user, address),
        AuditAction.MEMBER_JOINED,
        str(user.id),
        before=None,
        after={
            "email": user.email,
            "role": invitation.role.value,
            "invited_by": invitation.created_by,
        },
        now=now,
    )


def invitation_facts(invitation: Invitation) -> Facts:
    """Audited facts of an invitation."""
    return {
        "email": invitation.email,
        "role": invitation.role.value,
        "expires_at": invitation.expires_at.isoformat(),
    }
