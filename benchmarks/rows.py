"""Many rows at once, made by the database itself.

One run is reported and one delivery of it is owed to each webhook, as always. All the others are
copies with ids of their own, made by one statement for each hundred thousand.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import sqlalchemy as sa

from benchmarks.databases import Database
from benchmarks.service import TOKEN
from runhook.clock import SystemClock
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.runs.run import StartReport
from runhook.operations.context import Context
from runhook.operations.ids import new_delivery_id
from runhook.operations.people.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.operations.webhooks.subscribe import WebhookChange, create_webhook
from runhook.settings import Hidden
from runhook.storage.engine.columns import EPOCH, MICROSECOND
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import attempts, deliveries, events, runs
from runhook.storage.service.data_folder import open_vault

LOOPBACK = AddressPolicy.parse("127.0.0.0/8")
STEP = 100_000
TAIL = 10
"""How many of an id's characters count."""
NUMBERS = {
    "sqlite": (
        "(WITH RECURSIVE counted(n) AS "
        "(SELECT :first UNION ALL SELECT n + 1 FROM counted WHERE n < :last) "
        "SELECT n FROM counted) AS numbers"
    ),
    "postgresql": ("generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS numbers(n)"),
}
TEXT_OF = {
    "sqlite": "CAST({} AS TEXT)",
    "postgresql": "convert_from({}, 'UTF8')",
}
BYTES_OF = {
    "sqlite": "CAST({} AS BLOB)",
    "postgresql": "convert_to({}, 'UTF8')",
}
PADDED = {
    "sqlite": f"printf('%0{TAIL}d', {{}})",
    "postgresql": f"lpad(CAST({{}} AS text), {TAIL}, '0')",
}


@dataclass(frozen=True, kw_only=True)
class Copies:
    """What to add: so many deliveries to each of some webhooks, from one time on."""

    count: int
    webhooks: Sequence[str]
    state: DeliveryState
    since: datetime
    spread: timedelta = timedelta(hours=1)


async def a_store(database: Database) -> Store:
    """Open a database as the service would, with its first account."""
    store = Store.open(database.url, vault=open_vault(database.folder))
    await migrate(store)
    await begin_service(store, bootstrap_token=Hidden(TOKEN), clock=SystemClock())
    return store


async def add_webhook(store: Store, url: str, name: str = "benchmark") -> str:
    """Make a webhook that wants every start."""
    change = WebhookChange(name=name, client_url=url, event_types=["job.run.started"])
    webhook, _ = await create_webhook(
        Context(store, SystemClock(), COMMAND_LINE, policy=LOOPBACK), FIRST_ACCOUNT, change
    )
    return webhook.id


async def report_start(store: Store, key: str) -> int:
    """Report one run's start, and return its id."""
    publisher = Publisher(store, SystemClock())
    report = StartReport(
        run_key=key,
        job_name="nightly",
        project_name="shop",
        environment_name="production",
        run_reason="scheduled",
        dbt_version="1.11.16",
    )
    return (await publisher.publish(Start(FIRST_ACCOUNT, report))).run.id


async def tidy(database: Database) -> None:
    """Do at once what a database does in time after many rows: vacuum and analyze."""
    if database.kind == "postgresql":
        connection = await asyncpg.connect(database.url)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        return
    # SQLite's vacuum writes the file anew; it leaves nothing behind that would need that here.
    store = await a_store(database)
    async with store.write() as tx:
        await tx.execute(sa.text("ANALYZE"))
    await store.close()


