"""An hour of attacks beside ordinary traffic: `python -m tests.soak.abuse`.

Ordinary reports come at a steady rate, in rounds: in peace, beside the attackers while they attack
another process, and under every attack at once. The attackers share this machine with the service;
the second says how much of what is felt is only that. In the end ordinary reports were answered as
promised, memory is bounded, every acknowledged report has arrived, the endpoint that is well was
never paused, and every attack has taken place.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.soak.arrivals import Arrivals
from tests.soak.attacks import ATTACKS
from tests.soak.reporting import AS_MANY_RUNS
from tests.support.api import new_webhook
from tests.support.memory import MIB, cpu_seconds, resident
from tests.support.program import Service, runhook
from tests.support.receiver import Answer, Received, Receiver, status
from tests.support.running import TOKEN, account_of
from tests.support.servers import a_server

PER_SECOND = 20
PEACE_SECONDS = 15.0
"""Of each round, and as many beside attackers who attack another process."""
ATTACK_SECONDS = 45.0
MOST_SLOWER = 2.0
"""How many times as long as beside the same attackers elsewhere 99 of 100 ordinary reports may take
under attack."""
MOST_MEBIBYTES = 250
"""How much more memory the service may hold under attack."""
REPORT_SECONDS = 30.0
PATIENCE_SECONDS = 120.0


@dataclass
class Traffic:
    """Ordinary reports, and how they were answered."""

    seconds: list[float] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)
    refused: int = 0
    cpu_seconds: float = 0.0
    """What the service used meanwhile."""
    lasted: float = 0.0

    def add(self, other: "Traffic") -> None:
        """Add the results of others."""
        self.seconds += other.seconds
        self.acknowledged |= other.acknowledged
        self.refused += other.refused
        self.cpu_seconds += other.cpu_seconds
        self.lasted += other.lasted

    def p99(self) -> float:
        """How long 99 of 100 reports took at the most, in seconds."""
        return statistics.quantiles(self.seconds, n=100)[98]

    def __str__(self) -> str:
        median = statistics.median(self.seconds)
        return (
            f"{len(self.seconds):,} reports, 50 % within {median * 1000:.1f} ms, "
            f"99 % within {self.p99() * 1000:.1f} ms, {self.refused:,} refused; "
            f"the service used {self.cpu_seconds / self.lasted:.0%} of a CPU"
        )


async def report_for(
    api: httpx.AsyncClient, service: Service, seconds: float, label: str
) -> Traffic:
    """Report at a steady rate, whatever becomes of the reports before."""
    traffic = Traffic()
    used = cpu_seconds(service.process_id)

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
    traffic.cpu_seconds = cpu_seconds(service.process_id) - used
    traffic.lasted = time.monotonic() - began
    return traffic


@dataclass(frozen=True)
class Attacker:
    """A customer of the service who attacks it."""

    account: str
    token: str
    chosen: Sequence[str]
    waves: Counter[str] = field(default_factory=Counter)
    """How many of each attack there were."""

    @asynccontextmanager
    async def attacking(self, url: str) -> AsyncIterator[None]:
        """Let a process attack a service."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.attacks", url, self.account),
            *("--only", *self.chosen),
            env={**os.environ, "RUNHOOK_TOKEN": self.token},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield
            assert process.returncode is None, "the attackers have given up"
            process.terminate()
            out, _ = await process.communicate()
            self.waves.update(json.loads(out))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def an_attacker(folder: Path, chosen: Sequence[str]) -> Attacker:
    """Make an attacker an account and a token."""
    environment = {"RUNHOOK_DATA_DIR": str(folder / "data"), **database_of(folder)}
    made = await runhook("accounts", "create", "hostile", folder=folder, environment=environment)
    assert made.code == 0, made.err
    account = made.out.split()[1].rstrip(".")
    token = await runhook(
        *(
            "tokens",
            "create",
            "--name",
            "attacker",
            "--permission",
            "account_admin",
            "--account",
            account,
        ),
        folder=folder,
        environment=environment,
    )
    assert token.code == 0, token.err
    return Attacker(account, token.out.split()[-1], chosen)


