"""Progress of a redelivery is counted by an index of redelivered deliveries alone."""

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import RedeliveryId
from runhook.storage.deliveries.redeliveries import states_of
from runhook.storage.engine.store import Store
from tests.storage.plans import scans_of
from tests.support.accounts import Tenant
from tests.support.statements import undone_statements_of

OTHERS, MINE = 10_000, 300
MINE_ID = RedeliveryId("wrd_mine")
FILL = sa.text("""
    INSERT INTO deliveries (id, account_id, webhook_id, is_test, event_type, state, body,
        attempt_count, created_at, updated_at, redelivery_id)
    WITH RECURSIVE copies (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < :many
    )
    SELECT 'wev_' || :prefix || number, account_id, id, false, 'job.run.started',
        CASE WHEN number % 3 = 0 THEN 'failed' ELSE 'succeeded' END, '', 1, 0, 0, :redelivery
    FROM webhooks CROSS JOIN copies
""")


async def test_counting_a_redelivery_looks_at_its_own_deliveries_in_an_index(
    store: Store, tenant: Tenant
):
    webhook = await tenant.webhook()
    async with store.write() as tx:
        await tx.execute(FILL, {"prefix": "a", "many": OTHERS, "redelivery": None})
        await tx.execute(FILL, {"prefix": "b", "many": MINE, "redelivery": MINE_ID})
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))

    async with store.write() as tx:
        async with undone_statements_of(tx) as statements:
            found = await states_of([MINE_ID], tx=tx)
        (statement,) = statements
        scans = [scan for scan in await scans_of(tx, statement) if scan.index]

    assert found == {
        (MINE_ID, webhook.id): {DeliveryState.FAILED: 100, DeliveryState.SUCCEEDED: 200}
    }
    assert [scan.index for scan in scans] == ["ix_deliveries_redelivered"]
    assert not any(scan.is_whole for scan in scans)
    assert scans[0].rows in {0, MINE}
