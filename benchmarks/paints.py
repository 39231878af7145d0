"""How soon Chromium paints the most used pages of a large account, and how large they are."""

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from examples.chromium import chromium
from playwright.async_api import Browser

from benchmarks.databases import Database, databases
from benchmarks.rows import Copies, a_store, add_copies, add_webhook, ago, tidy
from benchmarks.scale import Scale
from benchmarks.service import TOKEN, a_service
from benchmarks.table import Figure
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries, jobs, runs

DELIVERIES, WEBHOOKS = 110_000, 500
JOBS = (200, 1_000)
LARGEST = 100_000
"""Bytes of a first paint."""
VISITS = 5
ROOT = "/accounts/1"
SEEN = """() => new Promise((done) => {
  const look = () => {
    const [page] = performance.getEntriesByType("navigation");
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    if (!paint || !page.loadEventEnd) { setTimeout(look, 20); return; }
    const parts = performance.getEntriesByType("resource");
    done({
      first_byte: page.responseStart - page.requestStart,
      paint: paint.startTime,
      html: page.encodedBodySize,
      bytes: [page, ...parts].reduce((sum, one) => sum + one.transferSize, 0),
    });
  };
  look();
})"""


@dataclass(frozen=True)
class Visit:
    """What a browser saw of one visit, in milliseconds and bytes."""

    first_byte: float
    paint: float
    html: float
    bytes: float


def measure(scale: Scale) -> Iterator[Figure]:
    """Visit each page of two accounts, each time with an empty cache."""
    del scale
    for count in JOBS:
        with databases("sqlite", 1) as (database,):
            with a_service(database):
                pass  # Its first start makes the account and its token.
            asyncio.run(fill(database, count))
            with a_service(database) as service:
                yield from asyncio.run(look(service.url, count, asyncio.run(pages_of(database))))


async def fill(database: Database, job_count: int) -> None:
    """Let an account have its webhooks, jobs, and a month of deliveries."""
    store = await a_store(database)
    webhooks = [
        await add_webhook(store, "http://127.0.0.1:9/", f"number {number}")
        for number in range(WEBHOOKS)
    ]
    copies = Copies(
        count=DELIVERIES, webhooks=webhooks, state=DeliveryState.SUCCEEDED, since=ago(hours=30)
    )
    await add_copies(store, copies)
    await spread_over_jobs(store, job_count)
    await store.close()
    await tidy(database)


async def spread_over_jobs(store: Store, count: int) -> None:
    """Let the runs be of so many jobs in turn."""
    async with store.write() as tx:
        first = (await tx.execute(sa.select(sa.func.max(jobs.c.id)))).scalar_one()
        known = (await tx.execute(sa.select(jobs))).mappings().one()
        await tx.execute(
            sa.insert(jobs),
            [
                {**known, "id": first + number, "name": f"job {number:04}"}
                for number in range(1, count)
            ],
        )
        await tx.execute(sa.update(runs).values(job_id=first + runs.c.id % count))
        await tx.execute(sa.update(deliveries).values(job_id=first + deliveries.c.run_id % count))


async def pages_of(database: Database) -> dict[str, str]:
    """Paths of the ten most used pages, by name."""
    store = await a_store(database)
    async with store.read() as tx:
        newest = sa.select(deliveries).order_by(deliveries.c.id.desc()).limit(1)
        one = (await tx.execute(newest)).one()
    await store.close()
    return {
        "overview": f"{ROOT}/overview",
        "jobs": f"{ROOT}/jobs",
        "job": f"{ROOT}/jobs/{one.job_id}",
        "runs": f"{ROOT}/runs",
        "run": f"{ROOT}/runs/{one.run_id}",
        "deliveries": f"{ROOT}/deliveries",
        "log with a delivery": f"{ROOT}/deliveries?delivery={one.id}",
        "delivery": f"{ROOT}/deliveries/{one.id}",
        "webhooks": f"{ROOT}/webhooks",
        "webhook": f"{ROOT}/webhooks/{one.webhook_id}",
    }


async def look(base: str, job_count: int, paths: dict[str, str]) -> list[Figure]:
    """Visit each page some times, and return the middle of what was seen."""
    figures = []
    async with chromium() as browser:
        for name, path in paths.items():
            visits = [await visit(browser, base + path) for _ in range(1 + VISITS)][1:]
            first_byte, paint, html, size = (
                statistics.median(getattr(one, what) for one in visits)
                for what in ("first_byte", "paint", "html", "bytes")
            )
            figures.append(
                Figure(
                    what=f"{name}, {job_count:,} jobs",
                    value=f"{first_byte:.0f} ms to the first byte, painted after {paint:.0f} ms, "
                    f"{size / 1000:.0f} kB, of which HTML {html / 1000:.0f} kB",
                    goal=f"< {LARGEST / 1000:.0f} kB",
                    is_met=size < LARGEST,
                )
            )
    return figures


async def visit(browser: Browser, address: str) -> Visit:
    """Open a page in a browser that has seen nothing yet."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800},
        extra_http_headers={"Authorization": f"Token {TOKEN}"},
    )
    page = await context.new_page()
    await page.goto(address)
    seen = Visit(**await page.evaluate(SEEN))
    await context.close()
    return seen
