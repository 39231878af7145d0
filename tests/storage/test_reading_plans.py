"""Reading what is one account's looks at no other account's rows, however many those are."""

from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from runhook.domain.runs.run import AccountId, JobId, RunStatus
from runhook.storage.engine.pages import Slice
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import metadata
from runhook.storage.runs.artifacts import find_artifact, list_artifacts
from runhook.storage.runs.board import (
    BoardFilter,
    BoardOrder,
    count_board,
    count_runs_by_day,
    count_runs_by_hour,
    list_board,
    list_marks,
)
from runhook.storage.runs.jobs import (
    NameOrder,
    ScopeFilter,
    list_environments,
    list_jobs,
    list_projects,
)
from runhook.storage.runs.rows import RunFilter, RunOrder, find_run, list_runs
from tests.storage.plans import scans_of
from tests.support.accounts import Tenant, a_tenant
from tests.support.clock import START, ManualClock
from tests.support.statements import statements_of

MANY = 2_000
A_FEW = 100
OTHER = AccountId(2)
EVERYTHING = ScopeFilter()
BY_ID = Slice(order=NameOrder.ID, limit=20)

COPIES = (
    """INSERT INTO projects (id, account_id, name, created_at, used_at)
       WITH RECURSIVE copies (number) AS (
           SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < :many
       )
       SELECT 1000 + number, 2, 'copy ' || number, 0, 0 FROM copies""",
    """INSERT INTO environments (id, account_id, project_id, name, created_at, used_at)
       SELECT id, 2, id, 'copy', 0, 0 FROM projects WHERE id > 1000""",
    """INSERT INTO jobs (id, account_id, environment_id, name, created_at, used_at)
       SELECT id, 2, id, 'copy', 0, 0 FROM projects WHERE id > 1000""",
    """INSERT INTO expectations (job_id, every, grace, missed_at, missed_count)
       SELECT id, 3600000000, 0, 0, 0 FROM jobs WHERE id > 1000""",
    """INSERT INTO runs (id, account_id, job_id, run_key, start_fingerprint, run_reason,
           dbt_version, status, event_count, started_at, heartbeat_at,
           longest_silence, created_at)
       SELECT id, 2, id, name, '', '', '', 10, 1, 0, 0, 0, 0 FROM projects WHERE id > 1000""",
    """INSERT INTO artifacts (id, run_id, step, name, size, is_whole, touched_at)
       SELECT id, id, 0, 'manifest.json', 0, true, 0 FROM projects WHERE id > 1000""",
    """INSERT INTO artifact_parts (artifact_id, number, content)
       SELECT id, 0, '' FROM artifacts WHERE id > 1000""",
)

Reading = Callable[[Transaction, Tenant], Awaitable[object]]


def runs_by(wanted: RunFilter, order: RunOrder = RunOrder.ID) -> Reading:
    part = Slice(order=order, is_descending=True, limit=20)
    return lambda tx, mine: list_runs(tx, mine.account_id, wanted, part)


READINGS: dict[str, Reading] = {
    "every run": runs_by(RunFilter()),
    "the latest to end": runs_by(RunFilter(), RunOrder.FINISHED_AT),
    "runs of a job": runs_by(RunFilter(job_ids=[JobId(1)])),
    "runs of a project": runs_by(RunFilter(project_ids=[1])),
    "runs of another's project": runs_by(RunFilter(project_ids=[1_001])),
    "runs with a status": runs_by(RunFilter(statuses=[RunStatus.SUCCESS])),
    "a run": lambda tx, mine: find_run(tx, mine.account_id, 1_001),
    "its files": lambda tx, mine: list_artifacts(tx, mine.account_id, 1_001),
    "a file": lambda tx, mine: find_artifact(tx, mine.account_id, 1_001, "manifest.json"),
    "jobs": lambda tx, mine: list_jobs(tx, mine.account_id, EVERYTHING, BY_ID),
    "the board": lambda tx, mine: list_board(
        tx, mine.account_id, BoardFilter(), BoardOrder.ATTENTION, limit=20
    ),
    "states of jobs": lambda tx, mine: count_board(tx, mine.account_id, BoardFilter()),
    "newest runs of jobs": lambda tx, mine: list_marks(tx, [JobId(1), JobId(2)], limit=30),
    "runs by the hour": lambda tx, mine: count_runs_by_hour(tx, mine.account_id, since=START),
    "runs by the day": lambda tx, mine: count_runs_by_day(tx, JobId(1), since=START),
    "projects": lambda tx, mine: list_projects(tx, mine.account_id, EVERYTHING, BY_ID),
    "environments": lambda tx, mine: list_environments(tx, mine.account_id, EVERYTHING, BY_ID),
    "environments of another's project": lambda tx, mine: list_environments(
        tx, mine.account_id, ScopeFilter(project_ids=[1_001]), BY_ID
    ),
}


@pytest.fixture
async def beside_many(tenant: Tenant, store: Store, clock: ManualClock) -> Tenant:
    """An account with two runs, beside one with very many of everything."""
    await tenant.start("run-1")
    await tenant.start("run-2", job_name="hourly")
    await a_tenant(store, clock, OTHER)
    async with store.write() as tx:
        for copy in COPIES:
            await tx.execute(sa.text(copy), {"many": MANY} if ":many" in copy else {})
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    return tenant


async def test_reading_looks_at_no_other_accounts_rows(
    store: Store, beside_many: Tenant, subtests: pytest.Subtests
):
    for reading, read in READINGS.items():
        with subtests.test(reading=reading):
            async with store.read() as tx:
                async with statements_of(tx) as statements:
                    await read(tx, beside_many)
                scans = [scan for one in statements for scan in await scans_of(tx, one)]

            assert scans
            # SQLite tells of no numbers, but whether it enters a table or goes through it.
            assert [scan for scan in scans if scan.is_whole and scan.table in metadata.tables] == []
            assert sum(scan.rows for scan in scans) < A_FEW
