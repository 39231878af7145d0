"""Brings a database's tables to this version's."""

import re
import time
from collections.abc import Collection
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa

from runhook.domain.errors import InvalidError
from runhook.storage.engine.store import ContendedError, Store
from runhook.storage.engine.tables import metadata
from runhook.telemetry.events import SCHEMA_UPGRADED

MIGRATIONS = Path(__file__).parent.parent / "migrations"
NEWEST = max(path.name for path in MIGRATIONS.glob("versions/[0-9]*.py")).partition("_")[0]
"""The newest revision: its file's name begins with it."""
REVISION = re.compile(r"\d{4}")
"""Form of our revisions."""
VERSION_TABLE = "alembic_version"
"""Other programs that use Alembic have a table of the same name."""
MOST_REPEATS = 5
SHOWN_TABLES = 3
"""How many of another program's tables are named."""


async def migrate(store: Store) -> tuple[str | None, str]:
    """Bring the database to the newest schema, in one transaction.

    Returns:
        the revision it was at (None for an empty database) and the one it is at now.

    Raises:
        InvalidError: the database was made by a newer Runhook, or by another program.
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
        InvalidError: as ``migrate``.
    """
    async with store.write() as tx:
        await tx.database.lock_schema(tx.connection)
        current = await tx.connection.run_sync(current_revision)
        began = time.monotonic()
        if current is None:
            await tx.connection.run_sync(refuse_other_tables, is_file=store.file is not None)
        if current != NEWEST:
            # It takes as long to import as the half of all else, and is needed once a version.
            upgrading = import_module("runhook.storage.engine._upgrading")
            await tx.connection.run_sync(upgrading.upgrade_schema, current, MIGRATIONS)
            seconds = round(time.monotonic() - began, 1)
            tx.tell(SCHEMA_UPGRADED, before=current, now=NEWEST, seconds=seconds)
        return current, NEWEST


async def revision_of(store: Store) -> str | None:
    """Revision that the database is at; None if it has none of our tables.

    Raises:
        InvalidError: it is another program's.
        UnavailableError: it cannot be reached.
    """
    async with store.read() as tx:
        return await tx.connection.run_sync(current_revision)


def current_revision(connection: sa.Connection) -> str | None:
    """Revision that the database is at; None if it has none of our tables.

    Raises:
        InvalidError: it is another program's.
    """
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    versions = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text))
    found = [*connection.execute(sa.select(versions.c.version_num)).scalars()]
    if not are_ours(found):
        raise another_programs([VERSION_TABLE])
    return found[0] if found else None


def are_ours(revisions: Collection[str]) -> bool:
    """Whether it can be us who wrote these revisions; we write one."""
    return len(revisions) <= 1 and all(REVISION.fullmatch(one) for one in revisions)


def refuse_other_tables(connection: sa.Connection, *, is_file: bool) -> None:
    """See that there is room for our tables in a database that has none of them.

    A file has to be empty; a server's database may hold tables of other names.

    Raises:
        InvalidError: another program's are there.
        ContendedError: another process has just made ours.
    """
    inspector = sa.inspect(connection)
    found = {*inspector.get_table_names(), *inspector.get_view_names()} - {VERSION_TABLE}
    in_the_way = found if is_file else found & {*metadata.tables}
    if not in_the_way:
        return
    if current_revision(connection) is not None:
        raise ContendedError
    raise another_programs(sorted(in_the_way))


def another_programs(tables: Collection[str]) -> InvalidError:
    """The error of a database that is not for us."""
    return InvalidError(
        f"The database has another program's tables ({', '.join([*tables][:SHOWN_TABLES])}), and "
        "nothing in it was changed. Give Runhook a database of its own (RUNHOOK_DATABASE_URL)."
    )
