"""How long `runhook copy` takes for a service with many deliveries, and how much memory.

The log is built on one database and copied to one of the other kind, by the command itself.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

from benchmarks.databases import KINDS, Database, database
from benchmarks.rows import Copies, a_store, add_copies, add_webhook, ago
from benchmarks.scale import Scale
from benchmarks.table import Figure
from runhook.domain.deliveries.delivery import DeliveryState

WEBHOOKS = 10


def measure(scale: Scale) -> Iterator[Figure]:
    """Copy from each kind to the other."""
    for kind in KINDS:
        [other] = {*KINDS} - {kind}
        with database(kind) as source, database(other) as target:
            asyncio.run(build(source, scale.moved))
            took, mebibytes = copy(source, target)
        name = f"copy {scale.moved:,} deliveries, {kind} to {other}"
        yield Figure(what=f"{name}: with the comparison", value=f"{took:.0f} s")
        yield Figure(what=f"{name}: most memory", value=f"{mebibytes:.0f} MiB")


async def build(source: Database, count: int) -> None:
    """Give a database a log of deliveries, each with its attempt; ten have a run and an event."""
    store = await a_store(source)
    webhooks = [
        await add_webhook(store, "http://127.0.0.1:9/", f"webhook {number}")
        for number in range(WEBHOOKS)
    ]
    await add_copies(
        store,
        Copies(
            count=count,
            webhooks=webhooks,
            state=DeliveryState.SUCCEEDED,
            since=ago(days=20),
            spread=timedelta(days=19),
        ),
    )
    await store.close()


def copy(source: Database, target: Database) -> tuple[float, float]:
    """Run the command; return how many seconds it took, and the most MiB it had."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "runhook.cli.main", "copy"),
            *("--from", source.url, "--to", target.url, "--data-dir", str(source.folder)),
        ],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return time.perf_counter() - began, usage.ru_maxrss / 1024
