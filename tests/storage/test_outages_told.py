"""The log has a line when the database is away or full, and one when it is back."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import asyncpg
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from runhook.domain.errors import UnavailableError
from runhook.server.service.metrics import looked_up
from runhook.storage.engine.outage import DISK_LASTS
from runhook.storage.engine.store import DiskError, Store
from tests.support.clock import ManualClock
from tests.support.databases import CLEANER, VAULT, open_store
from tests.support.patience import PATIENCE
from tests.support.ports import a_port_where_nobody_listens


async def write_something(store: Store) -> None:
    async with store.write() as tx:
        await tx.execute(sa.text("UPDATE accounts SET name = name"))


async def is_up(store: Store) -> bool:
    up = next(one for one in await looked_up(store) if one.name == "runhook_database_up")
    return up.samples[0].value == 1


async def test_a_server_that_is_away_is_told_once_with_the_reason():
    with a_port_where_nobody_listens() as port:
        store = Store.open(f"postgresql://me:planted@127.0.0.1:{port}/none", vault=VAULT)
        with capture_logs() as logged:
            for _ in range(3):
                with pytest.raises(UnavailableError):
                    await write_something(store)
        await store.close()

    (line,) = logged
    assert (line["event"], line["log_level"]) == ("database.away", "error")
    assert "refused" in line["reason"].lower()
    assert "planted" not in str(logged)


async def test_a_file_that_is_locked_is_away_until_it_is_free(sqlite_url: str):
    """Who waits for its end would else be sent to it again and again, with two lines each time."""
    store = Store.open(f"{sqlite_url}?timeout=0", vault=VAULT)
    with capture_logs() as logged:
        with closing(sqlite3.connect(store.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(UnavailableError):
                await write_something(store)
            was_over = await store.outage.is_over_within(timedelta())
        is_over = await store.outage.is_over_within(timedelta(seconds=PATIENCE))
    await store.close()

    assert not was_over
    assert is_over
    assert [line["event"] for line in logged] == ["database.away", "database.back"]


async def test_a_database_that_takes_no_writes_is_not_up_until_it_does(
    database_url: str, clock: ManualClock
):
    """As of a standby, or of a server whose disk is nearly full and that was made read-only."""
    store = open_store(database_url, clock=clock.as_sql())
    assert await is_up(store)

    with capture_logs() as logged:
        if database_url.startswith("sqlite"):
            async with store.write() as tx:
                await tx.execute(sa.text("PRAGMA max_page_count = 1"))
            with pytest.raises(UnavailableError):
                async with store.write() as tx:
                    await tx.execute(sa.text("CREATE TABLE more AS SELECT zeroblob(1000000) AS b"))
            down = await is_up(store)
            async with store.write() as tx:
                await tx.execute(sa.text("PRAGMA max_page_count = 1000000"))
            steady = store.outage.steady
            store.outage.steady = lambda: steady() + DISK_LASTS.total_seconds()
        else:
            await set_read_only(database_url, "on")
            with pytest.raises(UnavailableError):
                await write_something(store)
            down = await is_up(store)
            await set_read_only(database_url, "off")
        await write_something(store)
    await_up = await is_up(store)
    await store.close()

    assert not down
    assert await_up
    assert [one["event"] for one in logged] == ["database.away", "database.back"]
    assert logged[0]["reason"]
    assert logged[1]["seconds"] >= 0


async def set_read_only(url: str, value: str) -> None:
    """Let new sessions take no writes, or all, as an administrator would."""
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute("SET default_transaction_read_only = off")
    await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}')
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> $1",
        CLEANER,
    )
    await connection.close()


DISK_ERRORS = {
    "58030": "could not fsync file: Input/output error",
    "53100": "could not extend file: No space left on device",
    "XX000": "could not extend file: Disk quota exceeded",
}
"""What PostgreSQL says when its disk takes nothing, by SQLSTATE."""


@pytest.mark.parametrize("code", DISK_ERRORS)
async def test_a_servers_disk_that_takes_nothing_is_told_once_until_it_does(
    postgresql_url: str, code: str
):
    """Transactions that write nothing succeed meanwhile."""
    store = open_store(postgresql_url)
    failing = f"DO $$ BEGIN RAISE '{DISK_ERRORS[code]}' USING ERRCODE = '{code}'; END $$"
    with capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(DiskError) as told:
                async with store.write() as tx:
                    await tx.execute(sa.text(failing))
            await write_something(store)
        down = await is_up(store)
        steady = store.outage.steady
        store.outage.steady = lambda: steady() + DISK_LASTS.total_seconds()
        await write_something(store)
    up_again = await is_up(store)
    await store.close()

    assert (down, up_again) == (False, True)
    assert [one["event"] for one in logged] == ["database.away", "database.back"]
    assert logged[0]["reason"] == told.value.message


async def test_an_error_of_the_servers_own_is_a_bug_unless_it_is_the_disks(postgresql_url: str):
    store = open_store(postgresql_url)
    with pytest.raises(sa.exc.DBAPIError):
        async with store.write() as tx:
            await tx.execute(sa.text("DO $$ BEGIN RAISE 'odd' USING ERRCODE = 'XX000'; END $$"))
    is_over = store.outage.is_over
    await store.close()

    assert is_over


async def test_a_reason_is_told_in_the_databases_own_words(sqlite_url: str):
    store = Store.open(f"{sqlite_url}?timeout=0", vault=VAULT)
    with (
        closing(sqlite3.connect(store.file, isolation_level=None)) as other,
        capture_logs() as logged,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError):
            await write_something(store)
    await store.close()

    assert [one["reason"] for one in logged] == ["database is locked"]
