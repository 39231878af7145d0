"""Sessions of people whom a provider or a proxy vouches for, and what their groups make of them."""

from dataclasses import dataclass
from datetime import datetime

from runhook.clock import Clock
from runhook.domain.errors import NotFoundError
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import Actor, ActorKind
from runhook.domain.people.identities import GroupRoles, Identity, SignInRefusedError
from runhook.domain.people.permissions import Role
from runhook.domain.people.users import SignInMethod, User
from runhook.domain.runs.run import AccountId
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.people.audit import note_change
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.sessions import Begun, Browser, begin_session
from runhook.operations.people.users import end_invitations, member_facts
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.accounts import lock_account
from runhook.storage.people.identities import (
    find_user_by_identity,
    has_identity,
    insert_identity,
    spend_sign_in,
)
from runhook.storage.people.invitations import find_open_invitation
from runhook.storage.people.sessions import delete_expired_sessions, delete_other_sessions
from runhook.storage.people.users import (
    delete_member,
    find_member,
    find_user_by_email,
    insert_member,
    insert_user,
    lock_user,
    memberships_of,
    update_member,
)

NO_ACCESS = (
    "None of your groups has access to an account here, and you are in none by invitation. "
    "Ask an account owner."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VouchedSignIn:
    """A sign-in that somebody else than the person vouches for."""

    identity: Identity
    method: SignInMethod
    voucher: str
    """What people call the provider or the proxy."""
    invitation: str | None = None
    """Secret of the invitation that the person is on the way to."""
    id_token: str | None = None


@repeats_contended
async def spend(store: Store, state: str, *, expires_at: datetime) -> None:
    """Let a sign-in be answered this once.

    Raises:
        SignInRefusedError: it was answered before.
    """
    async with store.write() as tx:
        if not await spend_sign_in(tx, token_digest(state), expires_at=expires_at):
            raise SignInRefusedError("This sign-in was answered already; begin another one.")


@repeats_contended
async def sign_in_vouched(
    store: Store, sign_in: VouchedSignIn, groups: GroupRoles, *, browser: Browser, clock: Clock
) -> Begun:
    """Begin a session of the person whom an identity is of, and give them their groups' roles.

    They become a user at their first sign-in. In the accounts that ``groups`` names they are what
    their groups say, and nothing else; in others, what they were invited as.

    Args:
        store: where users are known.
        sign_in: who signs in, and how.
        groups: what groups are in accounts.
        browser: where.
        clock: dates it.

    Raises:
        SignInRefusedError: they have access to nothing here, or their e-mail address is another
            user's; what their groups took from them stays taken.
    """
    now = clock.now()
    async with store.write() as tx:
        answer = await let_in(tx, sign_in, groups, browser, now=now)
    if isinstance(answer, SignInRefusedError):
        raise answer
    return answer


async def let_in(
    tx: Transaction, sign_in: VouchedSignIn, groups: GroupRoles, browser: Browser, *, now: datetime
) -> Begun | SignInRefusedError:
    """Begin the session; or return why not, so that what was taken from somebody is committed."""
    identity = sign_in.identity
    roles = groups.roles_of(identity.groups)
    known = await find_user_by_identity(tx, identity.issuer, identity.subject)
    if known is None:
        if not roles and not await may_come(tx, sign_in):
            return SignInRefusedError(NO_ACCESS)
        found = await user_for(tx, sign_in, now=now)
        if isinstance(found, SignInRefusedError):
            return found
        known = found
    locked = await lock_user(tx, known.id)
    if locked is None:
        raise NotFoundError
    user = locked.user
    actor = Actor(
        kind=ActorKind.RUNHOOK, name=f"groups of {sign_in.voucher}", address=browser.address
    )
    for account_id in sorted(groups.accounts):
        await give_role(tx, account_id, user, roles.get(account_id), actor=actor, now=now)
    if not await memberships_of(tx, user.id) and not await is_invited(tx, sign_in):
        await delete_other_sessions(tx, user.id, None)
        return SignInRefusedError(NO_ACCESS)
    await delete_expired_sessions(tx, user.id)
    return await begin_session(
        tx, user, browser, now=now, method=sign_in.method, id_token=sign_in.id_token
    )


async def may_come(tx: Transaction, sign_in: VouchedSignIn) -> bool:
    """Whether somebody without a group here has another reason to become a user, or is one."""
    identity = sign_in.identity
    if await is_invited(tx, sign_in):
        return True
    return identity.is_email_verified and bool(await find_user_by_email(tx, identity.email))


async def is_invited(tx: Transaction, sign_in: VouchedSignIn) -> bool:
    """Whether somebody is on the way to an open invitation that they may accept."""
    if sign_in.invitation is None:
        return False
    invitation = await find_open_invitation(tx, token_digest(sign_in.invitation))
    if invitation is None:
        return False
    identity = sign_in.identity
    is_for_them = invitation.email == identity.email and identity.is_email_verified
    return invitation.email is None or is_for_them


async def user_for(
    tx: Transaction, sign_in: VouchedSignIn, *, now: datetime
) -> User | SignInRefusedError:
    """The user whom somebody becomes at their first sign-in by this provider.

    They are a user already if the provider has verified that their e-mail address is theirs, and
    knows that user by no other id.
    """
    identity = sign_in.identity
    found = await find_user_by_email(tx, identity.email)
    if found is not None and not identity.is_email_verified:
        return SignInRefusedError(
            f"{identity.email} is a user here already, and {sign_in.voucher} does not say that it "
            "has verified this address. Ask an account owner."
        )
    if found is not None and await has_identity(tx, found.user.id, identity.issuer):
        return SignInRefusedError(
            f"{identity.email} is a user here already, whom {sign_in.voucher} knows by another id. "
            "Ask an account owner."
        )
    user = (
        found.user
        if found is not None
        else await insert_user(
            tx, email=identity.email, name=identity.name, password_hash=None, now=now
        )
    )
    if user is None or not await insert_identity(
        tx, user.id, identity.issuer, identity.subject, now=now
    ):
        return SignInRefusedError("Somebody has signed in as you just now; sign in again.")
    return user


async def give_role(
    tx: Transaction,
    account_id: AccountId,
    user: User,
    role: Role | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Make a user what their groups say in an account: with a role, or no member (None)."""
    if await lock_account(tx, account_id) is None:
        return
    member = await find_member(tx, account_id, user.id)
    if role is (None if member is None else member.role):
        return
    before = None if member is None else member_facts(member)
    after = None if role is None else {"email": user.email, "role": role.value}
    if role is None:
        action = AuditAction.MEMBER_REMOVED
        await delete_member(tx, account_id, user.id)
    elif member is None:
        action = AuditAction.MEMBER_JOINED
        await insert_member(tx, account_id, user.id, role, now=now)
    else:
        action = AuditAction.MEMBER_CHANGED
        await update_member(tx, account_id, user.id, role)
    await end_invitations(tx, account_id, user.id, role)
    await note_change(
        tx, account_id, actor, action, str(user.id), before=before, after=after, now=now
    )
