"""`runhook listen` as a process, and a client that speaks to it."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class Listener:
    process: subprocess.Popen[str]
    port: int

    def send(self, body: bytes, headers: Mapping[str, str] | None = None) -> int:
        """Post ``body`` and return the status it was answered with."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", "/hook", body, dict(headers or {}))
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def delivery(self) -> dict[str, Any]:
        """What `--json` printed next."""
        delivery: dict[str, Any] = json.loads(self.line())
        return delivery


@contextmanager
def listening(*flags: str, **variables: str) -> Iterator[Listener]:
    with subprocess.Popen(
        [sys.executable, "-m", "runhook.cli.main", "listen", "--port", "0", *flags],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
    ) as process:
        try:
            assert process.stdout is not None
            first_line = process.stdout.readline().strip()
            assert first_line.startswith("listening on http://127.0.0.1:")
            yield Listener(process, int(first_line.rpartition(":")[2]))
        finally:
            process.kill()
