"""Name a job that has not run yet, so that somebody can expect it to."""

from runhook.domain.errors import InvalidError
from runhook.domain.names import check_shown
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.quotas import check_quota
from runhook.domain.runs.run import Job
from runhook.domain.runs.scopes import ScopeKind
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted
from runhook.storage.runs.jobs import JobName, count_jobs, find_jobs, register_jobs
from runhook.storage.runs.scopes import touch_scopes

LONGEST_NAME = 255


@repeats_contended
async def name_job(context: Context, name: JobName) -> tuple[Job, bool]:
    """Make a job known by the names that its runs will be reported with.

    Args:
        context: the actor and the store.
        name: whose, and what its reporter calls it.

    Returns:
        the job, and whether it is new.

    Raises:
        ConflictError: the account has as many as it may have.
        InvalidError: a part of the name is missing, or is not one that a report can have.
    """
    facts = {
        "job_name": name.job,
        "project_name": name.project,
        "environment_name": name.environment,
    }
    for field, text in facts.items():
        check_job_name(field, text)
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        if (known := (await find_jobs(tx, [name])).get(name)) is not None:
            await touch_scopes(tx, {ScopeKind.JOB: [known.job.id]})
            return known.job, False
        counts = await count_jobs(tx, [name.account_id])
        check_quota(counts.get(name.account_id, 0), context.quotas.jobs, "jobs", "max_jobs")
        job = (await register_jobs(tx, [name]))[name].job
        await note_change(
            tx,
            name.account_id,
            context.actor,
            AuditAction.JOB_NAMED,
            str(job.id),
            before={},
            after=facts,
            now=context.clock.now(),
        )
    return job, True


def check_job_name(field: str, text: str) -> None:
    """Refuse what no report can call a job, a project or an environment.

    Raises:
        InvalidError: it is empty, too long, or has a NUL, which PostgreSQL cannot store.
    """
    if not text:
        raise InvalidError("expected a name", field=field)
    if len(text) > LONGEST_NAME or "\0" in text:
        raise InvalidError(f"expected at most {LONGEST_NAME} characters, and no NUL", field=field)
    check_shown(text, field=field)
