"""No row belongs to nothing, and what belongs to a row goes with it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import attempts, deliveries, events, runs
from tests.storage.claiming import claim, fail_first_attempt
from tests.support.accounts import Tenant, rows_of


async def test_the_database_refuses_rows_that_belong_to_nothing(store: Store):
    orphan = sa.text(
        "INSERT INTO projects (account_id, name, created_at, used_at)"
        " VALUES (404, 'of an account that is not there', 0, 0)"
    )

    with pytest.raises(sa.exc.IntegrityError):
        async with store.write() as tx:
            await tx.execute(orphan)


async def test_a_run_that_deliveries_speak_of_cannot_be_deleted(tenant: Tenant, store: Store):
    await tenant.webhook()
    await tenant.start()

    with pytest.raises(sa.exc.IntegrityError):
        async with store.write() as tx:
            await tx.execute(sa.delete(runs))


async def test_attempts_go_with_their_delivery_and_events_with_their_run(
    tenant: Tenant, store: Store
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1})
    await fail_first_attempt(store, claimed, retry=timedelta(seconds=1))
    assert len(await rows_of(store, attempts)) == len(await rows_of(store, events)) == 1

    async with store.write() as tx:
        await tx.execute(sa.delete(deliveries))
        await tx.execute(sa.delete(runs))

    assert await rows_of(store, attempts) == []
    assert await rows_of(store, events) == []
