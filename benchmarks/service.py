"""The real service in a process of its own, and a client that may do everything."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

TOKEN = "benchmarks-bootstrap-token"
LISTENING = "Runhook listens on "


@contextmanager
def a_service(database_url: str, folder: Path) -> Iterator[httpx.Client]:
    """Serve a database and yield a client of account 1."""
    environment = {
        **os.environ,
        "RUNHOOK_PORT": "0",
        "RUNHOOK_DATABASE_URL": database_url,
        "RUNHOOK_DATA_DIR": str(folder),
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
    }
    command = [sys.executable, "-m", "runhook.cli.main", "serve"]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith(LISTENING), first
        with httpx.Client(
            base_url=f"{first.removeprefix(LISTENING).strip()}/api/v3/accounts/1/",
            headers={"Authorization": f"Token {TOKEN}"},
            timeout=60,
        ) as client:
            yield client
        process.terminate()
