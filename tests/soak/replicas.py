"""Workers on machines that die and are cut off, for as long as is asked for.

    python -m tests.soak.replicas MINUTES [SEED]

Reports come all the time. Now and then a worker is killed and another one started in its place, or
a machine's line is cut for longer than leases last, or the database is stopped for a moment. In the
end everything has to arrive, and whatever came twice has to have the same id and bytes.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

from runhook.clock import SystemClock
from runhook.domain.callers import COMMAND_LINE
from runhook.domain.destinations import AddressPolicy
from runhook.domain.errors import UnavailableError
from runhook.operations.begin import FIRST_ACCOUNT, begin
from runhook.operations.publish import Publisher, Start
from runhook.operations.subscribe import WebhookChange, create_webhook
from runhook.storage.data_folder import open_vault
from runhook.storage.schema import migrate
from runhook.storage.store import Store
from tests.support.accounts import a_start_report
from tests.support.machines import NETWORKS, Machine, Network, a_network
from tests.support.program import Worker
from tests.support.receiver import Receiver, status
from tests.support.running import states

MACHINES = 4
REPORTERS = 4
LONGEST_CUT = 60
"""Seconds; twice what a lease lasts."""
PATIENCE = 180
"""How many seconds the last deliveries may take."""


class Soak:
    """Machines with a worker each, and what happens to them."""

    def __init__(self, network: Network, store: Store, folder: Path, stack: AsyncExitStack) -> None:
        self._network = network
        self._store = store
        self._folder = folder
        self._stack = stack
        self._workers: dict[int, Worker] = {}
        self._is_over = False
        self.happened: Counter[str] = Counter()
        self.acknowledged = 0

    async def start_worker(self, number: int) -> None:
        """Start a worker on a machine."""
        machine: Machine = self._network.machines[number]
        self._workers[number] = await self._stack.enter_async_context(
            Worker(
                folder=self._folder,
                environment={
                    "RUNHOOK_DATA_DIR": str(self._folder / "data"),
                    "RUNHOOK_ALLOW_NETWORKS": NETWORKS,
                    "RUNHOOK_DATABASE_URL": machine.database_url,
                },
                prefix=machine.prefix,
            )
        )

    async def report(self, reporter: int) -> None:
        """Report runs until it is over, each until it is committed."""
        publisher = Publisher(self._store, SystemClock())
        number = 0
        while not self._is_over:
            number += 1
            report = Start(FIRST_ACCOUNT, a_start_report(f"run-{reporter}-{number}"))
            while True:
                try:
                    await publisher.publish(report)
                    break
                except UnavailableError:
                    await asyncio.sleep(1)
            self.acknowledged += 1
            await asyncio.sleep(0.01)

    async def suffer(self, until: float, chance: random.Random) -> None:
        """Let things happen, one after the other."""
        while time.monotonic() < until:
            await asyncio.sleep(chance.uniform(2, 10))
            await chance.choice([self._kill, self._cut, self._stop_server])(chance)
        self._is_over = True

    async def _kill(self, chance: random.Random) -> None:
        number = chance.randrange(MACHINES)
        await self._workers[number].kill()
        await self.start_worker(number)
        self.happened["killed"] += 1

    async def _cut(self, chance: random.Random) -> None:
        line = self._network.machines[chance.randrange(MACHINES)].line
        await line.cut()
        await asyncio.sleep(chance.uniform(1, LONGEST_CUT))
        await line.mend()
        self.happened["cut off"] += 1

    async def _stop_server(self, chance: random.Random) -> None:
        await self._network.server.stop()
        await asyncio.sleep(chance.uniform(0, 20))
        await self._network.server.start()
        self.happened["database stopped"] += 1


async def soak(minutes: float, seed: int) -> bool:
    """Run it; say whether all went well."""
    chance = random.Random(seed)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-soak-")))
        network = await stack.enter_async_context(a_network(MACHINES))
        database = network.server.local_url
        receiver = await stack.enter_async_context(
            Receiver(status(200), listening=network.listening)
        )
        store = Store.open(database, vault=open_vault(folder / "data"))
        stack.push_async_callback(store.close)
        await migrate(store)
        await begin(store, bootstrap_token=None, clock=clock)
        await create_webhook(
            store,
            FIRST_ACCOUNT,
            WebhookChange(name="a", client_url=receiver.url, event_types=["job.run.started"]),
            actor=COMMAND_LINE,
            policy=AddressPolicy.parse(NETWORKS),
            clock=clock,
        )
        run = Soak(network, store, folder, stack)
        await asyncio.gather(*(run.start_worker(number) for number in range(MACHINES)))
        reporters = [asyncio.create_task(run.report(number)) for number in range(REPORTERS)]
        await run.suffer(time.monotonic() + 60 * minutes, chance)
        await asyncio.gather(*reporters)
        deadline = time.monotonic() + PATIENCE
        while (left := await states(database)).keys() - {"succeeded"}:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(1)
    requests = defaultdict(list)
    for request in receiver.received:
        requests[request.headers["webhook-id"]].append(request.body)
    print(f"seed {seed}; happened: {dict(run.happened)}")
    print(f"acknowledged {run.acknowledged}; in the end: {dict(left)}")
    repeated = sum(len(same) > 1 for same in requests.values())
    print(f"arrived {len(requests)}, of them {repeated} more than once")
    return (
        left == {"succeeded": run.acknowledged}
        and len(requests) == run.acknowledged
        and all(len(set(same)) == 1 for same in requests.values())
    )


def main() -> int:
    """Run it for the minutes on the command line."""
    minutes, *seed = sys.argv[1:]
    is_well = asyncio.run(soak(float(minutes), int(seed[0]) if seed else time.time_ns()))
    print("well" if is_well else "NOT WELL")
    return not is_well


if __name__ == "__main__":
    sys.exit(main())
