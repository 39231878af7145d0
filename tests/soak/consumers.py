"""A consumer that is killed at random moments while it reads, and started again.

It is a process of its own, `runhook listen --forward` or a small program without the client, and
runs are reported all the while. In the end its receiver has had every event; what came more than
once had the same id and bytes.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.api import data_of
from tests.support.patience import PATIENCE, until
from tests.support.program import Running, Service
from tests.support.receiver import Received, Receiver
from tests.support.running import TOKEN, account_of
from tests.support.servers import a_server

NAME = "soak"
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
LONGEST_LIFE = 0.4
"""How many seconds a consumer lives at most, once it reads."""
BETWEEN_RUNS = 0.1
TOLD_EVERY = 50


@dataclass(frozen=True, slots=True)
class Killed:
    """How the events fared."""

    published: int
    lost: int
    repeated: int
    """How many came more than once, however often."""
    changed: int
    """How many of those had other bytes."""

    def problems(self, kills: int) -> list[str]:
        """What does not hold: a kill repeats no more than the one event that was under way."""
        found = []
        if self.lost:
            found.append(f"{self.lost} of {self.published} events were lost")
        if self.changed:
            found.append(f"{self.changed} events came with other bytes")
        if self.repeated > kills:
            found.append(f"{self.repeated} events came twice after {kills} kills")
        return found


class Listener(Running):
    """`runhook listen --forward` as a consumer that keeps its place."""

    greeting = "runhook listen: reading events"

    def __init__(self, *, folder: Path, environment: Mapping[str, str], forward: str) -> None:
        super().__init__(folder=folder, environment=environment)
        self.command = ("listen", "--forward", forward, "--consumer", NAME)


class Reader(Running):
    """A consumer without the client."""

    greeting = "reading"

    def __init__(self, *, folder: Path, environment: Mapping[str, str], forward: str) -> None:
        told = {**environment, "FORWARD": forward, "CONSUMER": NAME}
        super().__init__(folder=folder, environment=told, program=Path(sys.executable))
        self.command = ("-I", "-S", str(Path(__file__).with_name("reader.py")))


async def kill_consumers(
    service: Service,
    folder: Path,
    kills: int,
    chance: random.Random,
    *,
    consumer: type[Listener] | type[Reader] = Listener,
) -> Killed:
    """Kill a service's consumer so many times while runs are reported."""
    environment = {
        "RUNHOOK_URL": service.url,
        "RUNHOOK_TOKEN": TOKEN,
        "RUNHOOK_WEBHOOK_SECRET": SECRET,
    }
    async with (
        Receiver() as receiver,
        httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE) as client,
    ):
        api = account_of(service, client)
        webhook = {"name": NAME, "client_url": f"consume:{NAME}", "event_types": EVENTS}
        data_of(await api.post("webhooks/subscriptions", json=webhook), 201)
        async with reporting(api):
            for number in range(1, kills + 1):
                async with consumer(
                    folder=folder, environment=environment, forward=receiver.url
                ) as running:
                    await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
                    await running.kill()
                if number % TOLD_EVERY == 0:
                    print(f"killed {number}, {len(receiver.received):,} arrived", flush=True)
        async with consumer(folder=folder, environment=environment, forward=receiver.url):
            await until_all_is_acknowledged(api, receiver)
        published = {one["id"] for one in await all_deliveries(api)}
    return judged(published, receiver.received)


EVENTS = ["job.run.started", "job.run.completed"]


@asynccontextmanager
async def reporting(api: httpx.AsyncClient) -> AsyncIterator[None]:
    """Report runs all the time."""
    is_over = asyncio.Event()

    async def report() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            run = {"job_name": "nightly", "run_key": f"run-{number}"}
            started = data_of(await api.post("runs", json=run), 201)
            data_of(await api.post(f"runs/{started['id']}/finish", json={"status": "success"}))
            await asyncio.sleep(BETWEEN_RUNS)

    async with asyncio.TaskGroup() as group:
        group.create_task(report())
        yield
        is_over.set()


async def until_all_is_acknowledged(api: httpx.AsyncClient, receiver: Receiver) -> None:
    """Wait until nothing waits for the consumer, as long as it gets on."""

    async def gets_on() -> bool:
        return len(receiver.received) > arrived or not await anything_waits(api)

    while await anything_waits(api):
        arrived = len(receiver.received)
        await until(gets_on)


async def anything_waits(api: httpx.AsyncClient) -> bool:
    """Whether the consumer has not acknowledged everything."""
    return bool(data_of(await api.get(f"consumers/{NAME}/events?limit=1")))


async def all_deliveries(api: httpx.AsyncClient) -> list[Mapping[str, str]]:
    """Every delivery of the account."""
    found: list[Mapping[str, str]] = []
    while page := data_of(await api.get(f"webhooks/events?limit=100&offset={len(found)}")):
        found += page
    return found


def judged(published: set[str], received: list[Received]) -> Killed:
    """Compare what was published with what arrived."""
    times = Counter(one.headers["webhook-id"] for one in received)
    bodies: dict[str, set[bytes]] = {}
    for one in received:
        bodies.setdefault(one.headers["webhook-id"], set()).add(one.body)
    return Killed(
        published=len(published),
        lost=len(published - times.keys()),
        repeated=sum(count > 1 for count in times.values()),
        changed=sum(len(one) > 1 for one in bodies.values()),
    )


async def kill_on(kind: str, kills: int, chance: random.Random) -> list[str]:
    """Kill a consumer of a new service on this database; return what does not hold."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-soak-")))
        environment = {
            "RUNHOOK_DATA_DIR": str(folder / "data"),
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        }
        if kind == "postgresql":
            server = await stack.enter_async_context(a_server())
            environment["RUNHOOK_DATABASE_URL"] = server.local_url
        service = await stack.enter_async_context(Service(folder=folder, environment=environment))
        killed = await kill_consumers(service, folder, kills, chance, consumer=Reader)
    print(f"{kind}: {kills} kills, {killed}")
    return [f"{kind}: {one}" for one in killed.problems(kills)]


def main() -> int:
    """Kill consumers on each database, print what does not hold, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.consumers", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="on each database")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="what chance begins with")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    problems = []
    for kind in chosen.databases.split(","):
        problems += asyncio.run(kill_on(kind, chosen.kills, random.Random(chosen.seed)))
    for problem in problems:
        print(f"DOES NOT HOLD: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
