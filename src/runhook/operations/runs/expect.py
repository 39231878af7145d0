"""Set or remove the expectation that a job starts at intervals."""

from runhook.domain.errors import NotFoundError
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import AccountId, JobId
from runhook.domain.runs.scopes import ScopeKind
from runhook.domain.spans import span_text
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted
from runhook.operations.people.seen import check_unchanged
from runhook.storage.runs.expectations import (
    ExpectedJob,
    delete_expectation,
    find_expected,
    lock_job,
    write_expectation,
)
from runhook.storage.runs.scopes import touch_scopes


@repeats_contended
async def expect_job(
    context: Context,
    account_id: AccountId,
    job_id: JobId,
    expectation: Expectation | None,
    *,
    seen: str | None = None,
) -> ExpectedJob | None:
    """Set a job's expectation, or remove it; an equal one goes on undisturbed.

    Args:
        context: the actor and the store.
        account_id: the job's account.
        job_id: the job.
        expectation: how often the job should start; None removes it.
        seen: `shown_state` of the expectation's facts that the caller saw; None is not checked.

    Raises:
        NotFoundError: the account has no such job.
        ConflictError: the expectation was changed after it was seen.
    """
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        if await lock_job(tx, account_id, job_id) is None:
            raise NotFoundError(f"There is no job {job_id} in this account.")
        before = await find_expected(tx, account_id, job_id)
        known = expectation_facts(before.expectation if before else None)
        check_unchanged(seen, known, what="expectation")
        if expectation is None:
            await delete_expectation(tx, job_id)
            await touch_scopes(tx, {ScopeKind.JOB: [job_id]})
        elif before is None or before.expectation != expectation:
            await write_expectation(tx, job_id, expectation)
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.JOB_EXPECTATION_CHANGED,
            str(job_id),
            before=known,
            after=expectation_facts(expectation),
            now=context.clock.now(),
        )
        return await find_expected(tx, account_id, job_id)


def expectation_facts(expectation: Expectation | None) -> Facts:
    """Audited facts of an expectation."""
    if expectation is None:
        return {"every": None, "grace": None}
    return {"every": span_text(expectation.every), "grace": span_text(expectation.grace)}
