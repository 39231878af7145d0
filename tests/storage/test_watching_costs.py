"""What watches the service costs the same however many webhooks there are."""

from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from runhook.storage.deliveries.backlog import LANES, backlog_of, count_paused, count_sending
from runhook.storage.deliveries.waiting import is_queue_readable
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import metadata, webhooks
from tests.storage.plans import scans_of
from tests.support.accounts import Tenant
from tests.support.statements import statements_of

MANY = 10_000
MORE_LANES = LANES + 50
Look = Callable[[Transaction], Awaitable[object]]
LOOKS: dict[str, Look] = {
    "whether the queue can be read": is_queue_readable,
    "what waits": lambda tx: backlog_of(tx, None),
    "what is being sent": lambda tx: count_sending(tx, None),
    "how many endpoints are paused": lambda tx: count_paused(tx, None),
}


async def copy_webhook(store: Store, count: int) -> None:
    """Copy the only webhook that there is, so many times."""
    async with store.write() as tx:
        columns = ", ".join(f'"{one.name}"' for one in webhooks.c if one.name != "id")
        await tx.execute(
            sa.text(
                "WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL "
                "SELECT number + 1 FROM copies WHERE number < :count) "
                f"INSERT INTO webhooks (id, {columns}) "
                f"SELECT 'wsu_0' || number, {columns} FROM webhooks, copies"
            ),
            {"count": count},
        )


@pytest.mark.parametrize("look", LOOKS)
async def test_idle_webhooks_cost_nothing(store: Store, tenant: Tenant, look: str):
    await tenant.webhook()
    await tenant.start()
    await copy_webhook(store, MANY)
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))

    async with store.read() as tx:
        async with statements_of(tx) as statements:
            await LOOKS[look](tx)
        scans = [scan for one in statements for scan in await scans_of(tx, one)]

    assert sum(scan.rows for scan in scans if scan.table in metadata.tables) < 20
    whole = [scan for scan in scans if scan.is_whole and scan.index is None]
    assert [scan for scan in whole if scan.table == "webhooks"] == []


async def test_of_many_webhooks_that_something_waits_for_so_many_are_looked_at(
    store: Store, tenant: Tenant
):
    await tenant.webhook()
    await copy_webhook(store, MORE_LANES)
    async with store.write() as tx:
        await tx.execute(
            sa.text(
                "INSERT INTO deliveries (id, account_id, webhook_id, is_test, event_type, state, "
                "body, attempt_count, next_attempt_at, created_at, updated_at) "
                "SELECT 'wev_' || id, account_id, id, false, 'job.run.started', 'pending', '', 0, "
                "0, 0, 0 FROM webhooks"
            )
        )

    async with store.read() as tx:
        backlog = await backlog_of(tx, None)

    assert (backlog.waiting, backlog.due, backlog.is_whole) == (LANES, LANES, False)
