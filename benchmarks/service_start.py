"""How long a service takes from its start until it is ready, and the memory that it has then."""

import statistics
import time
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped] # as in processes.py

from benchmarks.databases import KINDS, Database, database
from benchmarks.processes import cpu_seconds
from benchmarks.scale import Scale
from benchmarks.service import a_service
from benchmarks.table import Figure

STARTS = 5
MOST_SECONDS = 1.2


def measure(_scale: Scale) -> Iterator[Figure]:
    """Start on an empty database, which makes its tables, then again and again."""
    for kind in KINDS:
        with database(kind) as kept:
            first, _, _ = start(kept)
            later = [start(kept) for _ in range(STARTS)]
        seconds, cpu, megabytes = (statistics.median(column) for column in zip(*later, strict=True))
        yield Figure(what=f"from start to ready, first time, {kind}", value=f"{first:.2f} s")
        yield Figure(
            what=f"from start to ready, {kind}",
            value=f"{seconds:.2f} s, {cpu:.2f} CPU s",
            goal=f"<= {MOST_SECONDS} s",
            is_met=seconds <= MOST_SECONDS,
        )
        yield Figure(what=f"memory after the start, {kind}", value=f"{megabytes:.0f} MB")


def start(kept: Database) -> tuple[float, float, float]:
    """Start a service, and end it; return its seconds, CPU seconds and megabytes when ready."""
    began = time.perf_counter()
    with a_service(kept) as service:
        seconds = time.perf_counter() - began
        process = psutil.Process(service.process.pid)
        return seconds, cpu_seconds(process.pid), process.memory_info().rss / 2**20
