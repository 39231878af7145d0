"""How the rate grows with the processes that deliver from one PostgreSQL.

The backlog is there before it is due, and all processes are ready when it is. They share the cores
of this machine with the database and the receiver: on a few cores there is little left to grow.
"""

import asyncio
import os
import time
from collections.abc import Iterator

import sqlalchemy as sa

from benchmarks.databases import Database, database
from benchmarks.drain import PATIENCE_SECONDS, is_owing, post_barely
from benchmarks.receiver import Receiver, a_receiver
from benchmarks.rows import Copies, a_store, add_copies, add_webhook, ago
from benchmarks.scale import Scale
from benchmarks.service import dispatching
from benchmarks.table import Figure
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries

COUNTS = (1, 2, 4)


def measure(scale: Scale) -> Iterator[Figure]:
    """Drain the same backlog with more and more processes."""
    alone = 0.0
    for count in COUNTS:
        with database("postgresql") as owing, a_receiver() as receiver:
            bare = post_barely(receiver, scale.shared_backlog)["rate"]
            rate = asyncio.run(drain(owing, receiver, scale.shared_backlog, count))
        alone = alone or rate
        yield Figure(
            what=f"drain {scale.shared_backlog:,}, postgresql, {count} dispatching on "
            f"{os.cpu_count()} cores",
            value=f"{rate:,.0f}/s, {rate / alone:.2f} times one",
            to_bare=rate / bare,
        )


async def drain(owing: Database, receiver: Receiver, backlog: int, count: int) -> float:
    """Deliver a backlog with so many processes; return how many deliveries that was a second."""
    store = await a_store(owing)
    await owe(store, receiver, backlog)
    with dispatching(owing, count):
        async with store.write() as tx:
            await tx.execute(sa.update(deliveries).values(next_attempt_at=tx.now))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while receiver.progress()["count"] < backlog or await is_owing(store):
            assert time.monotonic() < deadline, "the backlog does not drain"
            await asyncio.sleep(0.1)
        taken = time.monotonic() - receiver.progress()["first"]
    await store.close()
    assert receiver.progress()["count"] == backlog, "something was sent twice"
    return float(backlog / taken)


async def owe(store: Store, receiver: Receiver, backlog: int) -> None:
    """Owe every endpoint its share of a backlog, which is due in an hour."""
    webhooks = [await add_webhook(store, url) for url in receiver.urls]
    await add_copies(
        store,
        Copies(count=backlog, webhooks=webhooks, state=DeliveryState.PENDING, since=ago(hours=-1)),
    )
