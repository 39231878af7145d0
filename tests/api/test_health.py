"""What watchers of the service ask: does the process live, and can it do its work."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.operations.service.presence import show_life
from runhook.storage.engine.store import Store
from tests.support.api import ORIGIN, Api, told
from tests.support.clock import ManualClock
from tests.support.databases import VAULT
from tests.support.ports import a_port_where_nobody_listens


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/healthz/", "/readyz/"])
async def test_a_service_with_its_database_is_well_and_ready(api: Api, path: str):
    answer = await api.client().get(ORIGIN + path)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_service_that_does_not_deliver_is_well_and_not_ready(api: Api):
    client = replace(api, is_delivering=lambda: False).client()

    well = await client.get(f"{ORIGIN}/healthz")
    ready = await client.get(f"{ORIGIN}/readyz")

    assert well.status_code == 200
    assert told(ready, 503) == "The dispatcher is not delivering; the log says why."
    assert ready.headers["retry-after"] == "5"


async def test_a_service_without_a_dispatcher_is_ready_and_counts_those_of_others(
    api: Api, clock: ManualClock
):
    client = replace(api, is_delivering=None).client()
    alone = await client.get(f"{ORIGIN}/readyz")
    worker = Replica(
        name="worker",
        host="a-host",
        roles=(ReplicaRole.DISPATCHER,),
        version="1.0",
        started_at=clock.now(),
    )
    await show_life(api.store, worker, (), timedelta())
    not_alone = await client.get(f"{ORIGIN}/readyz")

    assert (alone.status_code, alone.json()) == (200, {"status": "ok", "dispatchers": 0})
    assert (not_alone.status_code, not_alone.json()) == (200, {"status": "ok", "dispatchers": 1})


@pytest.fixture
def address_without_database(request: pytest.FixtureRequest, tmp_path) -> Iterator[str]:
    """Where a database should be and none is."""
    with a_port_where_nobody_listens() as port:
        yield {
            "no server at the port": f"postgresql://me@127.0.0.1:{port}/runhook",
            "no server at the socket": f"postgresql://me@/runhook?host={tmp_path}",
            "no file": f"sqlite:///{tmp_path}/not-there/runhook.db",
        }[request.param]


async def end_of_drivers_threads() -> None:
    """Wait for the threads of SQLite connections that never came to be.

    Nothing else waits for them, and one that answers after the test's event loop raises.
    """
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join)


@pytest.mark.parametrize(
    "address_without_database",
    ["no server at the port", "no server at the socket", "no file"],
    indirect=True,
)
async def test_without_its_database_it_lives_and_is_not_ready(address_without_database: str):
    store = Store.open(address_without_database, vault=VAULT)
    client = Api(store=store, clock=ManualClock()).client("Token rh_mine")

    well = await client.get(f"{ORIGIN}/healthz")
    ready = await client.get(f"{ORIGIN}/readyz")
    asked = await client.get("/webhooks/subscriptions")
    await store.close()
    await end_of_drivers_threads()

    assert well.status_code == 200
    assert told(ready, 503) == "The database is not available; try again shortly."
    assert ready.headers["retry-after"] == "5"
    assert told(asked, 503) == "The database is not available; try again shortly."
