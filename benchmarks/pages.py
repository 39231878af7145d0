"""How long Recent Deliveries takes to begin to arrive, with a million rows and with none."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import httpx

from benchmarks.databases import KINDS, Database, databases
from benchmarks.rows import Copies, a_store, add_copies, add_webhook, ago, tidy
from benchmarks.scale import Scale
from benchmarks.service import a_service
from benchmarks.table import Figure
from runhook.domain.deliveries.delivery import DeliveryState

MOST_ROWS = 1_000_000
MOST_TIMES = 1.2
WEBHOOKS = 10
PAGE = 50
TIMES, WARMING_TIMES = 50, 5
PATHS = {
    "Recent Deliveries": "/accounts/1/deliveries",
    "what failed in 24 h": "/accounts/1/deliveries?state=failed&time=24h",
}


def measure(scale: Scale) -> Iterator[Figure]:
    """Ask for the page of a log that is empty, one that fills a page, and one that is long."""
    rows = min(scale.history, MOST_ROWS)
    for kind in KINDS:
        with databases(kind, 3) as logs, ExitStack() as stack:
            for log, count in zip(logs, (0, PAGE, rows), strict=True):
                with a_service(log):
                    pass  # Its first start makes the account and its token.
                asyncio.run(fill(log, count))
            clients = [stack.enter_context(a_service(one)).client for one in logs]
            for name, path in PATHS.items():
                yield from compare(f"{name}, {kind}: {rows:,} rows", path, clients)


async def fill(database: Database, count: int) -> None:
    """Let a log have so many deliveries, a day's of them new."""
    store = await a_store(database)
    webhooks = [
        await add_webhook(store, "http://127.0.0.1:9/", f"number {number}")
        for number in range(WEBHOOKS)
    ]
    if count:
        copies = Copies(
            count=count, webhooks=webhooks, state=DeliveryState.SUCCEEDED, since=ago(hours=30)
        )
        await add_copies(store, copies)
    await store.close()
    await tidy(database)


def compare(what: str, path: str, clients: Sequence[httpx.Client]) -> Iterator[Figure]:
    """Ask all services in turn, so that other load on the machine slows all alike."""
    times: list[list[float]] = [[] for _ in clients]
    for turn in range(WARMING_TIMES + TIMES):
        for client, its in zip(clients, times, strict=True):
            seconds = seconds_to_first_byte(client, path)
            if turn >= WARMING_TIMES:
                its.append(seconds)
    # What else the machine does only adds to a time, and to some more than to others.
    empty, short, long = (statistics.quantiles(its, n=4)[0] for its in times)
    yield Figure(
        what=f"{what} beside one page",
        value=f"{long / short:.2f} times, {long * 1000:.1f} ms",
        goal=f"<= {MOST_TIMES} times",
        is_met=long / short <= MOST_TIMES,
    )
    yield Figure(
        what=f"{what} beside an empty log",
        value=f"{long / empty:.2f} times, {empty * 1000:.1f} ms if empty",
    )


def seconds_to_first_byte(client: httpx.Client, path: str) -> float:
    """Seconds until a page's first byte."""
    address = client.base_url.copy_with(raw_path=path.encode())
    began = time.perf_counter()
    with client.stream("GET", address) as answer:
        parts = answer.iter_raw()
        next(parts)
        took = time.perf_counter() - began
        assert answer.status_code == 200, path
        # Read to its end, so that the connection serves the next one too.
        list(parts)
    return took
