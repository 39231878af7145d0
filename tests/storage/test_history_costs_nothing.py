"""Claiming enters indexes where it finds what it wants: neither a dead webhook's many pending rows
nor finished history is looked at."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import Claim, DeliveryState, Lease
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.run import JobId, RunId
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.storage.deliveries.backlog import backlog_of, count_sending
from runhook.storage.deliveries.claims import (
    claim_due,
    end_attempts,
    hold_claims,
    release_claims,
    renew_claims,
    return_abandoned,
)
from runhook.storage.deliveries.consuming import first_waiting, waiting_of_runs
from runhook.storage.deliveries.gates import Turn, pass_gates
from runhook.storage.deliveries.rows import list_told_of_missed
from runhook.storage.deliveries.waiting import waiting_webhooks
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import webhooks
from runhook.storage.runs.rows import find_runs_by_key, lock_runs
from tests.storage.claiming import a_failed_attempt
from tests.storage.plans import Scan, scans_of
from tests.support.accounts import Tenant, end_waiting
from tests.support.clock import START, ManualClock
from tests.support.statements import undone_statements_of

MANY = 2_000
A_FEW = 200
LEASE = Lease(owner="a worker", duration=timedelta(seconds=30))
A_TURN = Turn(cost=timedelta(), lateness=timedelta(), due_at=START)

COPY_RUN = sa.text("""
    WITH RECURSIVE copies (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < :many
    )
    INSERT INTO runs (id, account_id, job_id, run_key, start_fingerprint, run_reason, dbt_version,
        status, event_count, started_at, heartbeat_at, longest_silence, created_at)
    SELECT 1000 + number, account_id, job_id, 'copy ' || number, '', '', '',
        10, 1, started_at, heartbeat_at, longest_silence, created_at
    FROM runs CROSS JOIN copies WHERE run_key = 'run-1'
""")
COPY_DELIVERY = sa.text("""
    INSERT INTO deliveries (id, account_id, webhook_id, run_id, event_sequence, event_type, job_id,
        is_test, state, body, attempt_count, next_attempt_at, created_at, updated_at)
    SELECT :prefix || copy.id, one.account_id, webhook_id, copy.id, 1, event_type, one.job_id,
        is_test, :state, body, 1, next_attempt_at, one.created_at, updated_at
    FROM runs AS copy CROSS JOIN
        (SELECT * FROM deliveries WHERE webhook_id = :webhook_id LIMIT 1) AS one
    WHERE copy.run_key LIKE 'copy %'
""")


@pytest.fixture
async def healthy(tenant: Tenant, store: Store) -> WebhookId:
    """A webhook with one delivery due, beside history and a dead webhook's many pending ones."""
    dead = await tenant.webhook(name="dead")
    await tenant.start("run-1")
    finished = await tenant.webhook(name="a long history")
    await tenant.start("run-2")
    healthy = await tenant.webhook(name="healthy")
    await tenant.start("run-3")
    async with store.write() as tx:
        await tx.execute(COPY_RUN, {"many": MANY})
        await copy(tx, dead.id, "wev_dead_", DeliveryState.PENDING)
        await copy(tx, finished.id, "wev_done_", DeliveryState.SUCCEEDED)
        await copy(tx, healthy.id, "wev_past_", DeliveryState.SUCCEEDED)
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    return healthy.id


async def copy(tx: Transaction, webhook_id: WebhookId, prefix: str, state: DeliveryState) -> None:
    """Give a webhook a delivery of each copied run, in one state."""
    parameters = {"prefix": prefix, "state": state.value, "webhook_id": webhook_id}
    await tx.execute(COPY_DELIVERY, parameters)


async def scans_by(store: Store, call: Callable[[Transaction], Awaitable[object]]) -> list[Scan]:
    """How a call's statements enter their tables."""
    async with store.write() as tx:
        async with undone_statements_of(tx) as statements:
            await call(tx)
        return [scan for one in statements for scan in await scans_of(tx, one)]


async def delivery_scans(
    store: Store, call: Callable[[Transaction], Awaitable[object]]
) -> list[Scan]:
    """How a call's statements enter the deliveries."""
    scans = await scans_by(store, call)
    aliases = ("deliveries", "candidate", "earlier")
    return [scan for scan in scans if scan.table.startswith(("ix_", "pk_", *aliases))]


async def test_finding_who_waits_enters_the_index_of_pending_deliveries_once_for_each(
    store: Store, healthy: WebhookId
):
    scans = await delivery_scans(store, waiting_webhooks)

    assert {scan.index for scan in scans} == {"ix_deliveries_due"}
    assert sum(scan.rows for scan in scans) < A_FEW


async def test_finding_who_waits_walks_no_history_that_was_pending_when_statistics_were_made(
    tenant: Tenant, store: Store
):
    webhook = await tenant.webhook()
    await tenant.start("run-1")
    async with store.write() as tx:
        await tx.execute(COPY_RUN, {"many": MANY})
        await copy(tx, webhook.id, "wev_", DeliveryState.PENDING)
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
        await end_waiting(tx, DeliveryState.SUCCEEDED)
    await tenant.start("run-2")

    scans = await delivery_scans(store, waiting_webhooks)

    assert {scan.index for scan in scans} == {"ix_deliveries_due"}


