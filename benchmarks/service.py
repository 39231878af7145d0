"""The real service in a process of its own, and a client that may do everything."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from benchmarks.databases import Database
from benchmarks.processes import first_line, running

TOKEN = "benchmarks-bootstrap-token"
LISTENING = "Runhook listens on "


@dataclass(frozen=True)
class Service:
    """A service that runs."""

    process: subprocess.Popen[str]
    url: str
    client: httpx.Client


@contextmanager
def a_service(
    database: Database,
    *,
    counts: Path | None = None,
    trace: Path | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Service]:
    """Serve a database.

    Args:
        database: where it keeps what it has.
        counts: a file that gets, at the end, how much was asked of the database.
        trace: a file that gets what is asked of it, as it is.
        settings: variables of its environment, beside those that every one has.
    """
    environment = {**environment_of(database), **settings}
    program = ["runhook.cli.main"]
    if counts:
        program = ["benchmarks.counted", str(counts)]
    if trace:
        program = ["benchmarks.traced", str(trace)]
    with running(*program, "serve", folder=database.folder, environment=environment) as process:
        line = first_line(process)
        assert line.startswith(LISTENING), line
        url = line.removeprefix(LISTENING)
        with httpx.Client(
            base_url=f"{url}/api/v3/accounts/1/",
            headers={"Authorization": f"Token {TOKEN}"},
            timeout=60,
        ) as client:
            yield Service(process, url, client)


@contextmanager
def dispatching(database: Database, count: int) -> Iterator[None]:
    """Run so many processes that deliver what a database has; all are ready."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                running(
                    "runhook.cli.main",
                    "dispatch",
                    folder=database.folder,
                    environment=environment_of(database),
                )
            )
            for _ in range(count)
        ]
        for process in processes:
            first_line(process)
        yield


def environment_of(database: Database) -> dict[str, str]:
    """Environment of a process that works on a database."""
    return {
        **os.environ,
        "RUNHOOK_PORT": "0",
        "RUNHOOK_DATABASE_URL": database.url,
        "RUNHOOK_DATA_DIR": str(database.folder),
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        # A rate that a machine cannot keep up with leaves many runs open.
        "RUNHOOK_MAX_OPEN_RUNS": "1000000",
        # It runs in its own folder.
        "PYTHONPATH": str(Path.cwd()),
    }
