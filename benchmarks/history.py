"""What a page of the API costs with a million deliveries in the log, beside a log of one page."""

import asyncio
import statistics
import time
from collections.abc import Iterator

import httpx
import sqlalchemy as sa

from benchmarks.databases import KINDS, databases
from benchmarks.scale import Scale
from benchmarks.service import a_service
from benchmarks.table import Figure
from runhook.storage.store import Store
from runhook.storage.tables import deliveries
from runhook.storage.vault import Vault

WEBHOOKS = 100
PAGE = 100
MOST_TIMES = 1.2
STEP = 100_000
TIMES = 50
SUBSCRIPTIONS = "webhooks/subscriptions?limit=100"
NUMBERS = {
    "sqlite": (
        "(WITH RECURSIVE counted(n) AS "
        "(SELECT :first UNION ALL SELECT n + 1 FROM counted WHERE n < :last) "
        "SELECT n FROM counted) AS numbers"
    ),
    "postgresql": "generate_series(CAST(:first AS int), CAST(:last AS int)) AS numbers(n)",
}
NEW_ID = {
    "sqlite": "'wev_' || printf('%027d', n)",
    "postgresql": "'wev_' || lpad(CAST(n AS text), 27, '0')",
}


def measure(scale: Scale) -> Iterator[Figure]:
    """Ask for pages of a short log and of a long one, on each database."""
    for kind in KINDS:
        with databases(kind, 2) as (short, long):
            for one in (short, long):
                with a_service(one) as service:
                    make_webhooks(service.client)
                    report_runs(service.client)
            asyncio.run(add_history(long.url, scale.history))
            with a_service(short) as few, a_service(long) as many:
                for name, ratio, seconds in compare_pages(few.client, many.client):
                    yield Figure(
                        what=f"page of {name}, {kind}: {scale.history:,} more in the log",
                        value=f"{ratio:.2f} times, {seconds * 1000:.1f} ms",
                        goal=f"<= {MOST_TIMES} times",
                        is_met=ratio <= MOST_TIMES,
                    )


def compare_pages(few: httpx.Client, many: httpx.Client) -> Iterator[tuple[str, float, float]]:
    """Ask both services in turn, so that whatever else the machine does slows both alike."""
    paths = {
        "100 subscriptions": {few: SUBSCRIPTIONS, many: SUBSCRIPTIONS},
        "100 events": {few: events_of_first(few), many: events_of_first(many)},
    }
    for name, path_of in paths.items():
        times: dict[httpx.Client, list[float]] = {few: [], many: []}
        for _ in range(TIMES):
            for client in (few, many):
                times[client].append(seconds_of_page(client, path_of[client]))
        base, full = statistics.median(times[few]), statistics.median(times[many])
        yield name, full / base, full


def events_of_first(client: httpx.Client) -> str:
    """Return the path of the first webhook's deliveries."""
    webhook = client.get(SUBSCRIPTIONS).raise_for_status().json()["data"][0]["id"]
    return f"webhooks/subscription/{webhook}/events?limit={PAGE}"


def seconds_of_page(client: httpx.Client, path: str) -> float:
    """Return how long a whole page takes."""
    began = time.perf_counter()
    page = client.get(path).raise_for_status().json()["data"]
    assert len(page) == PAGE
    return time.perf_counter() - began


def make_webhooks(client: httpx.Client) -> None:
    """Create webhooks that are not active: nothing of this is to be sent."""
    webhook = {
        "name": "history",
        "client_url": "http://127.0.0.1:9/",
        "event_types": ["job.run.started"],
        "active": False,
    }
    for _ in range(WEBHOOKS):
        client.post("webhooks/subscriptions", json=webhook).raise_for_status()


def report_runs(client: httpx.Client) -> None:
    """Start as many runs as give every webhook one page of deliveries."""
    for number in range(PAGE):
        facts = {"job_name": "nightly", "run_key": f"run-{number}"}
        client.post("runs", json=facts).raise_for_status()


async def add_history(url: str, count: int) -> None:
    """Copy what there is until the log has so many deliveries more, of the same webhooks."""
    store = Store.open(url, vault=Vault([Vault.new_key()]))
    copied = ", ".join(column.name for column in deliveries.c if column.name != "id")
    for first in range(0, count, STEP):
        async with store.write() as tx:
            kind = tx.connection.dialect.name
            await tx.execute(
                sa.text(
                    f"INSERT INTO deliveries (id, {copied}) SELECT {NEW_ID[kind]}, {copied} "
                    f"FROM {NUMBERS[kind]} JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place"
                    " FROM deliveries WHERE id >= 'wev_1') AS old"
                    f" ON old.place = 1 + n % {PAGE * WEBHOOKS}"
                ),
                {"first": first, "last": min(first + STEP, count) - 1},
            )
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    await store.close()
