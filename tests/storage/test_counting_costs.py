"""How webhooks do is read from what was counted: a bounded range for each, and no delivery."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import DURATION_COLUMNS
from runhook.storage.webhooks.statistics import (
    count_by_hour,
    delete_old_attempt_counts,
    list_attempt_counts,
)
from tests.storage.plans import scans_of
from tests.support.accounts import Tenant
from tests.support.clock import START
from tests.support.statements import undone_statements_of

HOUR = timedelta(hours=1)
HOURS = 720
WEBHOOKS = 6
HISTORY = sa.text(f"""
    INSERT INTO attempt_counts (webhook_id, hour, ends_at, account_id, succeeded, failed, longest,
        {", ".join(DURATION_COLUMNS)})
    WITH RECURSIVE hours (number) AS (
        SELECT 0 UNION ALL SELECT number + 1 FROM hours WHERE number < 2 * :hours - 1
    )
    SELECT id, :start - number * CAST(3600000000 AS BIGINT),
        :start - (number - 1) * CAST(3600000000 AS BIGINT), account_id, 1, 0, 1000,
        1 {", 0" * (len(DURATION_COLUMNS) - 1)}
    FROM webhooks CROSS JOIN hours
""")
"""Twice as many hours of each webhook as an overview is about."""

Look = Callable[[Transaction, Webhook], Awaitable[object]]
KEYS = {"pk_attempt_counts", "sqlite_autoindex_attempt_counts_1"}
LOOKS: dict[str, tuple[Look, set[str], int]] = {
    "an overview of 30 days": (
        lambda tx, one: list_attempt_counts(
            tx, one.account_id, one.id, since=START - (HOURS - 1) * HOUR
        ),
        KEYS,
        HOURS,
    ),
    "a list with two webhooks": (
        lambda tx, one: count_by_hour(
            tx, one.account_id, [one.id, "wsu_of_nobody"], since=START - 23 * HOUR
        ),
        KEYS,
        24,
    ),
    "pruning when nothing is old": (
        lambda tx, _: delete_old_attempt_counts(tx, before=START - 3 * HOURS * HOUR, limit=500),
        {"ix_attempt_counts_ends_at", *KEYS},
        0,
    ),
}


@pytest.fixture
async def webhook(tenant: Tenant, store: Store) -> Webhook:
    """One of several webhooks that much was counted of."""
    webhooks = [await tenant.webhook() for _ in range(WEBHOOKS)]
    async with store.write() as tx:
        start = int(START.timestamp()) * 1_000_000
        await tx.execute(HISTORY, {"hours": HOURS, "start": start})
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    return webhooks[2]


@pytest.mark.parametrize("look", LOOKS)
async def test_it_looks_at_so_many_hours_and_at_nothing_else(
    store: Store, webhook: Webhook, look: str
):
    call, indexes, rows = LOOKS[look]

    async with store.write() as tx:
        async with undone_statements_of(tx) as statements:
            await call(tx, webhook)
        (statement,) = statements
        scans = await scans_of(tx, statement)

    entered = [scan for scan in scans if scan.index or scan.table == "attempt_counts"]
    assert {scan.index for scan in entered} <= indexes
    assert entered
    assert not any(scan.is_whole for scan in entered)
    assert sum(scan.rows for scan in entered) in {0, rows}
