"""Jobs with their projects and environments, which a first report brings into being."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from runhook.domain.runs.run import (
    AccountId,
    EnvironmentId,
    Job,
    JobId,
    ProjectId,
    RunId,
    RunStatus,
)
from runhook.storage.engine.pages import Item, Page, Slice, page_of
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import environments, expectations, jobs, projects, runs

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
FIND_JOBS = (
    sa.select(*JOB_COLUMNS, expectations.c.job_id.is_not(None).label("is_expected"))
    .select_from(JOBS_WITH_NAMES.outerjoin(expectations, expectations.c.job_id == jobs.c.id))
    .where(
        sa.tuple_(jobs.c.account_id, projects.c.name, environments.c.name, jobs.c.name).in_(
            sa.bindparam("names", expanding=True)
        )
    )
    .with_for_update(of=jobs, read=True, key_share=True)
)
NAMES_OF = {
    projects: (projects,),
    environments: (environments, projects),
    jobs: (jobs, projects, environments),
}
"""Where the names are by which rows are searched for: theirs, and those they belong to."""


@dataclass(frozen=True, slots=True, order=True)
class JobName:
    """What a report calls a job: dbt Cloud's jobs belong to one environment of one project."""

    account_id: AccountId
    project: str
    environment: str
    job: str


@dataclass(frozen=True, slots=True)
class KnownJob:
    """A job that reports speak of, and whether it is expected to run."""

    job: Job
    is_expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedJob:
    """A job as it is listed, with its newest run and the newest one of those that are over."""

    job: Job
    account_id: AccountId
    created_at: datetime
    newest_run_id: RunId | None
    newest_ended_run_id: RunId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as it is listed."""

    id: ProjectId
    account_id: AccountId
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment as it is listed."""

    id: EnvironmentId
    account_id: AccountId
    name: str
    created_at: datetime
    project: Project


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFilter:
    """Which projects, environments or jobs to list.

    None narrows nothing, an empty collection leaves none. Parts of names are looked for without
    regard to case, as far as the database knows the letters' cases.
    """

    ids: Collection[int] | None = None
    project_ids: Collection[int] | None = None
    environment_ids: Collection[int] | None = None
    name: str | None = None
    name_part: str | None = None
    named_part: str | None = None
    """Part of its name, or of the names of its environment and its project."""


class NameOrder(StrEnum):
    """What projects, environments and jobs can be sorted by."""

    ID = "id"
    NAME = "name"


async def list_projects(
    tx: Transaction, account_id: AccountId, wanted: ScopeFilter, part: Slice[NameOrder]
) -> Page[Project]:
    """A page of this account's projects."""
    query = narrowed(sa.select(projects), projects, account_id, wanted)
    return await sorted_page(query, projects, project_in_row, tx=tx, part=part)


async def list_environments(
    tx: Transaction, account_id: AccountId, wanted: ScopeFilter, part: Slice[NameOrder]
) -> Page[Environment]:
    """A page of this account's environments."""
    query = narrowed(
        sa.select(
            environments,
            projects.c.name.label("project_name"),
            projects.c.created_at.label("project_created_at"),
        ).join(projects, projects.c.id == environments.c.project_id),
        environments,
        account_id,
        wanted,
    )
    return await sorted_page(query, environments, environment_of, tx=tx, part=part)


async def list_jobs(
    tx: Transaction, account_id: AccountId, wanted: ScopeFilter, part: Slice[NameOrder]
) -> Page[LoggedJob]:
    """A page of this account's jobs."""
    query = narrowed(
        sa.select(
            *JOB_COLUMNS,
            jobs.c.created_at,
            newest_run().label("newest_run_id"),
            newest_run(runs.c.status >= RunStatus.SUCCESS.value).label("newest_ended_run_id"),
        ).select_from(JOBS_WITH_NAMES),
        jobs,
        account_id,
        wanted,
    )
    return await sorted_page(query, jobs, logged_job_of, tx=tx, part=part)


async def list_named_jobs(
    tx: Transaction,
    account_id: AccountId,
    part: str,
    *,
    always: Collection[JobId] = (),
    limit: int,
) -> Sequence[Job]:
    """Jobs with a text in the name of the job, its project or its environment, by name.

    Args:
        tx: where they are read.
        account_id: whose they are.
        part: the text; an empty one is in every name.
        always: jobs that come first, with the text in a name or without.
        limit: how many at most.
    """
    is_first = jobs.c.id.in_(list(always))
    names = (jobs.c.name, projects.c.name, environments.c.name, jobs.c.id)
    rows = await tx.execute(
        sa.select(*JOB_COLUMNS)
        .select_from(JOBS_WITH_NAMES)
        .where(jobs.c.account_id == account_id, sa.or_(is_first, is_named(part)))
        .order_by(sa.case((is_first, 0), else_=1), *names)
        .limit(limit)
    )
    return [job_of(row) for row in rows]


