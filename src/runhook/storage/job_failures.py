"""What failed in each job's last completed run. A job in whose last one nothing did has no row."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.regressions import Failures
from runhook.domain.runs import JobId
from runhook.storage.store import Transaction
from runhook.storage.tables import job_failures


async def lock_failures(tx: Transaction, job_ids: Collection[JobId]) -> dict[JobId, Failures]:
    """Return what failed last in these jobs; no other transaction changes it before this one ends.

    What is not there cannot be locked: of two first failures at the same moment both are new.
    """
    rows = await tx.execute(
        sa.select(job_failures)
        .where(job_failures.c.job_id.in_(sorted(job_ids)))
        .order_by(job_failures.c.job_id)
        .with_for_update()
    )
    return {row.job_id: Failures(frozenset(row.ids), row.is_whole) for row in rows}


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


async def clear_failures(tx: Transaction, job_ids: Collection[JobId]) -> None:
    """Forget what failed in jobs whose last run went well."""
    await tx.execute(sa.delete(job_failures).where(job_failures.c.job_id.in_(sorted(job_ids))))
