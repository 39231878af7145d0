"""Everything that can go wrong, for as long as is asked for.

Reports come all the time, to four workers on machines of their own. Now and then a worker is killed
and another one started in its place, a machine's line is cut for longer than leases last, or the
database is stopped for a moment. Beside one endpoint that is well others are moody: they hang,
fail, reset, are gone, and heal; one has a rate limit. Webhooks that were given up are activated
again, what did not arrive is redelivered in bulk, and what is a few minutes old is pruned.

In the end, when all endpoints are well, nothing is owed any more, what was acknowledged has arrived
where nothing was pruned before it was redelivered, and whatever came twice had the same bytes.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from runhook.clock import SystemClock
from runhook.domain.deliveries.redeliveries import Selection
from runhook.domain.errors import InvalidError, UnavailableError
from runhook.domain.messages.telling import WebhookId
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.people.callers import COMMAND_LINE
from runhook.operations.context import Context
from runhook.operations.deliveries.redeliver_many import begin_redelivery
from runhook.operations.people.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.operations.service.prune import prune_step
from runhook.operations.webhooks.subscribe import WebhookChange, change_webhook, create_webhook
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from runhook.storage.service.data_folder import open_vault
from tests.soak.arrivals import Arrivals
from tests.support.accounts import a_start_report
from tests.support.machines import NETWORKS, Machine, Network, a_network
from tests.support.program import Worker
from tests.support.receiver import Answer, Received, Receiver, hang, reset, status
from tests.support.running import states

MACHINES = 4
REPORTERS = 4
LONGEST_CUT = 60
"""Seconds; twice what a lease lasts."""
PATIENCE_SECONDS = 300
"""How long the last deliveries may take."""
ATTEMPT_TIMEOUT = "2"
RETENTION = timedelta(minutes=5)
MONTH = timedelta(days=30)
POLICY = AddressPolicy.parse(NETWORKS)
WELL, LIMITED, MOODY = "/well", "/limited", ("/moody-1", "/moody-2", "/moody-3")
MOODS: tuple[Answer, ...] = (hang, reset, status(500), status(410), status(429), status(200))


class Endpoints:
    """All endpoints, each under a path of one receiver."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self.moods: dict[str, Answer] = {}

    async def answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        """Answer as the endpoint's mood is."""
        self.arrivals.note(request)
        await self.moods.get(request.path, status(200))(request, writer)


