"""Migrations bring any database to this version's schema, also while other processes do so."""

import asyncio

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from runhook.domain.errors import InvalidError
from runhook.storage.engine.schema import NEWEST, migrate
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import metadata
from tests.support.databases import open_store


async def migrate_at(url: str) -> tuple[str | None, str]:
    """Migrate as a process of its own would."""
    store = open_store(url)
    try:
        return await migrate(store)
    finally:
        await store.close()


async def test_the_migrated_schema_is_the_one_that_the_statements_are_written_for(
    new_database_url: str,
):
    await migrate_at(new_database_url)

    store = open_store(new_database_url)
    async with store.read() as tx:
        differences = await tx.connection.run_sync(
            lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
        )
    await store.close()
    assert differences == []


async def test_migrating_an_empty_database_tells_where_it_came_from(new_database_url: str):
    before, after = await migrate_at(new_database_url)

    assert before is None
    assert after == NEWEST


async def test_migrating_twice_changes_nothing(new_database_url: str):
    _, newest = await migrate_at(new_database_url)

    again = await migrate_at(new_database_url)

    assert again == (newest, newest)


async def test_replicas_that_start_together_on_an_empty_database_all_succeed(
    new_postgresql_url: str,
):
    migrations = await asyncio.gather(*(migrate_at(new_postgresql_url) for _ in range(4)))

    # One of them did the work, and the others waited for it.
    assert sorted(before or "" for before, _ in migrations) == ["", NEWEST, NEWEST, NEWEST]


async def test_refuses_a_database_that_a_newer_version_made(store: Store):
    async with store.write() as tx:
        await tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(InvalidError, match="schema 9999, which a newer Runhook made; upgrade"):
        await migrate(store)

    async with store.write() as tx:
        await tx.execute(sa.text(f"UPDATE alembic_version SET version_num = '{NEWEST}'"))
