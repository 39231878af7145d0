"""How an account's jobs do: which need attention, and what charts show of their runs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.job_states import JobState, Punctuality, RunMark, punctuality_of
from runhook.domain.runs.run import AccountId, Job, JobId, RunId, RunStatus
from runhook.storage.engine.columns import EPOCH, MICROSECOND, UtcDateTime
from runhook.storage.engine.store import Clock, Transaction
from runhook.storage.engine.tables import expectations, jobs, runs
from runhook.storage.runs.jobs import JOB_COLUMNS, JOBS_WITH_NAMES, is_named, job_of, newest_run

ORDERED_STATES = list(JobState)
SAY_HOW = (RunStatus.SUCCESS.value, RunStatus.ERROR.value)
"""A run that was canceled says nothing of how its job does."""
HOUR = 3_600_000_000
DAY = 24 * HOUR
"""In microseconds, as times are stored."""
COUNTED = 20_000
"""So many newest runs are counted, of an account or a job."""


class BoardOrder(StrEnum):
    """What jobs on the board can be sorted by."""

    ATTENTION = "attention"
    """The most urgent state first."""
    NAME = "name"
    LATEST = "latest"
    """The job with the newest run first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFilter:
    """Which jobs of an account to show. None and an empty text narrow nothing."""

    part: str = ""
    """Of the name of the job, its project or its environment."""
    states: Collection[JobState] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardJob:
    """A job with its state."""

    job: Job
    state: JobState
    expectation: Expectation | None
    punctuality: Punctuality | None
    """None if nothing is expected of it."""


async def list_board(
    tx: Transaction,
    account_id: AccountId,
    wanted: BoardFilter,
    order: BoardOrder,
    *,
    limit: int,
    offset: int = 0,
) -> Sequence[BoardJob]:
    """Some of an account's jobs with their states."""
    board = select_board(account_id, wanted, tx.now).subquery("board")
    query = sa.select(board, sa.type_coerce(tx.now, UtcDateTime).label("now"))
    if wanted.states is not None:
        query = query.where(board.c.place.in_(sorted(map(ORDERED_STATES.index, wanted.states))))
    names = (board.c.project_name, board.c.environment_name, board.c.name, board.c.id)
    match order:
        case BoardOrder.ATTENTION:
            query = query.order_by(board.c.place, *names)
        case BoardOrder.NAME:
            query = query.order_by(board.c.name, *names)
        case BoardOrder.LATEST:
            query = query.order_by(board.c.newest_run_id.desc().nulls_last(), board.c.id)
    rows = await tx.execute(query.limit(limit).offset(offset))
    return [board_job_of(row) for row in rows]


async def find_on_board(tx: Transaction, account_id: AccountId, job_id: JobId) -> BoardJob | None:
    """Find a job of this account with its state."""
    query = select_board(account_id, BoardFilter(), tx.now)
    rows = await tx.execute(
        query.add_columns(sa.type_coerce(tx.now, UtcDateTime).label("now")).where(
            jobs.c.id == job_id
        )
    )
    row = rows.one_or_none()
    return None if row is None else board_job_of(row)


async def count_board(
    tx: Transaction, account_id: AccountId, wanted: BoardFilter
) -> Mapping[JobState, int]:
    """Count the jobs of each state, whichever states are wanted."""
    board = select_board(account_id, wanted, tx.now).subquery("board")
    rows = await tx.execute(
        sa.select(board.c.place, sa.func.count().label("jobs")).group_by(board.c.place)
    )
    found = {ORDERED_STATES[row.place]: row.jobs for row in rows}
    return {state: found.get(state, 0) for state in JobState}


def select_board(account_id: AccountId, wanted: BoardFilter, now: Clock) -> sa.Select[Any]:
    """Query of jobs with their state's place among ``ORDERED_STATES``."""
    newest = newest_run()
    query = (
        sa.select(
            *JOB_COLUMNS,
            expectations.c.every,
            expectations.c.grace,
            expectations.c.missed_at,
            expectations.c.missed_count,
            newest.label("newest_run_id"),
            place_of_state(newest, now).label("place"),
        )
        .select_from(JOBS_WITH_NAMES.outerjoin(expectations, expectations.c.job_id == jobs.c.id))
        .where(jobs.c.account_id == account_id)
    )
    if wanted.part:
        query = query.where(is_named(wanted.part))
    return query