async def add_copies(store: Store, copies: Copies) -> float:
    """Add deliveries with their runs, events and attempts; return how many seconds that took."""
    began = time.perf_counter()
    seed = await report_start(store, f"seed-{time.time_ns()}")
    share = len(copies.webhooks)
    for first in range(0, copies.count, STEP):
        last = min(first + STEP, copies.count) - 1
        async with store.write() as tx:
            await add_runs(tx, copies, seed, first // share, last // share)
            await add_deliveries(tx, copies, seed, first, last)
    async with store.write() as tx:
        await tx.execute(sa.delete(deliveries).where(deliveries.c.run_id == seed))
        if tx.connection.dialect.name == "postgresql":
            await tx.execute(
                sa.text("SELECT setval(pg_get_serial_sequence('runs', 'id'), max(id)) FROM runs")
            )
        await tx.execute(sa.text("ANALYZE"))
    return time.perf_counter() - began


async def add_runs(tx: Transaction, copies: Copies, seed: int, first: int, last: int) -> None:
    """Add one run, with its event, for each round of the webhooks."""
    kind = tx.connection.dialect.name
    at = f"{microseconds(copies.since)} + n * {pace(copies) * len(copies.webhooks)}"
    over = copies.state is not DeliveryState.PENDING
    changed = {
        "id": "old.id + 1 + n",
        "run_key": f"old.run_key || '-' || {PADDED[kind].format('n')}",
        "created_at": at,
        "started_at": at,
        **({"status": "10", "finished_at": at, "outcome": "'complete'"} if over else {}),
    }
    limits = {"seed": seed, "first": first, "last": last}
    await tx.execute(
        sa.text(copied(runs, changed, f"{NUMBERS[kind]}, runs AS old WHERE old.id = :seed")),
        limits,
    )
    changed = {"run_id": "old.run_id + 1 + n", "occurred_at": at}
    source = f"{NUMBERS[kind]}, events AS old WHERE old.run_id = :seed"
    await tx.execute(sa.text(copied(events, changed, source)), limits)


async def add_deliveries(tx: Transaction, copies: Copies, seed: int, first: int, last: int) -> None:
    """Add one delivery for each number, to the webhooks in turn, with its attempt if it had one."""
    kind = tx.connection.dialect.name
    share = len(copies.webhooks)
    over = copies.state is not DeliveryState.PENDING
    prefix = new_delivery_id(copies.since, 0)[:-TAIL]
    new_id = f"'{prefix}' || {PADDED[kind].format('n')}"
    run_id = f"old.run_id + 1 + n / {share}"
    body = TEXT_OF[kind].format("old.body")
    body = f"replace({body}, old.id, {new_id})"
    body = f"replace({body}, '\"{seed}\"', '\"' || CAST({run_id} AS TEXT) || '\"')"
    at = f"{microseconds(copies.since)} + n * {pace(copies)}"
    changed = {
        "id": new_id,
        "run_id": run_id,
        "body": BYTES_OF[kind].format(body),
        "state": f"'{copies.state}'",
        "created_at": at,
        "updated_at": at,
        "next_attempt_at": "NULL" if over else at,
        **({"attempt_count": "1", "http_status_code": "200"} if over else {}),
    }
    chosen = " ".join(f"WHEN {turn} THEN '{id_}'" for turn, id_ in enumerate(copies.webhooks))
    source = (
        f"{NUMBERS[kind]} JOIN deliveries AS old ON old.run_id = :seed "
        f"AND old.webhook_id = CASE n % {share} {chosen} END"
    )
    limits = {"seed": seed, "first": first, "last": last}
    await tx.execute(sa.text(copied(deliveries, changed, source)), limits)
    if over:
        left_out = {"phases", "note"}
        columns = ", ".join(one.name for one in attempts.c if one.name not in left_out)
        bytes_ = BYTES_OF[kind].format("''")
        await tx.execute(
            sa.text(
                f"INSERT INTO attempts ({columns}) SELECT {new_id}, 1, 'scheduled', {at}, 2000, "
                "200, NULL, '', "
                '\'{"Content-Type": "application/json"}\', \'{"content-length": "0"}\', '
                f"{bytes_} FROM {NUMBERS[kind]}"
            ),
            {"first": first, "last": last},
        )


def copied(table: sa.Table, changed: dict[str, str], source: str) -> str:
    """SQL that copies rows with some columns changed."""
    names = [column.name for column in table.c]
    values = [changed.get(name, f"old.{name}") for name in names]
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)} FROM {source}"


def microseconds(moment: datetime) -> int:
    """A moment as the tables store it."""
    return (moment - EPOCH) // MICROSECOND


def pace(copies: Copies) -> int:
    """Microseconds from one delivery to the next."""
    return max(1, copies.spread // MICROSECOND // max(1, copies.count))


def ago(**time_before: float) -> datetime:
    """The moment that long ago."""
    return datetime.now(UTC) - timedelta(**time_before)
