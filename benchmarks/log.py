"""What a line in the log for each request costs of the CPU of a report and its delivery.

Two services of one kind of database run beside each other, one with those lines and one without.
They get the same reports in turns, and each turn of both gives a ratio.
"""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks.databases import KINDS, databases
from benchmarks.processes import cpu_seconds
from benchmarks.receiver import Receiver, a_receiver
from benchmarks.reporting import add_jobs, report
from benchmarks.scale import Scale
from benchmarks.service import Service, a_service
from benchmarks.table import Figure

RATE = 100
MOST_TIMES = 1.03
LINES = ("no", "yes")


def measure(scale: Scale) -> Iterator[Figure]:
    """Compare on each database."""
    for kind in KINDS:
        without, beside = compare(kind, scale)
        name = f"a line for each request, {RATE} reports/s, {kind}"
        for title, used in (("without it", without), ("with it", beside)):
            yield Figure(
                what=f"{name}: {title}, CPU a report",
                value=f"{statistics.median(used) * 1000:.2f} ms",
            )
        ratio = statistics.median(more / less for less, more in zip(without, beside, strict=True))
        yield Figure(
            what=f"{name}: median of {len(without)} turns",
            value=f"{ratio:.3f} times",
            goal=f"<= {MOST_TIMES} times",
            is_met=ratio <= MOST_TIMES,
        )


def compare(kind: str, scale: Scale) -> Sequence[Sequence[float]]:
    """CPU seconds of a report in each turn, without lines and with them."""
    with databases(kind, len(LINES)) as kept, a_receiver() as receiver, ExitStack() as stack:
        services = [
            stack.enter_context(a_service(one, settings={"RUNHOOK_LOG_REQUESTS": lines}))
            for one, lines in zip(kept, LINES, strict=True)
        ]
        jobs = [add_jobs(one.client, receiver.urls) for one in services]
        used: list[list[float]] = [[] for _ in LINES]
        for turn in range(2 * scale.rounds):
            for place in (0, 1) if turn % 2 == 0 else (1, 0):
                one = cpu_of_a_report(services[place], receiver, jobs[place], scale.round_seconds)
                used[place].append(one)
        return used


def cpu_of_a_report(
    service: Service, receiver: Receiver, jobs: Sequence[str], seconds: float
) -> float:
    """CPU seconds of the service for each report, with its delivery."""
    before = cpu_seconds(service.process.pid)
    heard = report(service, receiver, jobs, rate=RATE, seconds=seconds)
    return (cpu_seconds(service.process.pid) - before) / heard.reports
