"""A report that does not fit on the disk is not answered with success, and later ones are."""

import time
from pathlib import Path

import sqlalchemy as sa

from runhook.domain.people.permissions import PermissionSet
from runhook.operations.people.begin import begin_service
from runhook.server.service.metrics import looked_up
from runhook.storage.engine.outage import DISK_LASTS
from runhook.storage.engine.store import Store
from tests.support.api import ORIGIN, Api, data_of, new_webhook, told
from tests.support.clock import ManualClock
from tests.support.databases import VAULT, SqliteDatabases
from tests.support.receiver import Receiver

PLENTY = 1_000_000


async def limit_pages(store: Store, pages: int) -> None:
    """Let the file have no more than so many pages, or no more than it has already."""
    async with store.write() as tx:
        await tx.execute(sa.text(f"PRAGMA max_page_count = {pages}"))


async def test_a_disk_that_is_full_for_a_while(
    sqlite_databases: SqliteDatabases, tmp_path: Path, clock: ManualClock
):
    with sqlite_databases.new(tmp_path) as url:
        store = Store.open(url, vault=VAULT, clock=clock.as_sql())
        await begin_service(store, bootstrap_token=None, clock=clock)
        api = Api(store=store, clock=clock)
        async with (
            Receiver() as receiver,
            await api.client_with(PermissionSet.ACCOUNT_ADMIN) as client,
        ):
            await new_webhook(client, client_url=receiver.url, event_types=["job.run.started"])
            await limit_pages(store, 1)
            succeeded = 0
            while (answer := await start_run(client, succeeded)).status_code == 201:
                succeeded += 1
            ready = await client.get(f"{ORIGIN}/readyz")
            is_up = await is_database_up(store)
            in_between = (await client.get("/runs")).json()["extra"]["pagination"]["total_count"]
            await limit_pages(store, PLENTY)
            again = await start_run(client, succeeded)
            await api.deliver()
            ready_at_once = await client.get(f"{ORIGIN}/readyz")
            is_up_at_once = await is_database_up(store)
            store.outage.steady = lambda: time.monotonic() + DISK_LASTS.total_seconds()
            await start_run(client, succeeded)
            ready_again = await client.get(f"{ORIGIN}/readyz")
            is_up_again = await is_database_up(store)
        await store.close()

    assert told(answer, 503).startswith("The database's disk is full")
    assert told(ready, 503) == told(answer, 503)
    assert not is_up
    assert answer.headers["retry-after"] == "5"
    assert in_between == succeeded
    assert data_of(again, 201)["run_key"] == f"run-{succeeded}"
    assert len(receiver.received) == succeeded + 1
    # A small transaction may succeed on a disk that is full.
    assert (ready_at_once.status_code, is_up_at_once) == (503, False)
    assert (ready_again.status_code, is_up_again) == (200, True)


async def is_database_up(store: Store) -> bool:
    """What the metrics say of the database."""
    up = next(one for one in await looked_up(store) if one.name == "runhook_database_up")
    return up.samples[0].value == 1


async def start_run(client, number: int):
    """Report that a run of a job with a long name started."""
    report = {"job_name": "n" * 200, "run_key": f"run-{number}"}
    return await client.post("/runs", json=report)
