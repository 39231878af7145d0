"""What changes of users, but for their passwords, and of an account's members."""

from dataclasses import replace

from runhook.domain.errors import NotFoundError
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.people.callers import Actor, ActorKind
from runhook.domain.people.permissions import Permission, Role
from runhook.domain.people.users import (
    User,
    UserId,
    check_person_name,
    check_role_change,
)
from runhook.domain.runs.run import AccountId
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted, still_signed_in
from runhook.operations.people.seen import check_unchanged
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.accounts import lock_account
from runhook.storage.people.invitations import delete_invitations_by
from runhook.storage.people.sessions import ValidSession
from runhook.storage.people.users import (
    AccountMember,
    count_members,
    delete_member,
    find_member,
    lock_user,
    update_member,
)
from runhook.storage.people.users import update_user as write_user


@repeats_contended
async def rename_user(
    store: Store, session: ValidSession, name: str, *, seen: str | None = None
) -> User:
    """Change the name of the signed-in user.

    Raises:
        InvalidError: it will not do.
        ConflictError: the present one is not what the caller saw, if that is checked.
        UnauthorizedError: the session has ended.
    """
    name = check_person_name(name)
    async with store.write() as tx:
        known = await lock_user(tx, session.user.id)
        await still_signed_in(tx, session)
        if known is None:
            raise NotFoundError
        check_unchanged(seen, user_facts(known.user), what="name")
        changed = replace(known, user=replace(known.user, name=name))
        await write_user(tx, changed)
    return changed.user


@repeats_contended
async def change_role(
    context: Context,
    account_id: AccountId,
    user_id: UserId,
    role: Role,
    *,
    seen: str | None = None,
) -> AccountMember:
    """Give a member of an account another role.

    Their open invitations that they could no longer make end.

    Raises:
        NotFoundError, ForbiddenError, ConflictError: as ``member_to_change`` says.
    """
    async with context.store.write() as tx:
        member = await member_to_change(tx, context.actor, account_id, user_id, role, seen=seen)
        await update_member(tx, account_id, user_id, role)
        await end_invitations(tx, account_id, user_id, role)
        changed = replace(member, role=role)
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.MEMBER_CHANGED,
            str(user_id),
            before=member_facts(member),
            after=member_facts(changed),
            now=context.clock.now(),
        )
    return changed


@repeats_contended
async def remove_member(
    context: Context, account_id: AccountId, user_id: UserId, *, seen: str | None = None
) -> None:
    """Remove a user from an account, from their next request on.

    Their open invitations end with it; tokens that they have made are the account's, and stay.

    Raises:
        NotFoundError, ForbiddenError, ConflictError: as ``member_to_change`` says.
    """
    async with context.store.write() as tx:
        member = await member_to_change(tx, context.actor, account_id, user_id, None, seen=seen)
        await delete_member(tx, account_id, user_id)
        await end_invitations(tx, account_id, user_id, None)
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.MEMBER_REMOVED,
            str(user_id),
            before=member_facts(member),
            after=None,
            now=context.clock.now(),
        )


async def end_invitations(
    tx: Transaction, account_id: AccountId, user_id: UserId, role: Role | None
) -> None:
    """Delete a user's open invitations into an account that they may not make with this role."""
    permissions = role.permissions if role else frozenset[Permission]()
    if Permission.MANAGE_MEMBERS not in permissions:
        await delete_invitations_by(tx, account_id, ActorKind.USER, user_id)
    elif Permission.MANAGE_OWNERS not in permissions:
        await delete_invitations_by(tx, account_id, ActorKind.USER, user_id, role=Role.OWNER)


async def member_to_change(
    tx: Transaction,
    actor: Actor,
    account_id: AccountId,
    user_id: UserId,
    role: Role | None,
    *,
    seen: str | None,
) -> AccountMember:
    """Lock an account, and find a member who may be given a role, or be removed (None).

    Raises:
        NotFoundError: the account has no such member.
        ForbiddenError: only an owner makes and removes owners.
        ConflictError: no one would be the account's owner, or the member is not as the caller saw
            them, if that is checked.
    """
    # Two owners who remove each other at once would else leave none.
    await lock_account(tx, account_id)
    permissions = await permitted(tx, actor)
    member = await find_member(tx, account_id, user_id)
    if member is None:
        raise NotFoundError(f"There is no member {user_id} in this account.")
    check_unchanged(seen, member_facts(member), what="member")
    owners = await count_members(tx, account_id, Role.OWNER)
    check_role_change(permissions, before=member.role, after=role, owners=owners)
    return member


def user_facts(user: User) -> Facts:
    """What users can change of themselves."""
    return {"name": user.name}


def member_facts(member: AccountMember) -> Facts:
    """Audited facts of a member."""
    return {"email": member.user.email, "role": member.role.value}