async def test_who_was_told_of_missed_runs_is_found_by_their_job(store: Store, healthy: WebhookId):
    since = {JobId(1): START, JobId(2): START}

    scans = await delivery_scans(
        store, lambda tx: list_told_of_missed(tx, FIRST_ACCOUNT, since, limit=500)
    )

    assert {scan.index for scan in scans} == {"ix_deliveries_of_missed"}


async def test_claiming_looks_at_no_more_than_it_takes(store: Store, healthy: WebhookId):
    scans = await delivery_scans(store, lambda tx: claim_due(tx, {healthy: 32}, LEASE))

    assert {scan.index for scan in scans} <= {
        "ix_deliveries_due",
        "ix_deliveries_order",
        "pk_deliveries",
        "sqlite_autoindex_deliveries_1",
    }
    assert "ix_deliveries_due" in {scan.index for scan in scans}
    assert sum(scan.rows for scan in scans) < A_FEW


async def test_a_consumer_reads_no_more_than_its_page(store: Store, healthy: WebhookId):
    async with store.read() as tx:
        named = sa.select(webhooks.c.id).where(webhooks.c.name == "dead")
        unread = WebhookId((await tx.execute(named)).scalar_one())

    page = await delivery_scans(store, lambda tx: first_waiting(tx, unread, limit=10))
    of_runs = await delivery_scans(
        store, lambda tx: waiting_of_runs(tx, unread, [RunId(1001), RunId(1002)])
    )

    assert "ix_deliveries_due" in {scan.index for scan in page}
    assert not any(scan.is_whole for scan in [*page, *of_runs])
    assert {scan.index for scan in of_runs} == {"ix_deliveries_order"}
    assert sum(scan.rows for scan in [*page, *of_runs]) < A_FEW


@pytest.mark.parametrize("find", [find_runs_by_key, lock_runs])
@pytest.mark.usefixtures("healthy")
async def test_a_report_finds_its_run_without_looking_at_others(
    store: Store, find: Callable[..., Awaitable[object]]
):
    known = {find_runs_by_key: "copy 7", lock_runs: 1007}[find]

    scans = await scans_by(store, lambda tx: find(tx, [(FIRST_ACCOUNT, known)]))

    of_runs = [scan for scan in scans if scan.table == "runs" or "_runs" in (scan.index or "")]
    assert of_runs
    assert not any(scan.is_whole for scan in of_runs)
    assert sum(scan.rows for scan in of_runs) < A_FEW


async def test_passing_a_gate_looks_at_no_delivery(store: Store, healthy: WebhookId):
    scans = await delivery_scans(store, lambda tx: pass_gates(tx, {healthy: A_TURN}, LEASE))

    assert scans == []


async def test_a_paused_or_limited_webhook_is_claimed_from_at_the_same_cost(
    store: Store, healthy: WebhookId
):
    async with store.write() as tx:
        await tx.execute(sa.update(webhooks).values(paused_until=tx.now, rate_limit="10/second"))

    waiting = await delivery_scans(store, waiting_webhooks)
    claiming = await delivery_scans(store, lambda tx: claim_due(tx, {healthy: 1}, LEASE))

    assert {scan.index for scan in waiting} == {"ix_deliveries_due"}
    assert sum(scan.rows for scan in [*waiting, *claiming]) < A_FEW


async def end_claims(tx: Transaction, claims: Sequence[Claim]) -> set[Claim]:
    """End an attempt of each of these claims."""
    return await end_attempts(tx, [a_failed_attempt(one) for one in claims])


@pytest.mark.parametrize(
    "call", [hold_claims, release_claims, end_claims], ids=lambda one: one.__name__
)
async def test_what_is_claimed_is_found_by_its_id_though_nothing_was_when_statistics_were_made(
    store: Store, healthy: WebhookId, call: Callable[..., Awaitable[object]]
):
    claims = [Claim(f"wev_past_{number}", 1) for number in range(1001, 1101)]

    scans = await delivery_scans(store, lambda tx: call(tx, claims))

    assert scans != []
    assert "ix_deliveries_claimed" not in {scan.index for scan in scans}


async def test_looking_for_abandoned_claims_looks_at_claims_only(
    store: Store, healthy: WebhookId, clock: ManualClock
):
    scans = await delivery_scans(store, return_abandoned)

    # What is found there is found again by its id.
    assert {scan.index for scan in scans} - {"pk_deliveries"} == {"ix_deliveries_claimed"}
    assert sum(scan.rows for scan in scans) < A_FEW


async def test_counting_what_waits_looks_at_nothing_else(store: Store, healthy: WebhookId):
    scans = await delivery_scans(store, lambda tx: backlog_of(tx, FIRST_ACCOUNT))

    assert {scan.index for scan in scans} == {"ix_deliveries_due"}


async def test_counting_what_is_being_sent_looks_at_nothing_else(store: Store, healthy: WebhookId):
    scans = await delivery_scans(store, lambda tx: count_sending(tx, FIRST_ACCOUNT))

    assert {scan.index for scan in scans} == {"ix_deliveries_claimed"}


async def test_renewing_a_lease_finds_the_delivery_by_its_id(store: Store, healthy: WebhookId):
    async with store.write() as tx:
        (claimed,) = await claim_due(tx, {healthy: 1}, LEASE)

    scans = await delivery_scans(
        store, lambda tx: renew_claims(tx, [claimed.claim], LEASE.duration)
    )

    assert sum(scan.rows for scan in scans) <= 2
    assert all(scan.index for scan in scans)
