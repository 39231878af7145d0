"""A SQLite file does not grow with time: what is pruned makes room for what comes."""

import asyncio
from datetime import timedelta

import pytest

from runhook.dispatcher.pruner import INTERVAL, Pruner
from runhook.storage.engine.store import Store
from runhook.storage.runs.artifacts import add_parts, begin_artifact, finish_artifact
from tests.support.accounts import Tenant, a_tenant
from tests.support.clock import ManualClock, trust_the_clock
from tests.support.databases import VAULT
from tests.support.patience import work_off

RETENTION = timedelta(days=30)
RUNS = 300
FILE = bytes(range(256)) * 400


async def pages_of(store: Store) -> int:
    """How many pages the file has, free ones counted."""
    async with store.read() as tx:
        return int((await tx.connection.exec_driver_sql("PRAGMA page_count")).scalar_one())


async def live_through(tenant: Tenant, month: int) -> None:
    """Let runs come and go, with what they leave in the log."""
    runs = await asyncio.gather(*(tenant.start(f"{month} {number}") for number in range(RUNS)))
    await asyncio.gather(*(tenant.finish(run) for run in runs))
    async with tenant.store.write() as tx:
        for run in runs[:20]:
            file = await begin_artifact(tx, run.id, "manifest.json", size=len(FILE))
            assert file is not None
            await add_parts(tx, file, 0, [FILE])
            await finish_artifact(tx, tenant.account_id, run.id, file)


async def prune(tenant: Tenant) -> None:
    """Prune until nothing is left to prune."""
    await trust_the_clock(tenant.store)
    pruner = Pruner(tenant.store, retention=RETENTION, steady=tenant.clock.steady)
    await work_off(pruner.tick, idle=INTERVAL)


@pytest.fixture
async def tenant(sqlite_url: str) -> Tenant:
    clock = ManualClock()
    store = Store.open(sqlite_url, vault=VAULT, clock=clock.as_sql())
    tenant = await a_tenant(store, clock)
    await tenant.webhook(active=False)
    yield tenant
    await store.close()


async def test_the_file_is_as_large_after_a_year_as_after_a_month(tenant: Tenant):
    before = await pages_of(tenant.store)
    sizes = []
    for month in range(12):
        await live_through(tenant, month)
        sizes.append(await pages_of(tenant.store))
        tenant.clock.advance(RETENTION + timedelta(seconds=1))
        await prune(tenant)

    assert sizes[0] > before + 500
    # Row ids grow by a digit or two, and pages fill up otherwise; that is all.
    assert max(sizes) <= sizes[0] * 1.05
