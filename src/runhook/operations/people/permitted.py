"""Permission, looked at again in the transaction that writes.

A request is let in when its head has come. Until its body is there, its token may be revoked or
have expired, its session may have ended, and its user may have left the account or have another
role. So every transaction that writes on somebody's behalf begins here, and holds what it found
until its end.
"""

from collections.abc import Collection, Mapping

from runhook.domain.errors import NotFoundError, RunhookError, UnauthorizedError
from runhook.domain.people.callers import Actor, ActorKind, lacking
from runhook.domain.people.permissions import EVERYTHING, Permission
from runhook.domain.people.users import UserId
from runhook.storage.engine.store import Transaction
from runhook.storage.people.grants import hold_roles, hold_sessions, hold_tokens
from runhook.storage.people.sessions import ValidSession

Permissions = frozenset[Permission]


async def permitted(tx: Transaction, actor: Actor) -> Permissions:
    """Check that an actor still has the permission of the request, and return all they have.

    Raises:
        UnauthorizedError: the token is no longer valid, or the session has ended.
        NotFoundError: the user is no longer a member of the account.
        ForbiddenError: their role no longer allows it.
    """
    answer = (await permissions_of(tx, [actor]))[actor]
    if isinstance(answer, RunhookError):
        raise answer
    tx.acts_for = actor
    return answer


async def permissions_of(
    tx: Transaction, actors: Collection[Actor]
) -> Mapping[Actor, Permissions | RunhookError]:
    """Look up each actor's permissions, or the error if that of the request is gone."""
    granted = [actor for actor in actors if actor.grant is not None]
    return {
        **{actor: EVERYTHING for actor in actors if actor.grant is None},
        **await permissions_of_tokens(tx, [a for a in granted if a.kind is ActorKind.TOKEN]),
        **await permissions_of_users(tx, [a for a in granted if a.kind is ActorKind.USER]),
    }


async def permissions_of_tokens(
    tx: Transaction, actors: Collection[Actor]
) -> Mapping[Actor, Permissions | RunhookError]:
    """Look up each token's permissions, or the error."""
    if not actors:
        return {}
    held = await hold_tokens(tx, {actor.id for actor in actors if actor.id is not None})
    answers: dict[Actor, Permissions | RunhookError] = {}
    for actor in actors:
        assert actor.grant is not None
        assert actor.id is not None
        permission_set = held.get((actor.grant.account_id, actor.id))
        if permission_set is None:
            answers[actor] = UnauthorizedError()
        elif actor.grant.permission not in permission_set.permissions:
            answers[actor] = lacking(permission_set, actor.grant.permission)
        else:
            answers[actor] = permission_set.permissions
    return answers


async def permissions_of_users(
    tx: Transaction, actors: Collection[Actor]
) -> Mapping[Actor, Permissions | RunhookError]:
    """Look up each user's permissions in the account they act in, or the error."""
    if not actors:
        return {}
    grants = {actor: actor.grant for actor in actors if actor.grant is not None}
    sessions = await hold_sessions(tx, {grant.session_id or 0 for grant in grants.values()})
    memberships = {(grant.account_id, UserId(actor.id or 0)) for actor, grant in grants.items()}
    roles = await hold_roles(tx, memberships)
    answers: dict[Actor, Permissions | RunhookError] = {}
    for actor, grant in grants.items():
        user_id = UserId(actor.id or 0)
        role = roles.get((grant.account_id, user_id))
        if sessions.get(grant.session_id or 0) != user_id:
            answers[actor] = UnauthorizedError()
        elif role is None:
            answers[actor] = NotFoundError()
        elif grant.permission not in role.permissions:
            answers[actor] = lacking(role, grant.permission)
        else:
            answers[actor] = role.permissions
    return answers


async def still_signed_in(tx: Transaction, session: ValidSession) -> None:
    """Make sure that a session has not ended.

    Raises:
        UnauthorizedError: it has.
    """
    if not await hold_sessions(tx, [session.session.id]):
        raise UnauthorizedError
