"""Services that are killed at random moments under load, and started again.

On SQLite that is the one process there is; on PostgreSQL it is one of two, a service and a worker.
Reporters insist until each report is acknowledged, as the client does. In the end everything
acknowledged has arrived, and whatever came twice had the same id and bytes.
"""

import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import httpx

from tests.soak.arrivals import Arrivals
from tests.soak.reporting import AS_MANY_RUNS, insist, reporting, written_by_halves
from tests.support.api import new_webhook
from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.program import Running, Service, Worker
from tests.support.receiver import Answer, Received, Receiver, status
from tests.support.running import TOKEN, account_of, states
from tests.support.servers import a_server

REPORTERS = 4
BETWEEN_REPORTS = 0.01
LONGEST_LIFE = 2.0
"""How many seconds a process lives at most, once it is up."""
PATIENCE_SECONDS = 180
TOLD_EVERY = 25


async def kill_again_and_again(kind: str, kills: int, chance: random.Random) -> list[str]:
    """Kill so many times; return what does not hold in the end."""
    arrivals = Arrivals()
    acknowledged: set[int] = set()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-soak-")))
        environment = {
            "RUNHOOK_DATA_DIR": str(folder / "data"),
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            "RUNHOOK_PORT": str(free_port()),
            **AS_MANY_RUNS,
        }
        database = f"sqlite:///{folder}/data/runhook.db"
        commands: list[type[Running]] = [Service]
        if kind == "postgresql":
            server = await stack.enter_async_context(a_server())
            database = environment["RUNHOOK_DATABASE_URL"] = server.local_url
            commands.append(Worker)
        receiver = await stack.enter_async_context(Receiver(after_a_moment(chance, arrivals)))
        processes = [
            await stack.enter_async_context(command(folder=folder, environment=environment))
            for command in commands
        ]
        client = await stack.enter_async_context(
            httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE)
        )
        service = processes[0]
        assert isinstance(service, Service)
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        async with reporting(
            partial(insist, api), acknowledged, reporters=REPORTERS, pause=BETWEEN_REPORTS
        ):
            for number in range(1, kills + 1):
                await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
                place = chance.randrange(len(processes))
                await processes[place].kill()
                processes[place] = await stack.enter_async_context(
                    commands[place](folder=folder, environment=environment)
                )
                receiver.received.clear()
                if number % TOLD_EVERY == 0 or number == kills:
                    told = f"{len(acknowledged):,} acknowledged, {len(arrivals):,} arrived"
                    print(f"{kind}: killed {number:,} of {kills:,}; {told}", flush=True)
        left = await until_nothing_is_owed(database)
        halves = await written_by_halves(database)
    print(f"{kind}: of {len(arrivals):,} deliveries {arrivals.repeated:,} came more than once")
    problems = arrivals.problems("/hook", acknowledged) + halves
    if left.keys() - {"succeeded"}:
        problems.append(f"not delivered in the end: {left}")
    return [f"{kind}: {problem}" for problem in problems]


def after_a_moment(chance: random.Random, arrivals: Arrivals) -> Answer:
    """Note what comes, and answer a little later: now and then the sender dies meanwhile."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        arrivals.note(request)
        await asyncio.sleep(chance.uniform(0, 0.05))
        await status(200)(request, writer)

    return answer


async def until_nothing_is_owed(database: str) -> dict[str, int]:
    """Wait until every delivery has succeeded, but not for ever; return how many are how."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := await states(database)).keys() - {"succeeded"}:
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(1)
    return dict(left)
