"""A redelivery in bulk outlives the process that began it."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx

from runhook.dispatcher.limits import LIMITS
from runhook.operations.deliveries.redeliver_step import BACKLOG, STEP
from tests.support.api import data_of, new_run, new_webhook
from tests.support.misbehaving import once
from tests.support.patience import PATIENCE
from tests.support.program import Service
from tests.support.receiver import Receiver, status

TOKEN = "rh_a-bootstrap-token-of-a-test"
MANY = BACKLOG + STEP + 50
"""More than a redelivery puts into the queue before the endpoint has answered."""


async def test_a_redelivery_goes_on_after_a_crash_until_each_delivery_has_arrived(
    database_url: str, tmp_path: Path
):
    environment = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    if database_url.startswith("postgresql"):
        environment["RUNHOOK_DATABASE_URL"] = database_url
    released = asyncio.Event()
    async with Receiver(once(released, status(200))) as receiver:
        async with Service(folder=tmp_path, environment=environment) as service:
            async with account_of(service) as client:
                await skip_many(client, receiver)
                begun = data_of(await client.post(PATH, json={"since": an_hour_ago()}), 201)
                await receiver.wait_for(1)
                before = data_of(await client.get(f"{PATH}/{begun['id']}"))
            await service.kill()
        released.set()
        await let_leases_end(database_url)

        async with Service(folder=tmp_path, environment=environment) as service:
            await each_has_arrived(receiver)
            async with account_of(service) as client:
                after = data_of(await client.get(f"{PATH}/{begun['id']}"))
            assert await service.stop() == 0

    assert (before["state"], before["total"]) == ("running", MANY)
    assert 0 < before["queued"] < MANY
    assert (after["total"], after["queued"]) == (MANY, MANY)
    # Nothing but what was under way at the crash may arrive twice.
    assert len(receiver.received) - MANY <= LIMITS.requests_per_lane


PATH = "/webhooks/redeliveries"


def account_of(service: Service) -> httpx.AsyncClient:
    """A client of a service's first account."""
    return httpx.AsyncClient(
        base_url=f"{service.url}/api/v3/accounts/1/",
        headers={"Authorization": f"Token {TOKEN}"},
        timeout=PATIENCE,
    )


def an_hour_ago() -> str:
    return (datetime.now(UTC) - timedelta(hours=1)).isoformat()


async def skip_many(client: httpx.AsyncClient, receiver: Receiver) -> None:
    """Let many runs start while their webhook is inactive, and set it active."""
    webhook = await new_webhook(
        client, client_url=receiver.url, event_types=["job.run.started"], active=False
    )
    await asyncio.gather(*(new_run(client) for _ in range(MANY)))
    data_of(await client.put(f"/webhooks/subscription/{webhook['id']}", json={"active": True}))


async def let_leases_end(database_url: str) -> None:
    """Do what time would; a SQLite database's leases end with the process that held them."""
    if database_url.startswith("postgresql"):
        connection = await asyncpg.connect(database_url)
        await connection.execute("UPDATE deliveries SET claimed_until = 0 WHERE state = 'sending'")
        await connection.close()


async def each_has_arrived(receiver: Receiver) -> None:
    """Wait until every delivery has arrived once at least."""
    while len(Counter(one.headers["webhook-id"] for one in receiver.received)) < MANY:
        await receiver.wait_for(len(receiver.received) + 1)
