"""Looking into a long log costs what is looked at, and that is bounded."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import RunId
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.deliveries.rows import (
    EVERY_DELIVERY,
    SEARCHED,
    DeliveryFilter,
    list_deliveries,
    searched_back_to,
)
from runhook.storage.engine.store import Store
from tests.storage.plans import Scan, scans_of
from tests.support.accounts import Tenant, a_tenant
from tests.support.clock import ManualClock
from tests.support.statements import statements_of

MANY = SEARCHED + 2_000
"""More than one look sees."""
FAILED_EACH = 1_500
A_FEW = 100
FAILED = DeliveryFilter(states=[DeliveryState.FAILED])
CANCELED_RUNS = DeliveryFilter(event_types=[EventType.CANCELED])

COPY = sa.text("""
    WITH RECURSIVE copies (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < :many
    )
    INSERT INTO deliveries (id, account_id, webhook_id, run_id, event_sequence, event_type, job_id,
        is_test, state, body, attempt_count, created_at, updated_at)
    SELECT :prefix || (10000000 + number),
        account_id, webhook_id, run_id, 1, event_type, job_id, is_test,
        CASE WHEN number % :failed_each = 0 THEN 'failed' ELSE 'succeeded' END,
        body, 1, created_at - CAST(1000000 AS BIGINT) * (:many - number + 1), updated_at
    FROM copies CROSS JOIN
        (SELECT * FROM deliveries WHERE webhook_id = :webhook_id LIMIT 1) AS one
""")


@pytest.fixture
async def busy(tenant: Tenant, store: Store, clock: ManualClock) -> Webhook:
    """A webhook with a long history, one in so many of it failed, beside newer ones of others."""
    busy = await tenant.webhook()
    await tenant.start("run-1")
    neighbour = await tenant.webhook(name="a neighbour")
    await tenant.start("run-2")
    stranger = await a_tenant(store, clock, 2)
    strange = await stranger.webhook()
    await stranger.start("run-1")
    async with store.write() as tx:
        for prefix, webhook in (("wev_0", busy), ("wev_1", neighbour), ("wev_2", strange)):
            await tx.execute(
                COPY,
                {
                    "prefix": prefix,
                    "many": MANY,
                    "failed_each": FAILED_EACH,
                    "webhook_id": webhook.id,
                },
            )
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    return busy


async def looked_at(
    store: Store,
    webhook: Webhook,
    chosen: DeliveryFilter = EVERY_DELIVERY,
    *,
    webhook_id: WebhookId | None,
) -> list[Scan]:
    """How the page's query finds its deliveries, but for those that it returns."""
    async with store.read() as tx:
        async with statements_of(tx) as statements:
            await list_deliveries(tx, webhook.account_id, webhook_id, chosen, limit=10, offset=0)
        statement = statements[-1]
        scans = await scans_of(tx, statement)
    keys = {"pk_deliveries", "sqlite_autoindex_deliveries_1"}
    return [
        scan for scan in scans if scan.table.startswith("deliveries") and scan.index not in keys
    ]


async def test_a_page_of_a_webhooks_log_looks_at_a_page(store: Store, busy: Webhook):
    scans = await looked_at(store, busy, webhook_id=busy.id)

    assert {scan.index for scan in scans} == {"ix_deliveries_recent"}
    assert sum(scan.rows for scan in scans) < A_FEW


async def test_a_page_of_an_accounts_log_looks_at_a_page(store: Store, busy: Webhook):
    scans = await looked_at(store, busy, webhook_id=None)

    assert {scan.index for scan in scans} == {"ix_deliveries_of_account"}
    assert sum(scan.rows for scan in scans) < A_FEW


@pytest.mark.parametrize("of_account", [False, True])
async def test_what_did_not_arrive_is_found_without_looking_at_what_did(
    store: Store, busy: Webhook, *, of_account: bool
):
    scans = await looked_at(store, busy, FAILED, webhook_id=None if of_account else busy.id)

    assert {scan.index for scan in scans} <= {
        "ix_deliveries_unsent",
        "ix_deliveries_unsent_of_account",
    }
    assert scans
    assert sum(scan.rows for scan in scans) < A_FEW


@pytest.mark.parametrize("of_account", [False, True])
async def test_a_runs_deliveries_are_found_by_the_run(
    tenant: Tenant, store: Store, busy: Webhook, *, of_account: bool
):
    run = await tenant.start("run-3")
    chosen = DeliveryFilter(run_id=run.id, states=[DeliveryState.SUCCEEDED])

    scans = await looked_at(store, busy, chosen, webhook_id=None if of_account else busy.id)

    assert {scan.index for scan in scans} == {"ix_deliveries_order"}
    assert sum(scan.rows for scan in scans) < A_FEW


async def test_what_no_index_tells_is_looked_for_so_far_and_no_farther(store: Store, busy: Webhook):
    chosen = DeliveryFilter(states=[DeliveryState.FAILED, DeliveryState.PENDING])

    async with store.read() as tx:
        seen = await list_deliveries(tx, busy.account_id, busy.id, chosen, limit=MANY, offset=0)
        reached = await searched_back_to(tx, busy.account_id, busy.id, chosen)
        further = replace(chosen, until=reached)
        rest = await list_deliveries(tx, busy.account_id, busy.id, further, limit=MANY, offset=0)

    assert [one.state for one in seen] == [DeliveryState.PENDING] * 2 + [DeliveryState.FAILED] * 7
    assert [one.state for one in rest] == [DeliveryState.FAILED]


async def test_a_search_says_how_far_it_looked_and_goes_on_from_there(
    tenant: Tenant, store: Store, busy: Webhook
):
    async with store.read() as tx:
        reached = await searched_back_to(tx, busy.account_id, busy.id, CANCELED_RUNS)
        assert reached is not None
        rest = await list_deliveries(
            tx, busy.account_id, busy.id, DeliveryFilter(until=reached), limit=MANY, offset=0
        )
        newest = await list_deliveries(
            tx, busy.account_id, busy.id, DeliveryFilter(since=reached), limit=MANY, offset=0
        )
        assert await searched_back_to(tx, busy.account_id, busy.id, FAILED) is None
        assert await searched_back_to(tx, busy.account_id, busy.id, EVERY_DELIVERY) is None

    assert len(newest) == SEARCHED - 1
    assert len(rest) + len(newest) == MANY + 2


async def test_a_run_of_nobody_has_no_deliveries(store: Store, busy: Webhook):
    chosen = DeliveryFilter(run_id=RunId(2**63 - 1))

    async with store.read() as tx:
        assert await list_deliveries(tx, busy.account_id, None, chosen, limit=1, offset=0) == []
