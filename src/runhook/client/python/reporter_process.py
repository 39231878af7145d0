"""The process that reports a run beside the program that it is about.

``remote_reporter`` starts it, and tells it by lines of JSON what to report. When the program has
gone without reporting its end, this process ends too, and the service misses the heartbeats.
"""

import json
import os
import socket
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from runhook.client.reporting.report import Attachment, Report, ReportKind
from runhook.client.reporting.reporter import Reporter
from runhook.client.reporting.service import connect_service
from runhook.client.reporting.spool import Spool
from runhook.client.run.attaching import redacted_artifact
from runhook.client.settings import ServiceSettings
from runhook.domain.secrets.redaction import Redactor


def report_beside(descriptor: int) -> None:
    """Report what comes in over an inherited socket."""
    with socket.socket(fileno=descriptor) as connection:
        report_over(connection, os.environ)


def report_over(connection: socket.socket, environ: Mapping[str, str]) -> None:
    """Report the run that the other end of a connection tells."""
    with connection.makefile("rb") as stream:
        opening = read_message(stream)
        if opening is None:
            return
        program = ReportedProgram(opening, environ)
        while (message := read_message(stream)) is not None:
            if "close" in message:
                trouble = program.close(message["close"])
                connection.sendall(json.dumps({"trouble": trouble}).encode() + b"\n")
                return
            program.take(message, stream)


class ReportedProgram:
    """What a program tells, and the reporter that passes it on."""

    def __init__(self, opening: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        folder = opening["spool_folder"]
        settings = ServiceSettings(
            url=opening["url"],
            account_id=opening["account_id"],
            spool_folder=None if folder is None else Path(folder),
        )
        self._redact = Redactor(environ, names=opening["names"])
        self._progress: Mapping[str, object] | None = None
        self._reporter = Reporter(
            connect_service(settings, environ),
            None if settings.spool_folder is None else Spool(settings.spool_folder),
            opening["name"],
            progress=self.progress,
        )
        self._reporter.start()

    def progress(self) -> Mapping[str, object] | None:
        """How far the run has come, as the program told last."""
        return self._progress

    def take(self, message: Mapping[str, Any], stream: BinaryIO) -> None:
        """Pass on what the program says; the content of a file follows in ``stream``."""
        if "report" in message:
            kind = ReportKind(message["report"])
            self._reporter.report(Report(kind=kind, body=message["body"]))
        elif "progress" in message:
            self._progress = message["progress"]
            self._reporter.advance()
        elif "nodes_done" in message:
            self._count_nodes(message["nodes_done"])
        elif "file" in message:
            file = Attachment(
                name=message["file"],
                step=message["step"],
                content=stream.read(message["size"]),
                problem=message["problem"],
                clean=partial(redacted_artifact, message["file"], redact=self._redact),
            )
            self._reporter.attach([file])

    def close(self, seconds: float) -> str | None:
        """Deliver what is left within that time; return what went wrong."""
        return self._reporter.close(deadline=time.monotonic() + seconds)

    def _count_nodes(self, done: int) -> None:
        progress = self._progress or {}
        if isinstance(total := progress.get("nodes_total"), int):
            self._progress = {**progress, "nodes_done": min(done, total)}


def read_message(stream: BinaryIO) -> Mapping[str, Any] | None:
    """Next message; None when the other end has gone."""
    try:
        line = stream.readline()
    except ConnectionError:
        return None
    if not line.endswith(b"\n"):
        return None
    message: Mapping[str, Any] = json.loads(line)
    return message
