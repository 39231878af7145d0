"""Which databases can be opened, and how one that is away is told from a bug."""

import contextlib
import gc
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Compiled

from runhook.domain.errors import InvalidError, UnavailableError
from runhook.storage.engine.schema import migrate, revision_of
from runhook.storage.engine.store import Store
from tests.support.databases import VAULT, open_store


@pytest.mark.parametrize("address", ["", "runhook", "not a database address"])
def test_refuses_what_is_not_an_address(address: str):
    with pytest.raises(InvalidError, match="RUNHOOK_DATABASE_URL is not a database address"):
        Store.open(address, vault=VAULT)


def test_refuses_a_database_of_another_kind():
    with pytest.raises(InvalidError, match="`mysql` is not supported; give sqlite:///path or"):
        Store.open("mysql://root@localhost/runhook", vault=VAULT)


def test_an_unknown_database_does_not_show_its_password():
    with pytest.raises(InvalidError) as refusal:
        Store.open("mysql://root:open-sesame@localhost/runhook", vault=VAULT)

    assert "open-sesame" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"],
)
def test_refuses_a_sqlite_database_that_is_not_a_file(address: str):
    with pytest.raises(InvalidError, match=r"SQLite needs a file .*; give sqlite:///path"):
        Store.open(address, vault=VAULT)


async def test_the_file_is_the_same_whatever_the_way_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deeper" / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deeper" / "data")
    file = tmp_path / "deeper" / "data" / "runhook.db"

    for way in (
        file,
        "deeper/data/runhook.db",
        "link/../data/runhook.db",
        "link/runhook.db?timeout=1",
    ):
        store = Store.open(f"sqlite:///{way}", vault=VAULT)
        await migrate(store)
        await store.close()
        assert store.file == file

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def test_a_server_is_no_file_of_ours():
    assert Store.open("postgresql://runhook@localhost/runhook", vault=VAULT).file is None


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
async def test_a_server_that_cannot_be_reached_is_unavailable(host: str):
    store = Store.open(f"postgresql://runhook@{host}/runhook", vault=VAULT)

    with pytest.raises(UnavailableError, match="try again shortly"):
        async with store.write():
            pass
    with pytest.raises(UnavailableError, match="try again shortly"):
        async with store.read():
            pass
    await store.close()


async def test_a_server_that_ends_the_connection_is_unavailable_and_then_back(postgresql_url: str):
    store = Store.open(postgresql_url, vault=VAULT)

    with pytest.raises(UnavailableError):
        async with store.write() as tx:
            await tx.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async with store.write() as tx:
        assert (await tx.execute(sa.text("SELECT 1"))).scalar_one() == 1
    await store.close()


async def test_a_server_that_only_reads_is_unavailable(postgresql_url: str):
    """As a standby is, before it has taken over."""
    store = Store.open(postgresql_url, vault=VAULT)

    with pytest.raises(UnavailableError):
        async with store.write() as tx:
            await tx.execute(sa.text("SET TRANSACTION READ ONLY"))
            await tx.execute(sa.text("DELETE FROM tokens"))
    await store.close()


async def test_a_file_that_another_process_writes_for_too_long_is_unavailable(sqlite_url: str):
    store = Store.open(sqlite_url, vault=VAULT)
    async with store.write() as tx:
        await tx.execute(sa.text("PRAGMA busy_timeout = 0"))
    path = sa.make_url(sqlite_url).database
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(UnavailableError):
            async with store.write() as tx:
                await tx.execute(sa.text("SELECT 1"))

        other.execute("ROLLBACK")
    async with store.write() as tx:
        await tx.execute(sa.text("SELECT 1"))
    await store.close()


async def test_what_writes_nothing_waits_for_no_other_process(sqlite_url: str):
    store = Store.open(sqlite_url, vault=VAULT)
    path = sa.make_url(sqlite_url).database
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        async with store.write():
            pass

        other.execute("ROLLBACK")
    await store.close()


async def test_a_full_disk_is_unavailable(sqlite_url: str):
    store = Store.open(sqlite_url, vault=VAULT)

    with pytest.raises(UnavailableError):
        async with store.write() as tx:
            await tx.execute(sa.text("PRAGMA max_page_count = 1"))
            await tx.execute(sa.text("CREATE TABLE large AS SELECT zeroblob(1000000)"))
    await store.close()


async def test_a_mistake_in_a_statement_is_not_taken_for_an_absent_database(store: Store):
    with pytest.raises(sa.exc.DBAPIError):
        async with store.write() as tx:
            await tx.execute(sa.text("SELECT no_such_column FROM accounts"))


async def test_a_closed_database_leaves_no_statement_in_memory(database_url: str):
    def statements() -> int:
        gc.collect()
        return sum(isinstance(one, Compiled) for one in gc.get_objects())

    before = statements()
    opened = open_store(database_url)
    await revision_of(opened)
    while_open = statements()
    await opened.close()

    assert statements() <= before < while_open
