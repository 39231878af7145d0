"""Replicas that start together on a new database make one account of it, and go on."""

import asyncio

from runhook.operations.people.begin import begin_service
from runhook.settings import Hidden
from runhook.storage.engine.tables import accounts, tokens
from tests.support.accounts import rows_of
from tests.support.clock import ManualClock
from tests.support.databases import open_store

STARTS = 4


async def test_one_of_several_first_starts_is_the_first(database_url: str, clock: ManualClock):
    stores = [open_store(database_url) for _ in range(STARTS)]
    token = Hidden("rh_a-bootstrap-token-of-a-test")

    firsts = await asyncio.gather(
        *(begin_service(store, bootstrap_token=token, clock=clock) for store in stores)
    )
    made = await rows_of(stores[0], accounts), await rows_of(stores[0], tokens)
    for store in stores:
        await store.close()

    assert sorted(firsts) == [False] * (STARTS - 1) + [True]
    assert [len(rows) for rows in made] == [1, 1]
