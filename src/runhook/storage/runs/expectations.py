"""When jobs are expected to run, on the database's clock. A job that is not expected has no row."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import AccountId, Job, JobId, RunId
from runhook.storage.engine.columns import EPOCH, MICROSECOND, Duration, UtcDateTime
from runhook.storage.engine.store import Clock, Transaction, after
from runhook.storage.engine.tables import expectations, jobs, runs
from runhook.storage.runs.jobs import JOB_COLUMNS, JOBS_WITH_NAMES, job_of, newest_run

INTERVAL = expectations.c.every + expectations.c.grace
AFTER_LATE_START = sa.type_coerce(
    sa.bindparam("started_at", type_=sa.BigInteger) + INTERVAL, UtcDateTime
)
NOTE_LATE_STARTS = (
    sa.update(expectations)
    .where(
        expectations.c.job_id == sa.bindparam("of_job"), expectations.c.missed_at < AFTER_LATE_START
    )
    .values(missed_at=AFTER_LATE_START, missed_count=0)
)
PUT_OFF = (
    sa.update(expectations)
    .where(expectations.c.job_id == sa.bindparam("of_job"))
    .values(missed_at=sa.bindparam("until"), missed_count=sa.bindparam("missed"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedJob:
    """A job that is expected to run."""

    account_id: AccountId
    job: Job
    expectation: Expectation
    missed_at: datetime
    """When the next run counts as missed, its grace included."""
    missed_count: int
    """How many runs were missed since the last one started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueJob:
    """A job whose run did not start in time."""

    expected: ExpectedJob
    now: datetime
    """The present moment on the database's clock."""
    last_run_id: RunId | None
    """The newest run that is kept, None if there is none."""
    last_started_at: datetime | None


async def lock_job(tx: Transaction, account_id: AccountId, job_id: JobId) -> Job | None:
    """Find a job of this account; lock its expectation."""
    row = (
        await tx.execute(
            sa.select(*JOB_COLUMNS)
            .select_from(JOBS_WITH_NAMES)
            .where(jobs.c.account_id == account_id, jobs.c.id == job_id)
            .with_for_update(of=jobs, key_share=True)
        )
    ).one_or_none()
    return None if row is None else job_of(row)


async def find_expected(
    tx: Transaction, account_id: AccountId, job_id: JobId
) -> ExpectedJob | None:
    """Expectation of a job of this account; None if it has none."""
    row = (
        await tx.execute(
            select_expected().where(jobs.c.account_id == account_id, jobs.c.id == job_id)
        )
    ).one_or_none()
    return None if row is None else expected_of(row)


async def write_expectation(tx: Transaction, job_id: JobId, expectation: Expectation) -> None:
    """Expect a job from now on; what was missed before is forgotten."""
    statement = insert(expectations).values(
        job_id=job_id,
        every=expectation.every,
        grace=expectation.grace,
        missed_at=missed_after(tx.now, expectation),
        missed_count=0,
    )
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["job_id"],
            set_={
                name: statement.excluded[name]
                for name in ("every", "grace", "missed_at", "missed_count")
            },
        )
    )


async def delete_expectation(tx: Transaction, job_id: JobId) -> None:
    """Expect a job no more."""
    await tx.execute(sa.delete(expectations).where(expectations.c.job_id == job_id))


async def note_starts(tx: Transaction, job_ids: Collection[JobId]) -> None:
    """Note that runs of these jobs have started now, in the order of the jobs' ids."""
    await tx.execute(noting_starts(tx.now), [{"of_job": job_id} for job_id in sorted(job_ids)])


@lru_cache
def noting_starts(now: Clock) -> sa.Update:
    """Statement of ``note_starts``."""
    return (
        sa.update(expectations)
        .where(expectations.c.job_id == sa.bindparam("of_job"))
        .values(missed_at=after(now, INTERVAL), missed_count=0)
    )


async def note_late_starts(tx: Transaction, started: Mapping[JobId, datetime]) -> None:
    """Note starts that were reported late, by job."""
    await tx.execute(
        NOTE_LATE_STARTS,
        [
            {"of_job": job_id, "started_at": (started[job_id] - EPOCH) // MICROSECOND}
            for job_id in sorted(started)
        ],
    )


async def lock_overdue(tx: Transaction, *, limit: int) -> Sequence[OverdueJob]:
    """Jobs whose run did not start in time, the longest overdue first; locked.

    Rows that another transaction is changing are skipped; those returned stay locked until this one
    ends.
    """
    rows = (await tx.execute(locking_overdue(tx.now, limit))).all()
    started = await started_at_of(tx, [row.last_run_id for row in rows if row.last_run_id])
    return [
        OverdueJob(
            expected=expected_of(row),
            now=row.now,
            last_run_id=row.last_run_id,
            last_started_at=started.get(row.last_run_id),
        )
        for row in rows
    ]


@lru_cache
def locking_overdue(now: Clock, limit: int) -> sa.Select[Any]:
    """Query of ``lock_overdue``."""
    return (
        select_expected()
        .add_columns(
            sa.type_coerce(now, UtcDateTime).label("now"),
            newest_run().label("last_run_id"),
        )
        .where(expectations.c.missed_at <= now)
        .order_by(expectations.c.missed_at, expectations.c.job_id)
        .limit(limit)
        .with_for_update(of=expectations, skip_locked=True)
    )


async def started_at_of(tx: Transaction, run_ids: Collection[RunId]) -> dict[int, datetime]:
    """When these runs started."""
    if not run_ids:
        return {}
    rows = await tx.execute(
        sa.select(runs.c.id, runs.c.started_at).where(runs.c.id.in_(sorted(run_ids)))
    )
    return {row.id: row.started_at for row in rows}


async def put_off(tx: Transaction, expected: Sequence[ExpectedJob]) -> None:
    """Write when the next runs of these jobs count as missed, and how many have been."""
    await tx.execute(
        PUT_OFF,
        [
            {"of_job": one.job.id, "until": one.missed_at, "missed": one.missed_count}
            for one in expected
        ],
    )


def missed_after(now: Clock, expectation: Expectation) -> Clock:
    """When the next run counts as missed, as an expression."""
    return after(now, sa.literal(expectation.every + expectation.grace, Duration))


def select_expected() -> sa.Select[Any]:
    """Query of expected jobs, to be narrowed."""
    return sa.select(
        *JOB_COLUMNS,
        expectations.c.every,
        expectations.c.grace,
        expectations.c.missed_at,
        expectations.c.missed_count,
    ).select_from(JOBS_WITH_NAMES.join(expectations, expectations.c.job_id == jobs.c.id))


def expected_of(row: sa.Row[Any]) -> ExpectedJob:
    """The job in a row of ``select_expected``."""
    return ExpectedJob(
        account_id=row.account_id,
        job=job_of(row),
        expectation=Expectation(every=row.every, grace=row.grace),
        missed_at=row.missed_at,
        missed_count=row.missed_count,
    )
