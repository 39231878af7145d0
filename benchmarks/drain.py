"""How fast a backlog drains, beside a bare loop that only posts the same bytes."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from benchmarks.databases import KINDS, Database, database
from benchmarks.processes import cpu_seconds, run_apart
from benchmarks.receiver import Receiver, a_receiver
from benchmarks.rows import Copies, a_store, add_copies, add_webhook, ago
from benchmarks.scale import Scale
from benchmarks.service import a_service
from benchmarks.table import Figure
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import IS_PENDING, IS_SENDING, deliveries

GOALS = {"sqlite": 0.6, "postgresql": 0.5}
MOST_STATEMENTS = 4
MOST_MEGABYTES = 200
PATIENCE_SECONDS = 600


def measure(scale: Scale) -> Iterator[Figure]:
    """Drain on each database, with the bare loop before and after it."""
    for kind in KINDS:
        yield from drain(kind, scale.backlog)


def drain(kind: str, backlog: int) -> Iterator[Figure]:
    """Build a backlog, serve its database until it is delivered, and say what that took."""
    name = f"drain {backlog:,}, {kind}"
    with database(kind) as owing, a_receiver() as receiver:
        before = post_barely(receiver, backlog)
        asyncio.run(build(owing, receiver, backlog))
        taken = serve_until_delivered(owing, receiver, backlog)
        after = post_barely(receiver, backlog)
    bare = {key: (before[key] + after[key]) / 2 for key in before}
    ratio = taken["rate"] / bare["rate"]
    goal = GOALS[kind]
    yield Figure(what=f"{name}: bare loop", value=f"{bare['rate']:,.0f}/s, {bare['cpu']:.1f} CPU s")
    yield Figure(
        what=f"{name}: delivered and recorded",
        value=f"{taken['rate']:,.0f}/s",
        to_bare=ratio,
        goal=f">= {goal} of bare",
        is_met=ratio >= goal,
    )
    yield Figure(
        what=f"{name}: CPU of the service",
        value=f"{taken['cpu']:.1f} s",
        to_bare=taken["cpu"] / bare["cpu"],
    )
    if kind == "postgresql":
        yield Figure(
            what=f"{name}: CPU of the database",
            value=f"{taken['database cpu']:.1f} s",
            to_bare=taken["database cpu"] / bare["cpu"],
        )
    statements = taken["statements"] / backlog
    yield Figure(
        what=f"{name}: SQL statements a delivery, each row of a batch counted",
        value=f"{statements:.2f}",
        goal=f"<= {MOST_STATEMENTS}",
        is_met=statements <= MOST_STATEMENTS,
    )
    yield Figure(
        what=f"{name}: round trips to the database a delivery",
        value=f"{taken['round trips'] / backlog:.3f}",
    )
    yield Figure(
        what=f"{name}: peak memory of the service",
        value=f"{taken['peak megabytes']:.0f} MB",
        goal=f"<= {MOST_MEGABYTES} MB",
        is_met=taken["peak megabytes"] <= MOST_MEGABYTES,
    )


def post_barely(receiver: Receiver, backlog: int) -> dict[str, float]:
    """Post the backlog's bytes with a bare loop, and say what that took."""
    figures: dict[str, float] = run_apart("benchmarks.bare", str(backlog), *receiver.urls)
    receiver.arrivals()
    return figures


async def build(owing: Database, receiver: Receiver, backlog: int) -> None:
    """Owe every endpoint its share of the backlog."""
    store = await a_store(owing)
    webhooks = [
        await add_webhook(store, url, f"benchmark {number}")
        for number, url in enumerate(receiver.urls)
    ]
    await add_copies(
        store,
        Copies(
            count=backlog,
            webhooks=webhooks,
            state=DeliveryState.PENDING,
            since=ago(hours=2),
        ),
    )
    await store.close()


def serve_until_delivered(owing: Database, receiver: Receiver, backlog: int) -> dict[str, float]:
    """Serve until nothing is owed, and say what that took from the first delivery on."""
    counts = Path(owing.folder, "counts.json")
    with a_service(owing, counts=counts) as service:
        while not receiver.progress()["count"]:
            time.sleep(0.01)
        began = receiver.progress()["first"]
        cpu = cpu_seconds(service.process.pid)
        database_cpu = owing.cpu_seconds()
        asyncio.run(wait_until_recorded(owing, receiver, backlog))
        taken = {
            "rate": backlog / (time.monotonic() - began),
            "cpu": cpu_seconds(service.process.pid) - cpu,
            "database cpu": owing.cpu_seconds() - database_cpu,
        }
    assert receiver.progress()["count"] == backlog, "something was sent twice"
    receiver.arrivals()
    return {**taken, **json.loads(counts.read_text())}


async def wait_until_recorded(owing: Database, receiver: Receiver, backlog: int) -> None:
    """Wait until everything has arrived, and until that has been written."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while receiver.progress()["count"] < backlog:
        assert time.monotonic() < deadline, "the backlog does not drain"
        await asyncio.sleep(0.2)
    store = await a_store(owing)
    while await is_owing(store):
        assert time.monotonic() < deadline, "the attempts are not recorded"
        await asyncio.sleep(0.05)
    await store.close()


async def is_owing(store: Store) -> bool:
    """Whether anything is still to be sent or recorded."""
    pending = sa.select(deliveries.c.id).where(IS_PENDING).limit(1)
    sending = sa.select(deliveries.c.id).where(IS_SENDING).limit(1)
    async with store.read() as tx:
        return any([(await tx.execute(query)).first() for query in (pending, sending)])
