"""Databases as storage's own tests need them: on the real clock, and not yet migrated."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runhook.storage.engine.store import Store
from tests.support.accounts import Tenant, a_tenant
from tests.support.clock import ManualClock
from tests.support.databases import (
    PostgresqlDatabases,
    SqliteDatabases,
    at_database,
    execute,
    open_store,
)


@pytest.fixture
async def real_time_store(database_url: str) -> AsyncIterator[Store]:
    """An open store that goes by the database's own clock."""
    opened = open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def tenant(store: Store, clock: ManualClock) -> Tenant:
    return await a_tenant(store, clock)


@pytest.fixture
def sqlite_url(sqlite_databases: SqliteDatabases, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated SQLite database."""
    with sqlite_databases.new(tmp_path) as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_databases: PostgresqlDatabases, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated PostgreSQL database."""
    with postgresql_databases.new(tmp_path) as url:
        yield url


@pytest.fixture
def new_postgresql_url(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    """The address of a PostgreSQL database with nothing in it."""
    name = f"new_{uuid.uuid4().hex}"
    asyncio.run(execute(postgresql_databases.url, f"CREATE DATABASE {name}"))
    yield postgresql_databases.way_to(at_database(postgresql_databases.url, name))
    asyncio.run(execute(postgresql_databases.url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with nothing in it: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return request.getfixturevalue("new_postgresql_url")
