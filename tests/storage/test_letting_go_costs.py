"""Looking for unused tokens, webhooks and jobs costs next to nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.runs.scopes import ScopeKind
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import metadata
from runhook.storage.people.tokens import delete_old_tokens
from runhook.storage.runs.scopes import count_references, look_at_scopes
from runhook.storage.webhooks.rows import delete_old_webhooks
from tests.storage.plans import scans_of
from tests.support.accounts import Tenant
from tests.support.clock import START
from tests.support.statements import undone_statements_of

MANY = 3_000
PAGE = 50
BEFORE = START - timedelta(days=30)
EMPTY = {"deliveries", "attempt_counts", "redeliveries", "redelivery_shares"}
"""PostgreSQL looks at the whole of nothing."""

COPIES = (
    """INSERT INTO jobs (id, account_id, environment_id, name, created_at, used_at)
       WITH RECURSIVE copies (number) AS (
           SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < :many
       )
       SELECT 1000 + number, account_id, environment_id, 'copy ' || number, created_at, used_at
       FROM jobs CROSS JOIN copies""",
    """INSERT INTO runs (account_id, job_id, run_key, start_fingerprint, run_reason, dbt_version,
           status, event_count, started_at, heartbeat_at, longest_silence, created_at)
       SELECT account_id, id, 'of ' || id, '', '', '', 10, 1, created_at, 0, 0, created_at
       FROM jobs""",
    """INSERT INTO expectations (job_id, every, grace, missed_at, missed_count)
       SELECT id, 1, 1, created_at, 0 FROM jobs""",
    """INSERT INTO tokens (account_id, name, permission_set, digest, created_by, created_at,
           expires_at, revoked_at)
       SELECT account_id, '', 'read_only', 'digest ' || id, '', created_at,
           CASE WHEN id % 2 = 0 THEN created_at END, CASE WHEN id % 2 = 1 THEN created_at END
       FROM jobs""",
    """INSERT INTO webhooks (id, account_id, name, description, client_url, event_types, job_ids,
           project_ids, environment_ids, active, payload_version, result_filter, custom_headers,
           mention, created_at, updated_at, deleted_at)
       SELECT 'wsu_' || id, account_id, '', '', '', '[]', '[]', '[]', '[]', false, '2022-05',
           '[]', '[]', '{}', created_at, created_at, CASE WHEN id % 2 = 0 THEN created_at END
       FROM jobs""",
    """INSERT INTO interests (topic, webhook_id)
       SELECT account_id || ' narrowed job ' || id, 'wsu_' || id FROM jobs""",
)

LOOKS: dict[str, tuple[Callable[[Transaction, Tenant], Awaitable[object]], set[str], int]] = {
    "old tokens": (
        lambda tx, tenant: delete_old_tokens(tx, before=BEFORE, limit=500),
        {"ix_tokens_expires_at", "ix_tokens_revoked_at"},
        0,
    ),
    "webhooks that were deleted long ago": (
        lambda tx, tenant: delete_old_webhooks(tx, before=BEFORE, limit=500),
        {"ix_webhooks_deleted"},
        0,
    ),
    "a page of jobs that may be unused": (
        lambda tx, tenant: look_at_scopes(
            tx, ScopeKind.JOB, beyond=1_500, before=START + timedelta(days=1), limit=PAGE
        ),
        {"ix_runs_of_job"},
        # A job, a run, an expectation and a topic of each.
        4 * PAGE,
    ),
    "what refers to a job": (
        lambda tx, tenant: count_references(tx, tenant.account_id, ScopeKind.JOB, 1_500),
        {"ix_runs_of_job"},
        10,
    ),
}


@pytest.fixture
async def with_many(tenant: Tenant, store: Store) -> Tenant:
    """An account with many jobs, tokens and deleted webhooks, none of them old."""
    await tenant.start()
    for copy in COPIES:
        async with store.write() as tx:
            await tx.execute(sa.text(copy), {"many": MANY} if ":many" in copy else None)
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    return tenant


@pytest.mark.parametrize("look", LOOKS)
async def test_looking_enters_indexes_and_no_more_rows_than_it_has_to(
    store: Store, with_many: Tenant, look: str
):
    call, indexes, rows = LOOKS[look]

    async with store.write() as tx:
        async with undone_statements_of(tx) as statements:
            await call(tx, with_many)
        scans = [scan for one in statements for scan in await scans_of(tx, one)]

    tables = [scan for scan in scans if scan.table in metadata.tables]
    assert indexes <= {str(scan.index) for scan in scans}
    assert [scan for scan in tables if scan.is_whole and scan.table not in EMPTY] == []
    assert sum(scan.rows for scan in tables) <= rows
