"""Brings a database's tables to this version's."""

import time
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa

from runhook.storage.engine.store import ContendedError, Store
from runhook.telemetry.events import SCHEMA_UPGRADED

MIGRATIONS = Path(__file__).parent.parent / "migrations"
NEWEST = max(path.name for path in MIGRATIONS.glob("versions/[0-9]*.py")).partition("_")[0]
"""The newest revision: its file's name begins with it."""
VERSION_TABLE = "alembic_version"
MOST_REPEATS = 5


async def migrate(store: Store) -> tuple[str | None, str]:
    """Bring the database to the newest schema, in one transaction.

    Returns:
        the revision it was at (None for an empty database) and the one it is at now.

    Raises:
        InvalidError: the database was made by a newer Runhook.
        UnavailableError: it cannot be reached.
    """
    for _ in range(MOST_REPEATS):
        try:
            return await migrate_once(store)
        except ContendedError:
            # Another process that starts has just made the first table.
            continue
    return await migrate_once(store)


async def migrate_once(store: Store) -> tuple[str | None, str]:
    """Do what ``migrate`` does, unless another process does the same.

    Raises:
        ContendedError: it does; there is more to see once it is done.
    """
    async with store.write() as tx:
        await tx.database.lock_schema(tx.connection)
        current = await tx.connection.run_sync(current_revision)
        began = time.monotonic()
        if current != NEWEST:
            # It takes as long to import as the half of all else, and is needed once a version.
            upgrading = import_module("runhook.storage.engine._upgrading")
            await tx.connection.run_sync(upgrading.upgrade_schema, current, MIGRATIONS)
            seconds = round(time.monotonic() - began, 1)
            tx.tell(SCHEMA_UPGRADED, before=current, now=NEWEST, seconds=seconds)
        return current, NEWEST


async def revision_of(store: Store) -> str | None:
    """Revision that the database is at; None if it has none of our tables."""
    async with store.read() as tx:
        return await tx.connection.run_sync(current_revision)


def current_revision(connection: sa.Connection) -> str | None:
    """Revision that the database is at; None if it is empty."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    versions = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text))
    return connection.execute(sa.select(versions.c.version_num)).scalar_one_or_none()