@asynccontextmanager
async def swallowing() -> AsyncIterator[str]:
    """Run a server that takes whatever comes; yield where."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak.swallowing"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


def database_of(folder: Path) -> dict[str, str]:
    """The setting that says where the database is, if it is not in the data folder."""
    named = folder / "database"
    return {"RUNHOOK_DATABASE_URL": named.read_text()} if named.exists() else {}


async def watch(service: Service, until: asyncio.Event) -> float:
    """The most memory that the service held, in MiB."""
    most = 0.0
    while not until.is_set():
        most = max(most, resident(service.process_id) / MIB)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), timeout=1)
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
    waves: Counter[str] = Counter()
    rounds = max(1, round(minutes * 60 / (2 * PEACE_SECONDS + ATTACK_SECONDS)))
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
            **AS_MANY_RUNS,
            **database_of(folder),
        }
        service = await stack.enter_async_context(Service(folder=folder, environment=environment))
        client = await stack.enter_async_context(
            httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=REPORT_SECONDS)
        )
        api = account_of(service, client)
        webhook = await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        attacker = await an_attacker(folder, chosen)
        await report_for(api, service, 5, "warming-up")
        before = resident(service.process_id) / MIB
        peace, beside, attacked = Traffic(), Traffic(), Traffic()
        is_over = asyncio.Event()
        watching = asyncio.create_task(watch(service, is_over))
        for number in range(rounds):
            peace.add(await report_for(api, service, PEACE_SECONDS, f"peace-{number}"))
            async with swallowing() as elsewhere, attacker.attacking(elsewhere):
                beside.add(await report_for(api, service, PEACE_SECONDS, f"beside-{number}"))
            attacker.waves.clear()
            async with attacker.attacking(service.url):
                attacked.add(await report_for(api, service, ATTACK_SECONDS, f"attacked-{number}"))
            waves += attacker.waves
            print(f"{kind}, after {number + 1} of {rounds} rounds:", flush=True)
            print(f"  in peace: {peace}")
            print(f"  beside attackers of another process: {beside}")
            print(f"  under attack: {attacked}", flush=True)
        is_over.set()
        most = await watching
        acknowledged = peace.acknowledged | beside.acknowledged | attacked.acknowledged
        await until_all_have_arrived(arrivals, acknowledged)
        paused = (await api.get(f"webhooks/subscription/{webhook['id']}")).json()["data"]
        print(f"  MiB: {before:.0f} before, {most:.0f} at the most, ", end="")
        print(f"{resident(service.process_id) / MIB:.0f} afterwards")
    print("  waves: " + ", ".join(f"{name} {count:,}" for name, count in waves.items()), flush=True)
    problems = arrivals.problems("/hook", acknowledged)
    if refused := peace.refused + beside.refused + attacked.refused:
        problems.append(f"ordinary reports were refused: {refused:,}")
    if attacked.p99() > MOST_SLOWER * beside.p99():
        problems.append(
            f"99 % took {attacked.p99() / beside.p99():.1f} times as long as beside the same "
            f"attackers elsewhere, and {attacked.p99() / peace.p99():.1f} times as long as in peace"
        )
    if most > before + MOST_MEBIBYTES:
        problems.append(f"memory grew by {most - before:.0f} MiB")
    if not paused["active"] or paused.get("paused_until"):
        problems.append("the endpoint that is well was paused")
    problems += [f"there was no attack {name}" for name in chosen if not waves[name]]
    return [f"{kind}: {problem}" for problem in problems]


def main() -> int:
    """Run what is asked for, print the results, and return the exit code."""
    names = [attack.__name__ for attack in ATTACKS]
    parser = argparse.ArgumentParser(prog="python -m tests.soak.abuse", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="on each database")
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
