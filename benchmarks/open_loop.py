"""How long it takes from when a report is due until its endpoint has the delivery.

Reports come at a rate, one delivery each, in turn to ten endpoints. The first three figures of a
line are percentiles (50, 95, 99) of that time, the others of the answers.
"""

from collections.abc import Iterator

from benchmarks.databases import KINDS, Database, database
from benchmarks.processes import cpu_seconds
from benchmarks.receiver import a_receiver
from benchmarks.reporting import add_jobs, report
from benchmarks.scale import Scale
from benchmarks.service import Service, a_service
from benchmarks.table import Figure

JUDGED_RATE = 200
MOST_SECONDS = 0.05


def measure(scale: Scale) -> Iterator[Figure]:
    """Report at each rate on each database."""
    for kind in KINDS:
        with database(kind) as kept, a_receiver() as receiver, a_service(kept) as service:
            jobs = add_jobs(service.client, receiver.urls)
            for rate in scale.rates:
                name = f"{rate:,} reports/s, {kind}"
                before = cpu_of(service, kept)
                heard = report(service, receiver, jobs, rate=rate, seconds=scale.open_seconds)
                after = cpu_of(service, kept)
                cpu = [after[place] - before[place] for place in (0, 1)]
                is_judged = rate == JUDGED_RATE
                yield Figure(
                    what=f"{name}: 50/95/99 % received within",
                    value=str(heard),
                    goal=f"99 % < {MOST_SECONDS * 1000:.0f} ms" if is_judged else "",
                    is_met=heard.is_held and heard.p99 < MOST_SECONDS if is_judged else None,
                )
                yield Figure(
                    what=f"{name}: CPU a report, of the service and of the database",
                    value=" + ".join(f"{used / heard.reports * 1000:.2f}" for used in cpu) + " ms",
                )


def cpu_of(service: Service, kept: Database) -> tuple[float, float]:
    """CPU seconds used so far by the service, and by the database's own process."""
    return cpu_seconds(service.process.pid), kept.cpu_seconds()
