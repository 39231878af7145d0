"""An hour of attacks beside ordinary traffic: `python -m tests.soak.abuse`.

Ordinary reports come at a steady rate, first in peace and then under every attack at once. In the
end ordinary reports were answered as promised, memory is bounded, every acknowledged report has
arrived, and the endpoint that is well was never paused.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.soak.arrivals import Arrivals
from tests.soak.attacks import ATTACKS
from tests.support.api import new_webhook
from tests.support.memory import MIB, resident
from tests.support.program import Service, runhook
from tests.support.receiver import Answer, Received, Receiver, status
from tests.support.running import TOKEN, account_of
from tests.support.servers import a_server

PER_SECOND = 20
PEACE_SHARE = 0.2
LEAST_PEACE_SECONDS = 20.0
MOST_SLOWER = 2.0
"""How many times as long as in peace 99 of 100 ordinary reports may take."""
MOST_MEBIBYTES = 250
"""How much more memory the service may hold under attack."""
TOLD_EVERY = 60.0
REPORT_SECONDS = 30.0
PATIENCE_SECONDS = 120.0


@dataclass
class Traffic:
    """Ordinary reports, and how they were answered."""

    seconds: list[float] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)
    refused: int = 0

    def p99(self) -> float:
        """Return how long 99 of 100 reports took at the most, in seconds."""
        return statistics.quantiles(self.seconds, n=100)[98]

    def __str__(self) -> str:
        median = statistics.median(self.seconds)
        return (
            f"{len(self.seconds):,} reports, 50 % within {median * 1000:.1f} ms, "
            f"99 % within {self.p99() * 1000:.1f} ms, {self.refused:,} refused"
        )


async def report_for(api: httpx.AsyncClient, seconds: float, label: str) -> Traffic:
    """Report at a steady rate, whatever becomes of the reports before."""
    traffic = Traffic()

    async def report(number: int, due: float) -> None:
        try:
            answer = await api.post(
                "runs", json={"job_name": "nightly", "run_key": f"{label}-{number}"}
            )
        except httpx.TransportError:
            traffic.refused += 1
            return
        if not answer.is_success:
            traffic.refused += 1
            return
        traffic.seconds.append(time.monotonic() - due)
        traffic.acknowledged.add(answer.json()["data"]["id"])

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(round(seconds * PER_SECOND)):
            due = began + number / PER_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(report(number, due))
    return traffic


@asynccontextmanager
async def attackers(service: Service, folder: Path, chosen: Sequence[str]) -> AsyncIterator[None]:
    """Let a process attack, with a token of another account."""
    environment = {"RUNHOOK_DATA_DIR": str(folder / "data"), **database_of(folder)}
    made = await runhook("accounts", "create", "hostile", folder=folder, environment=environment)
    assert made.code == 0, made.err
    account = made.out.split()[1].rstrip(".")
    token = await runhook(
        *("tokens", "create", "--name", "attacker", "--account", account),
        folder=folder,
        environment=environment,
    )
    assert token.code == 0, token.err
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak.attacks", service.url, account, "--only", *chosen),
        env={**os.environ, "RUNHOOK_TOKEN": token.out.split()[-1]},
    )
    try:
        yield
        assert process.returncode is None, "the attackers have given up"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def database_of(folder: Path) -> dict[str, str]:
    """Return the setting that says where the database is, if it is not in the data folder."""
    named = folder / "database"
    return {"RUNHOOK_DATABASE_URL": named.read_text()} if named.exists() else {}


async def watch(service: Service, until: asyncio.Event) -> float:
    """Say now and then how much memory the service holds; return the most that it held."""
    most = 0.0
    next_told = time.monotonic() + TOLD_EVERY
    while not until.is_set():
        most = max(most, resident(service.process_id) / MIB)
        if time.monotonic() > next_told:
            next_told += TOLD_EVERY
            print(f"under attack: the service holds {most:.0f} MiB at the most", flush=True)
        try:
            await asyncio.wait_for(until.wait(), timeout=1)
        except TimeoutError:
            continue
    return most


async def until_all_have_arrived(arrivals: Arrivals, run_ids: Collection[int]) -> None:
    """Wait until each of these runs has arrived, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while arrivals.problems("/hook", run_ids):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(1)


def noting(arrivals: Arrivals) -> Answer:
    """Answer well, and note what came."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        arrivals.note(request)
        await status(200)(request, writer)

    return answer


async def suffer_abuse(kind: str, minutes: float, chosen: Sequence[str]) -> list[str]:
    """Report in peace and under attack; return what does not hold."""
    arrivals = Arrivals()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runhook-abuse-")))
        if kind == "postgresql":
            server = await stack.enter_async_context(a_server())
            (folder / "database").write_text(server.local_url)
        receiver = await stack.enter_async_context(Receiver(noting(arrivals)))
        environment = {
            "RUNHOOK_DATA_DIR": str(folder / "data"),
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            **database_of(folder),
        }
        service = await stack.enter_async_context(Service(folder=folder, environment=environment))
        client = await stack.enter_async_context(
            httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=REPORT_SECONDS)
        )
        api = account_of(service, client)
        webhook = await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        seconds = minutes * 60
        await report_for(api, 5, "warming-up")
        peace = await report_for(api, max(LEAST_PEACE_SECONDS, seconds * PEACE_SHARE), "peace")
        before = resident(service.process_id) / MIB
        print(f"{kind}, in peace: {peace}; {before:.0f} MiB", flush=True)
        is_over = asyncio.Event()
        async with attackers(service, folder, chosen):
            watching = asyncio.create_task(watch(service, is_over))
            attacked = await report_for(api, seconds, "attacked")
            is_over.set()
            most = await watching
        print(f"{kind}, under attack: {attacked}; {most:.0f} MiB at the most", flush=True)
        acknowledged = peace.acknowledged | attacked.acknowledged
        await until_all_have_arrived(arrivals, acknowledged)
        paused = (await api.get(f"webhooks/subscription/{webhook['id']}")).json()["data"]
        print(f"{kind}, afterwards: {resident(service.process_id) / MIB:.0f} MiB", flush=True)
    problems = arrivals.problems("/hook", acknowledged)
    if attacked.refused:
        problems.append(f"ordinary reports were refused: {attacked.refused:,}")
    if attacked.p99() > MOST_SLOWER * peace.p99():
        problems.append(f"99 % took {attacked.p99() / peace.p99():.1f} times as long as in peace")
    if most > before + MOST_MEBIBYTES:
        problems.append(f"memory grew by {most - before:.0f} MiB")
    if not paused["active"] or paused.get("paused_until"):
        problems.append("the endpoint that is well was paused")
    return [f"{kind}: {problem}" for problem in problems]


def main() -> int:
    """Run what is asked for, say what came of it, and return the exit code."""
    names = [attack.__name__ for attack in ATTACKS]
    parser = argparse.ArgumentParser(prog="python -m tests.soak.abuse", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of attacks on each database")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="ATTACK")
    parser.add_argument(
        "--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"]
    )
    chosen = parser.parse_args()
    problems = []
    for kind in chosen.databases:
        problems += asyncio.run(suffer_abuse(kind, chosen.minutes, chosen.only))
    for problem in problems:
        print(f"DOES NOT HOLD: {problem}")
    print("NOT WELL" if problems else "well")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
