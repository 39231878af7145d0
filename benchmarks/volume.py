"""Whether publishing, claiming and listing cost the same with much pending and much history.

Two databases of a kind are compared: one with a page of deliveries, and one with a long log and a
webhook whose dead endpoint has a large backlog. Measured in turn on the one and on the other, many
times, and warm: what is touched is in memory, as it is in a service that runs. After so many rows
at once the tables are vacuumed and analyzed, as autovacuum would do in time.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise

import sqlalchemy as sa

from benchmarks.databases import KINDS, Database, databases
from benchmarks.rows import Copies, a_store, add_copies, add_webhook, ago, report_start, tidy
from benchmarks.scale import Scale
from benchmarks.table import Figure
from runhook.domain.deliveries.delivery import DeliveryState, Lease
from runhook.operations.deliveries.attempt import claim_deliveries, look
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.storage.deliveries.rows import list_deliveries
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import IS_SENDING, deliveries, webhooks

MOST_TIMES = 1.2
WEBHOOKS = 10
PAGE = 100
PLACES = 100
TIMES, WARMING_TIMES = 300, 30
LEASE = Lease(owner="benchmark", duration=timedelta(minutes=1))


def measure(scale: Scale) -> Iterator[Figure]:
    """Build both kinds of databases side by side, then compare one kind after the other."""
    with ExitStack() as stack:
        built = {kind: stack.enter_context(databases(kind, 2)) for kind in KINDS}
        took = asyncio.run(build_all(scale, [full for _, full in built.values()]))
        for (kind, (empty, full)), seconds in zip(built.items(), took, strict=True):
            name = f"{scale.history:,} old, {scale.pending:,} pending, {kind}"
            yield Figure(what=f"{name}: built in", value=f"{seconds:.0f} s")
            for what, (base, beside) in asyncio.run(compare(empty, full)).items():
                ratio = beside / base
                yield Figure(
                    what=f"{name}: {what}",
                    value=f"{ratio:.2f} times, {beside * 1000:.2f} ms",
                    goal=f"<= {MOST_TIMES} times",
                    is_met=ratio <= MOST_TIMES,
                )


async def build_all(scale: Scale, full: Sequence[Database]) -> Sequence[float]:
    """Fill databases at the same time, and return how many seconds each took."""
    for one in full:
        # One after the other: Alembic migrates one database at a time.
        await (await a_store(one)).close()
    return await asyncio.gather(*(build(scale, one) for one in full))


async def build(scale: Scale, database: Database) -> float:
    """Give a database a long log, and much that is owed to a dead endpoint."""
    began = time.perf_counter()
    store = await a_store(database)
    healthy, dead = await add_webhooks(store)
    old = Copies(
        count=scale.history,
        webhooks=healthy,
        state=DeliveryState.SUCCEEDED,
        since=ago(days=20),
        spread=timedelta(days=19),
    )
    owed = Copies(
        count=scale.pending, webhooks=[dead], state=DeliveryState.PENDING, since=ago(hours=12)
    )
    await add_copies(store, old)
    await add_copies(store, owed)
    await store.close()
    return time.perf_counter() - began


async def add_webhooks(store: Store) -> tuple[Sequence[str], str]:
    """Add webhooks that are well, with a page of deliveries each, and one that is dead."""
    url = "http://127.0.0.1:9/"
    healthy = [await add_webhook(store, url, f"well {number}") for number in range(WEBHOOKS)]
    dead = await add_webhook(store, url, "dead")
    async with store.write() as tx:
        await tx.execute(
            sa.update(webhooks)
            .where(webhooks.c.id == dead)
            .values(
                failing_since=ago(hours=12),
                consecutive_failures=50,
                failed_probes=40,
                paused_until=ago(hours=-1),
            )
        )
    page = Copies(
        count=PAGE * WEBHOOKS, webhooks=healthy, state=DeliveryState.SUCCEEDED, since=ago(hours=2)
    )
    await add_copies(store, page)
    return healthy, dead


async def compare(empty: Database, full: Database) -> Mapping[str, tuple[float, float]]:
    """Cost of each operation on the one and on the other, in seconds, by name."""
    store = await a_store(empty)
    await add_webhooks(store)
    await store.close()
    stores = []
    for one in (empty, full):
        await tidy(one)
        stores.append(await a_store(one))
    times: dict[str, tuple[list[float], list[float]]] = {}
    for turn in range(WARMING_TIMES + TIMES):
        for place, store in enumerate(stores):
            for what, seconds in (await one_round(store, f"run-{turn}")).items():
                if turn >= WARMING_TIMES:
                    times.setdefault(what, ([], []))[place].append(seconds)
    for store in stores:
        await store.close()
    return {
        what: (statistics.median(base), statistics.median(beside))
        for what, (base, beside) in times.items()
    }


async def one_round(store: Store, key: str) -> Mapping[str, float]:
    """Publish, claim and list once, and return how many seconds each took."""
    moments = [time.perf_counter()]
    await report_start(store, key)
    moments.append(time.perf_counter())
    due = {id_: PLACES for id_, one in (await look(store)).items() if one.pause <= timedelta()}
    claimed = await claim_deliveries(store, due, LEASE)
    moments.append(time.perf_counter())
    assert len(claimed) == WEBHOOKS, "all but the dead endpoint's is claimed"
    for webhook_id in (claimed[0].endpoint.webhook_id, None):
        async with store.read() as tx:
            page = await list_deliveries(tx, FIRST_ACCOUNT, webhook_id, limit=PAGE)
        moments.append(time.perf_counter())
        assert len(page) == PAGE
    async with store.write() as tx:
        await tx.execute(
            sa.update(deliveries)
            .where(IS_SENDING)
            .values(state=DeliveryState.SUCCEEDED, claimed_by=None, claimed_until=None)
        )
    names = ("publish", "claim", f"list {PAGE} of a webhook", f"list {PAGE} of the account")
    spans = pairwise(moments)
    return {name: end - start for name, (start, end) in zip(names, spans, strict=True)}
