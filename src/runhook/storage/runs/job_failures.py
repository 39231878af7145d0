"""The failed nodes of each job's last run with results; no row for a job without one."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.runs.regressions import Failures
from runhook.domain.runs.run import JobId
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import job_failures

FIND_FAILURES = sa.select(job_failures).where(
    job_failures.c.job_id.in_(sa.bindparam("job_ids", expanding=True))
)
LOCK_FAILURES = FIND_FAILURES.order_by(job_failures.c.job_id).with_for_update()


async def find_failures(tx: Transaction, job_ids: Collection[JobId]) -> dict[JobId, Failures]:
    """What failed last in these jobs."""
    rows = await tx.execute(FIND_FAILURES, {"job_ids": sorted(job_ids)})
    return {row.job_id: failures_of(row) for row in rows}


async def lock_failures(tx: Transaction, job_ids: Collection[JobId]) -> dict[JobId, Failures]:
    """Last known failures of these jobs, locked until the transaction ends.

    What is not there cannot be locked: of two first runs at the same moment neither is news.
    """
    rows = await tx.execute(LOCK_FAILURES, {"job_ids": sorted(job_ids)})
    return {row.job_id: failures_of(row) for row in rows}


async def write_failures(tx: Transaction, failures: Mapping[JobId, Failures]) -> None:
    """Write what failed last in jobs."""
    statement = insert(job_failures)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["job_id"],
            set_={name: statement.excluded[name] for name in ("ids", "is_whole")},
        ),
        [
            {"job_id": job_id, "ids": sorted(one.ids), "is_whole": one.is_whole}
            # Two transactions wait for each other in one order.
            for job_id, one in sorted(failures.items(), key=lambda item: item[0])
        ],
    )


def failures_of(row: sa.Row[Any]) -> Failures:
    """What is in a row of ``job_failures``."""
    return Failures(frozenset(row.ids), row.is_whole)