def place_of_state(newest: sa.ScalarSelect[int], now: Clock) -> sa.ColumnElement[int]:
    """Place of a job's state among ``ORDERED_STATES``, as an expression."""
    last = (
        sa.select(runs.c.status)
        .where(runs.c.job_id == jobs.c.id, runs.c.status.in_(SAY_HOW))
        .order_by(runs.c.id.desc())
        .limit(1)
        .correlate(jobs)
        .scalar_subquery()
    )
    missed_at, grace = (
        sa.type_coerce(column, sa.BigInteger)
        for column in (expectations.c.missed_at, expectations.c.grace)
    )
    present = sa.type_coerce(now, sa.BigInteger)
    conditions = {
        JobState.FAILING: last == RunStatus.ERROR.value,
        JobState.MISSED: sa.or_(expectations.c.missed_count > 0, missed_at <= present),
        JobState.LATE: missed_at - grace <= present,
        JobState.OK: newest.is_not(None),
    }
    return sa.case(
        *((condition, ORDERED_STATES.index(state)) for state, condition in conditions.items()),
        else_=ORDERED_STATES.index(JobState.NEW),
    )


async def list_marks(
    tx: Transaction, job_ids: Collection[JobId], *, limit: int
) -> Mapping[JobId, Sequence[RunMark]]:
    """The newest runs of each of these jobs, up to ``limit``, the oldest first."""
    oldest = (
        sa.select(runs.c.id)
        .where(runs.c.job_id == jobs.c.id)
        .order_by(runs.c.id.desc())
        .limit(1)
        .offset(limit - 1)
        .correlate(jobs)
        .scalar_subquery()
    )
    rows = await tx.execute(
        sa.select(
            runs.c.job_id,
            runs.c.id,
            runs.c.status,
            runs.c.has_warned,
            runs.c.started_at,
            runs.c.finished_at,
        )
        .select_from(jobs.join(runs, runs.c.job_id == jobs.c.id))
        .where(jobs.c.id.in_(sorted(job_ids)), runs.c.id >= sa.func.coalesce(oldest, 0))
        .order_by(runs.c.job_id, runs.c.id)
    )
    found: dict[JobId, list[RunMark]] = {}
    for row in rows:
        mark = RunMark(
            id=RunId(row.id),
            status=RunStatus(row.status),
            has_warned=row.has_warned,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
        found.setdefault(JobId(row.job_id), []).append(mark)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRuns:
    """How many runs of one status started in a step of time."""

    step: int
    """Hours or days since the beginning."""
    status: RunStatus
    has_warned: bool
    count: int


async def count_runs_by_hour(
    tx: Transaction, account_id: AccountId, *, since: datetime
) -> Sequence[CountedRuns]:
    """Count an account's runs by the hour in which they started."""
    # Ids follow the times at which runs became known: so the account's index is entered by id.
    first = (
        sa.select(runs.c.id)
        .where(runs.c.created_at >= since)
        .order_by(runs.c.created_at)
        .limit(1)
        .scalar_subquery()
    )
    newest = runs.c.account_id == account_id, runs.c.id >= first
    return await count_by_step(tx, newest, since=since, step=HOUR)


async def count_runs_by_day(
    tx: Transaction, job_id: JobId, *, since: datetime
) -> Sequence[CountedRuns]:
    """Count a job's runs by the day in which they started."""
    return await count_by_step(tx, (runs.c.job_id == job_id,), since=since, step=DAY)


async def count_by_step(
    tx: Transaction,
    conditions: Collection[sa.ColumnElement[bool]],
    *,
    since: datetime,
    step: int,
) -> Sequence[CountedRuns]:
    """Count the newest runs, up to ``COUNTED``, by steps of so many microseconds."""
    some = (
        sa.select(runs.c.status, runs.c.has_warned, runs.c.started_at)
        .where(*conditions)
        .order_by(runs.c.id.desc())
        .limit(COUNTED)
        .subquery("some")
    )
    begin = sa.literal((since - EPOCH) // MICROSECOND, sa.BigInteger)
    number = ((sa.type_coerce(some.c.started_at, sa.BigInteger) - begin) // step).label("step")
    rows = await tx.execute(
        sa.select(number, some.c.status, some.c.has_warned, sa.func.count().label("runs"))
        .where(some.c.started_at >= since)
        .group_by(sa.text("1"), some.c.status, some.c.has_warned)
    )
    return [
        CountedRuns(
            step=row.step,
            status=RunStatus(row.status),
            has_warned=row.has_warned,
            count=row.runs,
        )
        for row in rows
    ]


def board_job_of(row: sa.Row[Any]) -> BoardJob:
    """The job in a row of ``list_board``."""
    expectation = None if row.every is None else Expectation(every=row.every, grace=row.grace)
    return BoardJob(
        job=job_of(row),
        state=ORDERED_STATES[row.place],
        expectation=expectation,
        punctuality=None
        if expectation is None
        else punctuality_of(
            expectation, missed_at=row.missed_at, missed_count=row.missed_count, now=row.now
        ),
    )
