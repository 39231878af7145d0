"""Jobs with their projects and environments, which a first report brings into being."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.runs import AccountId, Job, JobId
from runhook.storage.store import Transaction
from runhook.storage.tables import environments, jobs, projects

JOB_COLUMNS = (
    jobs.c.id,
    jobs.c.account_id,
    jobs.c.name,
    projects.c.id.label("project_id"),
    projects.c.name.label("project_name"),
    environments.c.id.label("environment_id"),
    environments.c.name.label("environment_name"),
)
JOBS_WITH_NAMES = jobs.join(environments, environments.c.id == jobs.c.environment_id).join(
    projects, projects.c.id == environments.c.project_id
)


@dataclass(frozen=True, slots=True, order=True)
class JobName:
    """What a report calls a job: dbt Cloud's jobs belong to one environment of one project."""

    account_id: AccountId
    project: str
    environment: str
    job: str


async def register_jobs(tx: Transaction, names: Collection[JobName]) -> Mapping[JobName, Job]:
    """Return the job of each name, made on first sight with its project and environment."""
    found = await find_jobs(tx, names)
    # Sorted, so that two transactions that make the same ones wait for each other in one order.
    missing = sorted(set(names) - found.keys())
    if missing:
        await insert_missing(tx, missing)
        found = await find_jobs(tx, names)
    return found


async def find_jobs(tx: Transaction, names: Collection[JobName]) -> dict[JobName, Job]:
    """Return the jobs that exist already."""
    wanted = [(name.account_id, name.project, name.environment, name.job) for name in names]
    columns = sa.tuple_(jobs.c.account_id, projects.c.name, environments.c.name, jobs.c.name)
    rows = await tx.execute(
        sa.select(*JOB_COLUMNS).select_from(JOBS_WITH_NAMES).where(columns.in_(wanted))
    )
    return {
        JobName(row.account_id, row.project_name, row.environment_name, row.name): job_of(row)
        for row in rows
    }


async def insert_missing(tx: Transaction, names: Collection[JobName]) -> None:
    """Add what the names need; what another transaction adds at the same time is left as it is."""
    project_rows = {(name.account_id, name.project) for name in names}
    await tx.execute(
        insert(projects).values(created_at=tx.now).on_conflict_do_nothing(),
        [{"account_id": account, "name": project} for account, project in sorted(project_rows)],
    )
    project_ids = {
        (row.account_id, row.name): row.id
        for row in await tx.execute(
            sa.select(projects).where(
                sa.tuple_(projects.c.account_id, projects.c.name).in_(sorted(project_rows))
            )
        )
    }
    environment_rows = {
        (project_ids[name.account_id, name.project], name.account_id, name.environment)
        for name in names
    }
    await tx.execute(
        insert(environments).values(created_at=tx.now).on_conflict_do_nothing(),
        [
            {"project_id": project, "account_id": account, "name": environment}
            for project, account, environment in sorted(environment_rows)
        ],
    )
    environment_ids = {
        (row.project_id, row.name): row.id
        for row in await tx.execute(
            sa.select(environments).where(
                environments.c.project_id.in_(sorted(set(project_ids.values())))
            )
        )
    }
    await tx.execute(
        insert(jobs).values(created_at=tx.now).on_conflict_do_nothing(),
        [
            {
                "account_id": name.account_id,
                "environment_id": environment_ids[
                    project_ids[name.account_id, name.project], name.environment
                ],
                "name": name.job,
            }
            for name in names
        ],
    )


async def unknown_jobs(tx: Transaction, account_id: AccountId, ids: Collection[JobId]) -> list[int]:
    """Return those of ``ids`` that are no job of this account, in order."""
    known = await tx.execute(
        sa.select(jobs.c.id).where(jobs.c.account_id == account_id, jobs.c.id.in_(ids))
    )
    return sorted(set(ids) - set(known.scalars()))


def job_of(row: sa.Row[tuple[object, ...]]) -> Job:
    """Return the job in a row of ``JOB_COLUMNS``."""
    return Job(
        id=row.id,
        name=row.name,
        project_id=row.project_id,
        project_name=row.project_name,
        environment_id=row.environment_id,
        environment_name=row.environment_name,
    )
