"""Looking for rows to delete, give up or redeliver enters indexes where it lies: with much
history, of which nothing is, it costs next to nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.redeliveries import LogPlace, Picked, Selection
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.run import RunId
from runhook.operations.ids import first_delivery_id_of
from runhook.storage.deliveries.picked import look_for_picked
from runhook.storage.deliveries.redeliveries import delete_old_redeliveries, lock_due_share
from runhook.storage.deliveries.rows import cancel_pending, look_at_old_deliveries
from runhook.storage.deliveries.unsent import (
    count_pending,
    count_unsent,
    look_for_unsent,
    webhooks_with_unsent,
)
from runhook.storage.engine.columns import EPOCH
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import metadata
from runhook.storage.people.audit_log import delete_old_audit_entries
from runhook.storage.people.identities import delete_old_spent_sign_ins
from runhook.storage.people.invitations import delete_old_invitations
from runhook.storage.people.sessions import delete_old_sessions
from runhook.storage.runs.artifacts import delete_artifacts
from runhook.storage.runs.rows import RunPlace, delete_runs, lock_silent_runs, look_at_old_runs
from tests.storage.plans import Scan, scans_of
from tests.support.accounts import Tenant
from tests.support.clock import START
from tests.support.statements import undone_statements_of

MANY = 3_000
A_FEW = 200
UNSENT = 5
"""So many of the deliveries did not arrive."""
MONTH = timedelta(days=30)
EVERYTHING = Selection(since=START - timedelta(days=1))

COPIES = (
    """INSERT INTO runs (id, account_id, job_id, run_key, start_fingerprint, run_reason,
           dbt_version, status, event_count, started_at, finished_at, heartbeats, heartbeat_at,
           longest_silence, created_at)
       WITH RECURSIVE copies (number) AS (
           SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < :many
       )
       SELECT 1000 + number, account_id, job_id, 'copy ' || number, '', '', '', 10, 1, started_at,
           started_at, heartbeats, heartbeat_at, longest_silence, created_at
       FROM runs CROSS JOIN copies WHERE run_key = 'run-1'""",
    """INSERT INTO artifacts (id, run_id, step, name, size, is_whole, touched_at)
       SELECT id, id, 0, 'manifest.json', 0, true, 0 FROM runs WHERE id > 1000""",
    """INSERT INTO artifact_parts (artifact_id, number, content)
       SELECT id, 0, '' FROM artifacts WHERE id > 1000""",
    """INSERT INTO deliveries (id, account_id, webhook_id, run_id, event_sequence, event_type,
           job_id, is_test, state, body, attempt_count, created_at, updated_at)
       SELECT 'wev_z' || copy.id, one.account_id, webhook_id, copy.id, 1, event_type, one.job_id,
           is_test, CASE WHEN copy.id <= 1000 + :unsent THEN 'failed' ELSE 'succeeded' END, body, 1,
           one.created_at, updated_at
       FROM runs AS copy CROSS JOIN (SELECT * FROM deliveries LIMIT 1) AS one
       WHERE copy.id > 1000""",
    """INSERT INTO audit_entries (account_id, at, actor_kind, actor_name, action, subject_id)
       SELECT account_id, created_at, 'runhook', '', 'webhook.changed', '' FROM runs""",
    """INSERT INTO redeliveries (id, account_id, delivery_ids, since, states, event_types,
           fixed_at, is_counted, state, created_by, created_at, ended_at)
       SELECT 'wrd_' || id, account_id, '[]', 0, '[]', '[]', 0, true, 'finished', '', 0, created_at
       FROM runs""",
    """INSERT INTO redelivery_shares (redelivery_id, webhook_id, total, queued, passed_over,
           place_created_at, place_delivery_id)
       SELECT redeliveries.id, webhooks.id, 0, 0, '{}', 0, '' FROM redeliveries, webhooks""",
    """INSERT INTO users (id, email, name, password_hash, created_at)
       VALUES (1, 'ada@example.com', '', '', 0)""",
    """INSERT INTO sessions (user_id, digest, method, address, user_agent, created_at,
           last_seen_at, expires_at)
       SELECT 1, 'digest ' || id, 'password', '', '', 0, 0, created_at FROM runs""",
    """INSERT INTO spent_sign_ins (digest, expires_at)
       SELECT 'digest ' || id, created_at FROM runs""",
    """INSERT INTO invitations (account_id, role, digest, created_by, created_by_kind,
           created_at, expires_at)
       SELECT account_id, 'viewer', 'digest ' || id, '', 'runhook', 0, created_at FROM runs""",
)

Look = Callable[[Transaction, Tenant], Awaitable[object]]
BEFORE = START - MONTH

LOOKS: dict[str, tuple[Look, str]] = {
    "old deliveries": (
        lambda tx, tenant: look_at_old_deliveries(
            tx, beyond=DeliveryId(""), before=first_delivery_id_of(BEFORE), limit=2_000
        ),
        "pk_deliveries",
    ),
    "old runs": (
        lambda tx, tenant: look_at_old_runs(
            tx, beyond=RunPlace(EPOCH, RunId(0)), before=BEFORE, limit=2_000
        ),
        "ix_runs_created_at",
    ),
    "old runs' files": (
        lambda tx, tenant: delete_artifacts(tx, [RunId(1_001)], limit=500),
        "ix_artifacts_run_id",
    ),
    "old runs without files": (
        lambda tx, tenant: delete_runs(tx, [RunId(1_001)]),
        "ix_artifacts_run_id",
    ),
    "old audit entries": (
        lambda tx, tenant: delete_old_audit_entries(tx, before=BEFORE, limit=500),
        "ix_audit_entries_at",
    ),
    "old redeliveries": (
        lambda tx, tenant: delete_old_redeliveries(tx, before=BEFORE, limit=500),
        "ix_redeliveries_ended_at",
    ),
    "old sessions": (
        lambda tx, tenant: delete_old_sessions(tx, before=BEFORE, limit=500),
        "ix_sessions_expires_at",
    ),
    "sign-ins that were answered long ago": (
        lambda tx, tenant: delete_old_spent_sign_ins(tx, before=BEFORE, limit=500),
        "ix_spent_sign_ins_expires_at",
    ),
    "old invitations": (
        lambda tx, tenant: delete_old_invitations(tx, before=BEFORE, limit=500),
        "ix_invitations_expires_at",
    ),
    "silent runs": (
        lambda tx, tenant: lock_silent_runs(tx, limit=100),
        "ix_runs_open",
    ),
    "what was picked, of a webhook": (
        lambda tx, tenant: look_for_picked(
            tx,
            tenant.account_id,
            next(iter(tenant.secrets)),
            Picked((DeliveryId("wev_1001"), DeliveryId("wev_1002"))),
            fixed_at=START,
            place=LogPlace(EPOCH, DeliveryId("")),
            limit=500,
        ),
        "pk_deliveries",
    ),
    "a step of a redelivery": (
        lambda tx, tenant: lock_due_share(tx),
        "ix_redelivery_shares_next_step_at",
    ),
    "what did not arrive, of an account": (
        lambda tx, tenant: count_unsent(
            tx, tenant.account_id, EVERYTHING, fixed_at=START, limit=100_000
        ),
        "ix_deliveries_unsent_of_account",
    ),
    "what did not arrive, of a webhook": (
        lambda tx, tenant: look_for_unsent(
            tx,
            tenant.account_id,
            next(iter(tenant.secrets)),
            EVERYTHING,
            fixed_at=START,
            place=LogPlace(EVERYTHING.since, DeliveryId("")),
            limit=500,
        ),
        "ix_deliveries_unsent",
    ),
    "which webhooks something did not arrive at": (
        lambda tx, tenant: webhooks_with_unsent(tx, tenant.account_id, EVERYTHING),
        "ix_deliveries_unsent",
    ),
    "what waits for a webhook that is off": (
        lambda tx, tenant: cancel_pending(tx, next(iter(tenant.secrets)), limit=1_000),
        "ix_deliveries_due",
    ),
    "what waits for a webhook": (
        lambda tx, tenant: count_pending(tx, next(iter(tenant.secrets)), limit=101),
        "ix_deliveries_due",
    ),
}
OF_ONE_ROW = {"webhooks", "jobs", "environments", "projects"}
"""PostgreSQL looks at the whole of these."""
OF_SQLITE = {
    "sqlite_autoindex_deliveries_1": "pk_deliveries",
}
AS_GOOD = {"ix_deliveries_unsent": "ix_deliveries_unsent_of_account"}
"""In an account of one webhook both find the same."""


@pytest.fixture
async def with_history(tenant: Tenant, store: Store) -> Tenant:
    """An account with much of everything, nothing of it older than the retention."""
    await tenant.webhook()
    await tenant.start("run-1")
    async with store.write() as tx:
        for copy in COPIES:
            names = {"many": MANY, "unsent": UNSENT}
            await tx.execute(
                sa.text(copy), {name: one for name, one in names.items() if f":{name}" in copy}
            )
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    return tenant


async def test_looking_costs_next_to_nothing(
    store: Store, with_history: Tenant, subtests: pytest.Subtests
):
    for look, (call, index) in LOOKS.items():
        with subtests.test(look=look):
            scans = await scans_of_call(store, call, with_history)

            tables = [scan for scan in scans if scan.table in metadata.tables]
            used = {OF_SQLITE.get(str(scan.index), str(scan.index)) for scan in scans}
            assert used & {index, AS_GOOD.get(index, index)}
            assert [scan for scan in tables if scan.is_whole and scan.table not in OF_ONE_ROW] == []
            assert sum(scan.rows for scan in tables) < A_FEW


async def scans_of_call(store: Store, call: Look, tenant: Tenant) -> list[Scan]:
    """How a call's statement enters tables; it leaves no trace."""
    async with store.write() as tx:
        async with undone_statements_of(tx) as statements:
            await call(tx, tenant)
        # PostgreSQL runs what it explains.
        async with undone_statements_of(tx):
            return [scan for one in statements for scan in await scans_of(tx, one)]