class Soak:
    """Machines with a worker each, and what happens to them."""

    def __init__(self, network: Network, store: Store, folder: Path, stack: AsyncExitStack) -> None:
        self._network = network
        self._store = store
        self._folder = folder
        self._stack = stack
        self._workers: dict[int, Worker] = {}
        self._is_over = False
        self._clock = SystemClock()
        self.endpoints = Endpoints()
        self.webhooks: dict[str, WebhookId] = {}
        self.happened: Counter[str] = Counter()
        self.acknowledged: set[int] = set()

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
                    "RUNHOOK_ATTEMPT_TIMEOUT": ATTEMPT_TIMEOUT,
                },
                prefix=machine.prefix,
            )
        )

    async def add_webhooks(self, receiver: Receiver) -> None:
        """Make a webhook for each endpoint."""
        self._receiver = receiver
        for path in (WELL, LIMITED, *MOODY):
            change = WebhookChange(
                name=path,
                client_url=receiver.url.removesuffix("/hook") + path,
                event_types=["job.run.started"],
                options={"rate_limit": "50/second"} if path == LIMITED else {},
            )
            webhook, _ = await create_webhook(
                Context(self._store, self._clock, COMMAND_LINE, policy=POLICY),
                FIRST_ACCOUNT,
                change,
            )
            self.webhooks[path] = webhook.id

    async def report(self, reporter: int) -> None:
        """Report runs until it is over, each until it is committed."""
        publisher = Publisher(self._store, self._clock)
        number = 0
        while not self._is_over:
            number += 1
            report = Start(FIRST_ACCOUNT, a_start_report(f"run-{reporter}-{number}"))
            while True:
                try:
                    self.acknowledged.add((await publisher.publish(report)).run.id)
                    break
                except UnavailableError:
                    await asyncio.sleep(1)
            await asyncio.sleep(0.1)

    async def suffer(self, until: float, chance: random.Random) -> None:
        """Let things happen, one after the other."""
        things = (
            self._kill,
            self._cut,
            self._stop_server,
            self._change_moods,
            self._change_moods,
            self._make_up_for_it,
            self._prune,
        )
        while time.monotonic() < until:
            await asyncio.sleep(chance.uniform(2, 10))
            await chance.choice(things)(chance)
            self._receiver.received.clear()
            left = max(0, until - time.monotonic())
            print(
                f"faults: {left:.0f} s left; {dict(self.happened)}; "
                f"{len(self.acknowledged):,} acknowledged, "
                f"{len(self.endpoints.arrivals):,} arrived",
                flush=True,
            )
        self._is_over = True

    async def heal(self) -> None:
        """Make every endpoint well, and send again what was given up."""
        self.endpoints.moods.clear()
        self._receiver.received.clear()
        await self._make_up_for_it(random.Random())

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

    async def _change_moods(self, chance: random.Random) -> None:
        for path in MOODY:
            self.endpoints.moods[path] = chance.choice(MOODS)
        self.happened["moods changed"] += 1

    async def _make_up_for_it(self, _chance: random.Random) -> None:
        """Activate what was given up, and redeliver what did not arrive."""
        for webhook_id in self.webhooks.values():
            await change_webhook(
                Context(self._store, self._clock, COMMAND_LINE, policy=POLICY),
                FIRST_ACCOUNT,
                webhook_id,
                WebhookChange(active=True),
            )
        try:
            await begin_redelivery(
                Context(self._store, self._clock, COMMAND_LINE),
                FIRST_ACCOUNT,
                Selection(since=self._clock.now() - MONTH + timedelta(hours=1)),
                retention=MONTH,
            )
        except InvalidError:
            # There is nothing to redeliver.
            return
        self.happened["redelivered in bulk"] += 1

    async def _prune(self, _chance: random.Random) -> None:
        pruned = await prune_step(self._store, RETENTION)
        while pruned is not None and pruned.is_more:
            pruned = await prune_step(self._store, RETENTION, pruned.places)
        self.happened["pruned"] += 1


async def suffer_faults(minutes: float, chance: random.Random) -> list[str]:
    """Let things go wrong for so long; return what does not hold in the end."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-soak-")))
        network = await stack.enter_async_context(a_network(MACHINES))
        database = network.server.local_url
        store = Store.open(database, vault=open_vault(folder / "data"))
        stack.push_async_callback(store.close)
        await migrate(store)
        await begin_service(store, bootstrap_token=None, clock=SystemClock())
        run = Soak(network, store, folder, stack)
        receiver = await stack.enter_async_context(
            Receiver(run.endpoints.answer, listening=network.listening)
        )
        await run.add_webhooks(receiver)
        await asyncio.gather(*(run.start_worker(number) for number in range(MACHINES)))
        reporters = [asyncio.create_task(run.report(number)) for number in range(REPORTERS)]
        await run.suffer(time.monotonic() + 60 * minutes, chance)
        await asyncio.gather(*reporters)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := await states(database)).keys() - {"succeeded"}:
            if time.monotonic() > deadline:
                break
            await run.heal()
            await asyncio.sleep(10)
    arrivals = run.endpoints.arrivals
    print(f"faults: of {len(arrivals):,} deliveries {arrivals.repeated:,} came more than once")
    paths = (WELL, LIMITED) if run.happened["pruned"] else (WELL, LIMITED, *MOODY)
    problems = [text for path in paths for text in arrivals.problems(path, run.acknowledged)]
    if left.keys() - {"succeeded"}:
        problems.append(f"not delivered in the end: {dict(left)}")
    return [f"faults: {problem}" for problem in problems]
