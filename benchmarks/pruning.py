"""Latency of reports while history is being deleted.

The service is started in turn with a retention that keeps the old rows and with one that deletes
them, and gets reports meanwhile.
"""

import asyncio
import statistics
from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from benchmarks.databases import KINDS, Database, database
from benchmarks.receiver import Receiver, a_receiver
from benchmarks.reporting import Heard, add_jobs, percentiles, report
from benchmarks.rows import Copies, a_store, add_copies, add_webhook, ago, tidy
from benchmarks.scale import Scale
from benchmarks.service import a_service
from benchmarks.table import Figure
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.operations.ids import first_delivery_id_of
from runhook.storage.engine.tables import deliveries

RATE = 200
MOST_TIMES = 1.5
LONG, SHORT = 3_650, 30
"""Days of retention: with the one everything stays, with the other the old rows go."""


def measure(scale: Scale) -> Iterator[Figure]:
    """Compare on each database."""
    for kind in KINDS:
        with database(kind) as kept, a_receiver() as receiver:
            asyncio.run(build(kept, scale.pruned))
            with a_service(kept, settings=keeping(LONG)) as service:
                jobs = add_jobs(service.client, receiver.urls)
            rounds: dict[int, list[Heard]] = {LONG: [], SHORT: []}
            for number in range(scale.rounds):
                for days in (LONG, SHORT) if number % 2 == 0 else (SHORT, LONG):
                    rounds[days].append(one_round(kept, receiver, jobs, days, scale))
            gone = scale.pruned - asyncio.run(count_old(kept))
        ratio = statistics.median(one.p99 for one in rounds[SHORT]) / statistics.median(
            one.p99 for one in rounds[LONG]
        )
        name = f"pruning, {RATE} reports/s, {kind}"
        for days, title in ((LONG, "without it"), (SHORT, "beside it")):
            arriving = [seconds for one in rounds[days] for seconds in one.arriving]
            is_held = all(one.is_held for one in rounds[days])
            yield Figure(
                what=f"{name}: {title}, 50/95/99 %",
                value=percentiles(arriving) + ("" if is_held else ", RATE NOT HELD"),
            )
        yield Figure(
            what=f"{name}: 99 %, median of {scale.rounds} rounds",
            value=f"{ratio:.2f} times",
            goal=f"<= {MOST_TIMES} times",
            is_met=ratio <= MOST_TIMES and all(one.is_held for one in rounds[SHORT]),
        )
        seconds = scale.rounds * scale.round_seconds
        yield Figure(
            what=f"{name}: deliveries deleted, of {scale.pruned:,}",
            value=f"{gone:,}, about {gone / seconds:,.0f}/s"
            + (", ALL OF THEM, too soon" if gone == scale.pruned else ""),
        )


async def build(kept: Database, count: int) -> None:
    """Give a database deliveries of long ago, with their attempts, runs and events."""
    store = await a_store(kept)
    gone = [await add_webhook(store, f"http://127.0.0.1:9/{number}") for number in range(10)]
    old = Copies(
        count=count,
        webhooks=gone,
        state=DeliveryState.SUCCEEDED,
        since=ago(days=90),
        spread=timedelta(days=50),
    )
    await add_copies(store, old)
    # What comes now goes elsewhere.
    async with store.write() as tx:
        await tx.execute(sa.text("UPDATE webhooks SET deleted_at = created_at, active = false"))
    await store.close()
    await tidy(kept)


def one_round(
    kept: Database, receiver: Receiver, jobs: list[str], days: int, scale: Scale
) -> Heard:
    """Serve with a retention, and report for a while."""
    with a_service(kept, settings=keeping(days)) as service:
        return report(service, receiver, jobs, rate=RATE, seconds=scale.round_seconds)


def keeping(days: int) -> dict[str, str]:
    """Settings of a service that keeps what is over for so long."""
    return {"RUNHOOK_RETENTION_DAYS": str(days)}


async def count_old(kept: Database) -> int:
    """Number of old deliveries left."""
    store = await a_store(kept)
    old = deliveries.c.id < first_delivery_id_of(ago(days=SHORT))
    async with store.read() as tx:
        counted = int((await tx.execute(sa.select(sa.func.count()).where(old))).scalar_one())
    await store.close()
    return counted
