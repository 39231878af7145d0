"""Publish notices of runs that were expected and did not start."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from runhook.clock import Clock
from runhook.domain.messages.notices import MissedRun
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.deliveries.notify import owe_notices
from runhook.operations.service.keep_time import is_doubted
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.runs.expectations import ExpectedJob, OverdueJob, lock_overdue, put_off

STEP = 100
"""Most jobs that one transaction publishes notices of."""


@repeats_contended
async def tell_of_missed_runs(
    store: Store, clock: Clock, *, public_url: str | None = None
) -> Sequence[MissedRun]:
    """Publish a notice for each job whose run did not start in time, one for all missed intervals.

    Replicas that do this at the same time take different jobs. While the database's clock is
    doubted, no job counts as overdue.

    Args:
        store: where the jobs are; its clock says what is overdue.
        clock: dates the notices.
        public_url: where people reach this service, None if it is not known.

    Returns:
        the published notices.
    """

    async def tell(tx: Transaction) -> Sequence[MissedRun]:
        if await is_doubted(tx):
            return []
        overdue = await lock_overdue(tx, limit=STEP)
        if not overdue:
            return []
        await put_off(tx, [put_off_expected(one) for one in overdue])
        notices = [notice_of(one, occurred_at=clock.now()) for one in overdue]
        await owe_notices(tx, notices, public_url=public_url)
        return notices

    return await store.commit(tell)


def put_off_expected(overdue: OverdueJob) -> ExpectedJob:
    """Expectation of an overdue job's next run, with the missed ones counted."""
    expected = overdue.expected
    missed = expected.expectation.missed(expected.missed_at, overdue.now)
    return replace(
        expected,
        missed_at=expected.missed_at + missed * expected.expectation.every,
        missed_count=expected.missed_count + missed,
    )


def notice_of(overdue: OverdueJob, *, occurred_at: datetime) -> MissedRun:
    """Notice of a job's latest missed run."""
    after = put_off_expected(overdue)
    return MissedRun(
        account_id=after.account_id,
        job=after.job,
        expectation=after.expectation,
        expected_at=after.missed_at - after.expectation.every - after.expectation.grace,
        missed_count=after.missed_count,
        last_run_id=overdue.last_run_id,
        last_started_at=overdue.last_started_at,
        occurred_at=occurred_at,
    )
