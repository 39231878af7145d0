"""Databases for tests: real ones, each test its own, copied from one that is migrated once."""

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import MOVES
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Clock, Store
from runhook.storage.engine.tables import metadata
from runhook.storage.engine.vault import Vault
from tests.support.patience import PATIENCE
from tests.support.pooler import Pooler

FEW = 50
"""So many rows of a table are deleted without a trace worth the name."""
CLEANER = "a test's cleaner"
"""Name of the connection that empties a database between tests; it stays open."""
VAULT = Vault([Vault.new_key()])
ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For tests of what is the same whatever database there is."""


def open_store(url: str, *, clock: Clock | None = None, vault: Vault = VAULT) -> Store:
    """Open a database, whose server may be busy with all that other tests do.

    Args:
        url: its address.
        clock: what it goes by; its own by default.
        vault: has its keys.
    """
    if url.startswith("postgresql"):
        url += f"{'&' if '?' in url else '?'}connect_timeout={PATIENCE}"
    return Store.open(url, vault=vault, clock=clock)


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
    """One database on a PostgreSQL server, empty again for each test.

    Args:
        server: the address of any database on it, for administrators.
        pooler: what tests reach it by; None without.
        without: names of ``WITHOUT``, which it does not have.
    """

    def __init__(
        self, server: str, *, pooler: Pooler | None = None, without: Collection[str] = ()
    ) -> None:
        self._pooler = pooler
        self._runner = asyncio.Runner()
        name = f"test_{uuid.uuid4().hex}"
        self.url = at_database(server, name)
        """The address for administrators, who come by no pooler."""
        # A test's data need not survive a power cut.
        self._run(
            server,
            "ALTER SYSTEM SET fsync = off",
            "SELECT pg_reload_conf()",
            f"CREATE DATABASE {name}",
        )
        self._run(self.url, *filter(None, (WITHOUT[one] for one in without)))
        migrate_now(self.way_to(self.url))
        # To connect, and to learn what tables there are, takes longer than to empty them.
        self._cleaner = self._runner.run(
            asyncpg.connect(self.url, server_settings={"application_name": CLEANER})
        )
        self._runner.run(self._cleaner.execute(emptying(is_pooled=pooler is not None)))

    def _run(self, url: str, *statements: str) -> None:
        for statement in statements:
            self._runner.run(execute(url, statement))

    def way_to(self, url: str) -> str:
        """The address by which tests reach a database of the server."""
        return url if self._pooler is None else self._pooler.url_of(url)

    @contextlib.contextmanager
    def new(self, folder: Path) -> Iterator[str]:
        del folder
        self._runner.run(self._cleaner.execute("SELECT pg_temp.empty()"))
        yield self.way_to(self.url)

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


WITHOUT = {
    "notify": "ALTER FUNCTION pg_catalog.pg_notify(text, text) RENAME TO pg_no_notify;",
    "advisory-locks": """
        DO $$ DECLARE one regprocedure; BEGIN
            FOR one IN SELECT oid FROM pg_proc WHERE proname ~ '^pg_(try_)?advisory_' LOOP
                EXECUTE format('ALTER FUNCTION %s RENAME TO pg_no_lock_%s', one, one::oid);
            END LOOP;
        END $$;
    """,
    "skip-locked": "",
}
"""What takes a part of the server away from a database, by its name. There is no function of the
last one: ``refuse_skipping`` takes it out of statements."""


def refuse_skipping() -> None:
    """Let every statement wait for rows that others have locked, on servers that know no better."""

    @sa.event.listens_for(sa.Engine, "before_cursor_execute", retval=True)
    def without_skipping(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> tuple[str, Any]:
        return statement.replace(" SKIP LOCKED", ""), parameters


def at_database(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


async def execute(url: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


LEFT = {False: "true", True: "state <> 'idle'"}
"""Which connections are ended between tests, by whether a pooler keeps some for the next test."""
TABLES = ", ".join(table.name for table in reversed(metadata.sorted_tables))
# Truncating makes new files for a table and its indexes, and takes a hundred times as long; but
# much that was deleted leaves them large, and plans of the next test would follow from that.
EMPTYING = """
CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    deleted bigint;
    large text[] := '{{}}';
BEGIN
    -- Whatever connections an earlier test has left.
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND {left};
    FOREACH name IN ARRAY '{{{tables}}}'::text[] LOOP
        EXECUTE 'DELETE FROM ' || name;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        IF deleted > {few} THEN
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


def emptying(*, is_pooled: bool) -> str:
    """Statement that makes a function which empties a database between tests."""
    return EMPTYING.format(tables=TABLES, few=FEW, left=LEFT[is_pooled])


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
        store = open_store(url)
        await migrate(store)
        async with store.write() as tx:
            for statement in REFUSE_OTHER_MOVES[sa.make_url(url).get_backend_name()]:
                await tx.execute(sa.text(statement))
        await store.close()

    asyncio.run(run())
