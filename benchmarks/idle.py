"""What a service takes that has nothing to do: its loops look for work all the time."""

import time
from collections.abc import Iterator

from benchmarks.databases import KINDS, database
from benchmarks.open_loop import cpu_of
from benchmarks.scale import Scale
from benchmarks.service import a_service
from benchmarks.table import Figure

SETTLING_SECONDS = 15
"""How long after its start each loop has looked at least once."""
MOST_MILLISECONDS = 20


def measure(scale: Scale) -> Iterator[Figure]:
    """Let a service idle on each database."""
    for kind in KINDS:
        with database(kind) as kept, a_service(kept) as service:
            time.sleep(SETTLING_SECONDS)
            before = cpu_of(service, kept)
            time.sleep(scale.idle_seconds)
            after = cpu_of(service, kept)
        own, of_database = (
            1000 * (end - begin) / scale.idle_seconds
            for begin, end in zip(before, after, strict=True)
        )
        yield Figure(
            what=f"idle, {kind}: CPU a second, of the service and of the database",
            value=f"{own:.1f} + {of_database:.1f} ms",
            goal=f"<= {MOST_MILLISECONDS} ms",
            is_met=own + of_database <= MOST_MILLISECONDS,
        )