def newest_run(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Id of a job's newest run, as an expression."""
    return (
        sa.select(runs.c.id)
        .where(runs.c.job_id == jobs.c.id, *conditions)
        .order_by(runs.c.id.desc())
        .limit(1)
        .correlate(jobs)
        .scalar_subquery()
    )


def narrowed(
    query: sa.Select[Any], table: sa.Table, account_id: AccountId, wanted: ScopeFilter
) -> sa.Select[Any]:
    """Narrow a query to the wanted rows of an account."""
    query = query.where(table.c.account_id == account_id)
    if wanted.ids is not None:
        query = query.where(table.c.id.in_(list(wanted.ids)))
    if wanted.project_ids is not None:
        query = query.where(projects.c.id.in_(list(wanted.project_ids)))
    if wanted.environment_ids is not None:
        query = query.where(environments.c.id.in_(list(wanted.environment_ids)))
    if wanted.name is not None:
        query = query.where(table.c.name == wanted.name)
    if wanted.name_part is not None:
        query = query.where(table.c.name.icontains(wanted.name_part, autoescape=True))
    if wanted.named_part is not None:
        query = query.where(is_named(wanted.named_part, table))
    return query


def is_named(part: str, table: sa.Table = jobs) -> sa.ColumnElement[bool]:
    """Condition that a text is part of a row's name or of the names above it, in any case."""
    return sa.or_(*(one.c.name.icontains(part, autoescape=True) for one in NAMES_OF[table]))


async def sorted_page(
    query: sa.Select[Any],
    table: sa.Table,
    item_of: Callable[[sa.Row[Any]], Item],
    *,
    tx: Transaction,
    part: Slice[NameOrder],
) -> Page[Item]:
    """A page of what is looked for in a table; equal names by age."""
    columns = [table.c[part.order.value], table.c.id]
    order = [column.desc() if part.is_descending else column for column in columns]
    return await page_of(
        query.order_by(*order), query.with_only_columns(table.c.id), item_of, tx=tx, part=part
    )


async def register_jobs(tx: Transaction, names: Collection[JobName]) -> Mapping[JobName, KnownJob]:
    """Find the job of each name; create missing ones, with project and environment."""
    found = await find_jobs(tx, names)
    # Sorted, so that two transactions that make the same ones wait for each other in one order.
    missing = sorted(set(names) - found.keys())
    if missing:
        await insert_missing(tx, missing)
        found = await find_jobs(tx, names)
    return found


async def count_jobs(tx: Transaction, account_ids: Collection[AccountId]) -> dict[AccountId, int]:
    """Count jobs of each of these accounts; accounts without any are missing."""
    rows = await tx.execute(
        sa.select(jobs.c.account_id, sa.func.count().label("jobs"))
        .where(jobs.c.account_id.in_(list(account_ids)))
        .group_by(jobs.c.account_id)
    )
    return {row.account_id: row.jobs for row in rows}


async def find_jobs(tx: Transaction, names: Collection[JobName]) -> dict[JobName, KnownJob]:
    """Find existing jobs by name."""
    wanted = [(name.account_id, name.project, name.environment, name.job) for name in names]
    rows = await tx.execute(FIND_JOBS, {"names": wanted})
    return {
        JobName(row.account_id, row.project_name, row.environment_name, row.name): KnownJob(
            job_of(row), bool(row.is_expected)
        )
        for row in rows
    }


async def insert_missing(tx: Transaction, names: Collection[JobName]) -> None:
    """Add what the names need; what is there already is used, and is not deleted meanwhile."""
    of_projects = sorted({(name.account_id, name.project) for name in names})
    await tx.execute(
        insert_or_note(tx, projects, "account_id"),
        [{"account_id": account_id, "name": project} for account_id, project in of_projects],
    )
    project_ids = await ids_by_name(projects.c.account_id, of_projects, tx=tx)
    of_environments = sorted(
        {
            (project_ids[name.account_id, name.project], name.environment, name.account_id)
            for name in names
        }
    )
    await tx.execute(
        insert_or_note(tx, environments, "project_id"),
        [
            {"project_id": project_id, "account_id": account_id, "name": environment}
            for project_id, environment, account_id in of_environments
        ],
    )
    environment_ids = await ids_by_name(
        environments.c.project_id, [(within, name) for within, name, _ in of_environments], tx=tx
    )
    await tx.execute(
        insert_or_note(tx, jobs, "environment_id"),
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


async def ids_by_name(
    within: sa.Column[Any], names: Collection[tuple[int, str]], *, tx: Transaction
) -> dict[tuple[int, str], int]:
    """Look up ids of rows by the id of what they are within, in this column, and their names."""
    columns = within.table.c
    found = await tx.execute(
        sa.select(columns.id, within.label("within"), columns.name).where(
            sa.tuple_(within, columns.name).in_(names)
        )
    )
    return {(row.within, row.name): row.id for row in found}


def insert_or_note(tx: Transaction, table: sa.Table, within: str) -> Insert:
    """The statement that adds something by its name, or notes that it is used."""
    return (
        insert(table)
        .values(created_at=tx.now, used_at=tx.now)
        .on_conflict_do_update(index_elements=[within, "name"], set_={"used_at": tx.now})
    )


def job_of(row: sa.Row[tuple[object, ...]]) -> Job:
    """The job in a row of ``JOB_COLUMNS``."""
    return Job(
        id=row.id,
        name=row.name,
        project_id=row.project_id,
        project_name=row.project_name,
        environment_id=row.environment_id,
        environment_name=row.environment_name,
    )


def logged_job_of(row: sa.Row[Any]) -> LoggedJob:
    """The job in a row of ``list_jobs``."""
    return LoggedJob(
        job=job_of(row),
        account_id=row.account_id,
        created_at=row.created_at,
        newest_run_id=row.newest_run_id,
        newest_ended_run_id=row.newest_ended_run_id,
    )


def project_in_row(row: sa.Row[Any]) -> Project:
    """The project in a row."""
    return Project(id=row.id, account_id=row.account_id, name=row.name, created_at=row.created_at)


def environment_of(row: sa.Row[Any]) -> Environment:
    """The environment in a row of ``list_environments``."""
    project = Project(
        id=row.project_id,
        account_id=row.account_id,
        name=row.project_name,
        created_at=row.project_created_at,
    )
    return Environment(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        created_at=row.created_at,
        project=project,
    )
