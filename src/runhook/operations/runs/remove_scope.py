"""Delete a job, an environment or a project that nothing refers to."""

from runhook.domain.errors import NotFoundError
from runhook.domain.people.auditing import AuditAction
from runhook.domain.runs.run import AccountId
from runhook.domain.runs.scopes import ScopeKind, check_unused
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted
from runhook.storage.runs.scopes import count_references, delete_scope, lock_scope

ACTIONS = {
    ScopeKind.JOB: AuditAction.JOB_DELETED,
    ScopeKind.ENVIRONMENT: AuditAction.ENVIRONMENT_DELETED,
    ScopeKind.PROJECT: AuditAction.PROJECT_DELETED,
}


# It locks what a report of the same names locks in another order.
@repeats_contended
async def remove_scope(
    context: Context, account_id: AccountId, kind: ScopeKind, scope_id: int
) -> None:
    """Delete a scope of an account; a later report of the same name makes another one.

    Args:
        context: the actor and the store.
        account_id: whose.
        kind: what it is.
        scope_id: which.

    Raises:
        ConflictError: something refers to it; the message says what, with numbers.
        NotFoundError: the account has no such scope.
    """
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        name = await lock_scope(tx, account_id, kind, scope_id)
        if name is None:
            raise NotFoundError(f"There is no {kind} {scope_id} in this account.")
        check_unused(kind, name, await count_references(tx, account_id, kind, scope_id))
        await delete_scope(tx, account_id, kind, scope_id)
        await note_change(
            tx,
            account_id,
            context.actor,
            ACTIONS[kind],
            str(scope_id),
            before={"name": name},
            after=None,
            now=context.clock.now(),
        )
