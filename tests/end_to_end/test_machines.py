"""Workers on several machines, one of which dies while another one is cut off."""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from runhook.clock import SystemClock
from runhook.dispatcher.limits import LIMITS
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.people.callers import COMMAND_LINE
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.operations.webhooks.subscribe import WebhookChange, create_webhook
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from runhook.storage.service.data_folder import open_vault
from tests.support.accounts import a_start_report
from tests.support.databases import open_store
from tests.support.machines import NETWORKS, a_network
from tests.support.misbehaving import once
from tests.support.patience import until
from tests.support.program import Worker
from tests.support.receiver import Receiver, status
from tests.support.running import LONG, let_leases_end, states

MACHINES = 3
IN_FLIGHT = MACHINES * LIMITS.requests_per_lane
RUNS = 150


@pytest.fixture
async def new_store(tmp_path: Path):
    """Open a database that is new, as the service of that folder would."""
    async with AsyncExitStack() as stack:

        async def open_new(url: str) -> Store:
            store = open_store(url, vault=open_vault(tmp_path / "data"))
            stack.push_async_callback(store.close)
            await migrate(store)
            await begin_service(store, bootstrap_token=None, clock=SystemClock())
            return store

        yield open_new


async def publish(store: Store, url: str) -> None:
    """Make a webhook, and report that runs started."""
    change = WebhookChange(name="Alerts", client_url=url, event_types=["job.run.started"])
    clock = SystemClock()
    await create_webhook(
        Context(store, clock, COMMAND_LINE, policy=AddressPolicy.parse(NETWORKS)),
        FIRST_ACCOUNT,
        change,
    )
    publisher = Publisher(store, clock)
    await asyncio.gather(
        *(
            publisher.publish(Start(FIRST_ACCOUNT, a_start_report(f"run-{number}")))
            for number in range(RUNS)
        )
    )


async def test_everything_arrives_though_one_machine_dies_and_one_is_cut_off(
    tmp_path: Path, new_store
):
    gate = asyncio.Event()
    answers = [once(gate, status(200))] * IN_FLIGHT
    async with a_network(MACHINES) as network, AsyncExitStack() as stack:
        receiver = Receiver(*answers, status(200), listening=network.listening)
        await stack.enter_async_context(receiver)
        database = network.server.local_url
        store = await new_store(database)
        workers = [
            Worker(
                folder=tmp_path,
                environment={
                    "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
                    "RUNHOOK_ALLOW_NETWORKS": NETWORKS,
                    "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
                    "RUNHOOK_DATABASE_URL": machine.database_url,
                },
                prefix=machine.prefix,
            )
            for machine in network.machines
        ]
        await asyncio.gather(*(stack.enter_async_context(worker) for worker in workers))
        await publish(store, receiver.url)
        # Every one of them sends as much as it can.
        await receiver.wait_for(IN_FLIGHT)

        dead, cut_off, *others = workers
        line = network.machines[1].line
        await dead.kill()
        await line.cut()
        await let_leases_end(database, dead.greeted)
        await let_leases_end(database, cut_off.greeted, is_gone=False)
        gate.set()

        async def all_recorded() -> bool:
            return await states(database) == {"succeeded": RUNS}

        await until(all_recorded)
        await line.mend()
        await cut_off.says("its lease was over")
        codes = await asyncio.gather(*(worker.stop() for worker in others))
        in_the_end = await states(database)

    bodies = defaultdict(list)
    for request in receiver.received:
        bodies[request.headers["webhook-id"]].append(request.body)
    assert codes == [0] * len(others)
    assert in_the_end == {"succeeded": RUNS}
    assert len(bodies) == RUNS
    assert all(set(same) == {same[0]} for same in bodies.values())
    # What came twice was being sent by the dead one, or was held by the one that was cut off.
    assert (
        RUNS + 2 * LIMITS.requests_per_lane
        <= len(receiver.received)
        <= RUNS + 3 * LIMITS.requests_per_lane
    )
