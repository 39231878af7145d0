"""Two databases: one that a service is in, and one that it can be copied into."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from runhook.storage.engine.store import Store
from tests.support.databases import PostgresqlDatabases, an_empty_database, open_store
from tests.support.patience import PATIENCE
from tests.support.running import TOKEN


@pytest.fixture
async def source(database_url: str) -> AsyncIterator[Store]:
    """An open store that goes by the database's own clock."""
    opened = open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with nothing in it: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'target.db'}"
        return
    databases: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
    with asyncio.Runner() as runner:
        empty = AsyncExitStack()
        yield runner.run(empty.enter_async_context(an_empty_database(databases.url)))
        runner.run(empty.aclose())


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE
    ) as opened:
        yield opened


@pytest.fixture
async def target(target_url: str) -> AsyncIterator[Store]:
    opened = open_store(target_url)
    yield opened
    await opened.close()
