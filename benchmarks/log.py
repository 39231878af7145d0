"""What a line in the log for each request costs of the CPU of a report and its delivery.

Two services on databases of one kind run beside each other, one with those lines and one without.
They get the same reports in turns, one after the other, so that no batch is larger in one of them.
Of each the lower quartile of the turns counts: other work on the machine mostly adds to them.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks.databases import KINDS, databases
from benchmarks.processes import exact_cpu_seconds
from benchmarks.receiver import Receiver, a_receiver
from benchmarks.reporting import add_jobs
from benchmarks.scale import Scale
from benchmarks.service import Service, a_service
from benchmarks.table import Figure

MOST_TIMES = 1.03
LINES = ("no", "yes")
RUNS = 50
"""Of a turn; each is two reports, which owe a delivery each."""
TURNS = 4
"""Of a round."""
PATIENCE_SECONDS = 30
RECORDING_SECONDS = 0.2
"""How long after the last delivery has arrived its attempt is recorded."""


def measure(scale: Scale) -> Iterator[Figure]:
    """Compare on each database."""
    for kind in KINDS:
        turns = TURNS * scale.rounds
        without, beside = map(lower_quartile, compare(kind, turns))
        name = f"a line for each request, {kind}"
        for title, used in (("without it", without), ("with it", beside)):
            yield Figure(
                what=f"{name}: {title}, CPU of a report and its delivery",
                value=f"{used * 1000:.2f} ms",
            )
        yield Figure(
            what=f"{name}: lower quartile of {turns} turns",
            value=f"{beside / without:.2f} times",
            goal=f"<= {MOST_TIMES} times",
            is_met=beside / without <= MOST_TIMES,
        )


def lower_quartile(used: Sequence[float]) -> float:
    """What three of four exceed."""
    return statistics.quantiles(used, n=4)[0]


def compare(kind: str, turns: int) -> Sequence[Sequence[float]]:
    """CPU seconds of a report in each turn, without lines and with them."""
    with databases(kind, len(LINES)) as kept, a_receiver() as receiver, ExitStack() as stack:
        services = [
            stack.enter_context(a_service(one, settings={"RUNHOOK_LOG_REQUESTS": lines}))
            for one, lines in zip(kept, LINES, strict=True)
        ]
        jobs = [add_jobs(one.client, receiver.urls[:1])[0] for one in services]
        used: list[list[float]] = [[] for _ in LINES]
        for turn in range(turns + 1):
            for place in (0, 1) if turn % 2 == 0 else (1, 0):
                used[place].append(cpu_of_a_report(services[place], receiver, jobs[place]))
        return [those[1:] for those in used]


def cpu_of_a_report(service: Service, receiver: Receiver, job: str) -> float:
    """CPU seconds of the service for each report of a turn, until its attempt is recorded."""
    receiver.arrivals()
    before = exact_cpu_seconds(service.process.pid)
    for _ in range(RUNS):
        facts = {"job_name": job, "project_name": "shop", "environment_name": "production"}
        run = service.client.post("runs", json=facts).raise_for_status().json()["data"]
        finish = f"runs/{run['id']}/finish"
        service.client.post(finish, json={"status": "success"}).raise_for_status()
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while receiver.progress()["count"] < 2 * RUNS:
        assert time.monotonic() < give_up_at, "not all has arrived"
        time.sleep(0.01)
    time.sleep(RECORDING_SECONDS)
    return (exact_cpu_seconds(service.process.pid) - before) / (2 * RUNS)
