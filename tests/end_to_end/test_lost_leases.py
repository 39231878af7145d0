"""A process that is suspended past its leases goes on, and records nothing of what it lost."""

import asyncio
import signal
from pathlib import Path

import httpx

from runhook.dispatcher.limits import LIMITS
from runhook.storage.engine.tables import deliveries
from tests.support.api import new_run, new_webhook
from tests.support.databases import open_store
from tests.support.misbehaving import once
from tests.support.patience import until
from tests.support.program import Service
from tests.support.receiver import Receiver, status
from tests.support.running import LONG, TOKEN, account_of, nobody_else_writing, states

WAITING = 4
"""So many wait in the lane behind those that are under way."""
MANY = LIMITS.requests_per_lane + WAITING
END_CLAIMS = "UPDATE deliveries SET claimed_until = 0 WHERE state = 'sending'"


async def attempts_of(database: str) -> list[int]:
    """How many attempts each delivery had."""
    store = open_store(database)
    async with store.read() as tx:
        found = list((await tx.execute(deliveries.select())).scalars("attempt_count"))
    await store.close()
    return found


async def test_a_process_that_was_suspended_delivers_what_it_lost_and_ends_when_told(
    tmp_path: Path, database_url: str, client: httpx.AsyncClient
):
    answering = asyncio.Event()
    environment = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
        "RUNHOOK_DATABASE_URL": database_url,
    }
    hanging = [once(answering, status(200))] * LIMITS.requests_per_lane
    async with (
        Receiver(*hanging, status(200)) as receiver,
        Service(folder=tmp_path, environment=environment) as service,
    ):
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await asyncio.gather(*(new_run(api, run_key=f"run-{number}") for number in range(MANY)))
        await receiver.wait_for(LIMITS.requests_per_lane)

        # Suspended within a transaction, it would keep what that has locked.
        async with nobody_else_writing(database_url) as execute:
            service.send(signal.SIGSTOP)
            # Do what time would.
            await execute(END_CLAIMS)
        service.send(signal.SIGCONT)
        await service.says("claims.rescued")
        answering.set()

        async def all_delivered() -> bool:
            return await states(database_url) == {"succeeded": MANY}

        await until(all_delivered)
        assert await service.stop() == 0

    assert await attempts_of(database_url) == [1] * MANY
    assert "its lease was over" in service.output
    assert "Traceback" not in service.output
