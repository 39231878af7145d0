"""A service that is new, on each database."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.databases import PostgresqlDatabases
from tests.support.patience import PATIENCE
from tests.support.program import Service
from tests.support.running import LONG, TOKEN
from tests.support.servers import PostgresqlServer, folder_for_server


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Settings of a service that is new; with SQLite, down to the file of its database."""
    settings = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
    }
    if database_url.startswith("postgresql"):
        settings["RUNHOOK_DATABASE_URL"] = database_url
    return settings


@pytest.fixture
def postgresql_environment(
    postgresql_databases: PostgresqlDatabases, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """Settings of processes that share a new PostgreSQL database, and the master key."""
    with postgresql_databases.new(tmp_path) as url:
        yield {
            "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
            "RUNHOOK_DATABASE_URL": url,
        }


@pytest.fixture
def database(database_url: str, environment: dict[str, str]) -> str:
    """The address of the service's database."""
    if "RUNHOOK_DATABASE_URL" in environment:
        return database_url
    return f"sqlite:///{environment['RUNHOOK_DATA_DIR']}/runhook.db"


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Callable[[], Service]:
    """Start the service; again and again on the same data."""
    return lambda: Service(folder=tmp_path, environment=environment)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE
    ) as opened:
        yield opened


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PostgresqlServer, PostgresqlServer]]:
    """A primary that commits nothing before its standby has it, and that standby."""
    async with AsyncExitStack() as stack:
        primary = PostgresqlServer(await stack.enter_async_context(folder_for_server()))
        stack.callback(primary.remove)
        await primary.create()
        await primary.start()
        standby = await primary.copy(await stack.enter_async_context(folder_for_server()))
        stack.callback(standby.remove)
        await primary.stop()
        # Told on its command line, it is not among what the standby has copied.
        await primary.start(synchronous_standby_names="*")
        await standby.start()
        yield primary, standby
