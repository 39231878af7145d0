"""Keep reports on this machine's disk until the service has taken them.

A run has one file: a line that says for which service it is, then a line for each report. Whoever
owns the run, or sends what it left, holds the lock on its file; a lock ends with its process. That
a report was taken is noted nowhere: a start with the same run_key, a cancel and an equal finish may
be repeated, so what was interrupted is told from the beginning, and the file goes when all is told.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runhook.client.reports import Kind, Report

LONGEST_KEPT_SECONDS = 7 * 24 * 3600
LARGEST_SPOOL = 16 << 20
"""Bytes of all files together; the oldest make room for the others."""
SUFFIX = ".run"
OPENING = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Whom reports are for. No credentials are part of it: nothing secret is on the disk."""

    service: str
    account_id: str


class Spool:
    """A folder of runs that the service has not heard all of. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, name: str, destination: Destination) -> "KeptRun":
        """Begin a run's file, by the run's key if nothing says otherwise.

        Raises:
            OSError: nothing can be written there.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(name)
        kept = KeptRun(path, os.open(path, OPENING | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            fcntl.flock(kept.descriptor, fcntl.LOCK_EX)
            kept.write({"service": destination.service, "account_id": destination.account_id})
            sync_folder(self.folder)
        except OSError:
            kept.remove()
            kept.close()
            raise
        return kept

    def count(self) -> int:
        """Return how many runs are kept."""
        return len(self._oldest_first())

    def forget(self, name: str) -> None:
        """Remove what is kept under a name, unless somebody is sending it."""
        if (kept := take(self._path(name))) is not None:
            kept.remove()
            kept.close()

    def leftovers(self) -> Iterator["KeptRun"]:
        """Yield what runs that are over have left, the oldest first, each locked until the next."""
        for path in self._oldest_first():
            if (kept := take(path)) is not None:
                try:
                    yield kept
                finally:
                    kept.close()

    def make_room(self) -> int:
        """Remove what is too old or too much, and return how many runs that were."""
        removed = 0
        total = sum(size_of(path) for path in self._oldest_first())
        too_old = time.time() - LONGEST_KEPT_SECONDS
        for kept in self.leftovers():
            status = os.fstat(kept.descriptor)
            if total > LARGEST_SPOOL or status.st_mtime < too_old:
                kept.remove()
                total -= status.st_size
                removed += 1
        return removed

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"

    def _oldest_first(self) -> list[Path]:
        try:
            return sorted(self.folder.glob(f"*{SUFFIX}"), key=last_change)
        except OSError:
            return []


class KeptRun:
    """One run's file, locked by us. Close it, or the lock stays."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def add(self, report: Report) -> None:
        """Write a report to the disk; when this returns, it is there.

        Raises:
            OSError: it could not be written; the file is as it was before.
        """
        self.write({"kind": report.kind, "body": report.body})

    def write(self, line: Mapping[str, object]) -> None:
        """Add a line, wholly or not at all. Raises OSError."""
        size = os.fstat(self.descriptor).st_size
        content = json.dumps(line).encode() + b"\n"
        try:
            while content:
                content = content[os.write(self.descriptor, content) :]
            os.fsync(self.descriptor)
        except OSError:
            # Half a line would spoil the next one.
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, size)
            raise

    def destination(self) -> Destination | None:
        """Return whom the run is for; None if that was not written to its end."""
        for line in self._lines()[:1]:
            service, account_id = line.get("service"), line.get("account_id")
            if isinstance(service, str) and isinstance(account_id, str):
                return Destination(service=service, account_id=account_id)
        return None

    def reports(self) -> list[Report]:
        """Return what there is to tell, in order."""
        kinds = set(Kind)
        return [
            Report(kind=Kind(str(line["kind"])), body=body)
            for line in self._lines()[1:]
            if line.get("kind") in kinds and isinstance(body := line.get("body"), dict)
        ]

    def remove(self) -> None:
        """Forget the run."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def close(self) -> None:
        """Let others have the file."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)

    def _lines(self) -> list[dict[str, object]]:
        """Return the lines up to the first that a crash has cut off."""
        lines = []
        for line in os.pread(self.descriptor, LARGEST_SPOOL, 0).splitlines(keepends=True):
            try:
                content = json.loads(line)
            except ValueError:
                break
            if not isinstance(content, dict) or not line.endswith(b"\n"):
                break
            lines.append(content)
        return lines


def take(path: Path) -> KeptRun | None:
    """Lock a run's file; None if somebody else has it, or it is none of ours."""
    try:
        kept = KeptRun(path, os.open(path, OPENING))
    except OSError:
        return None
    try:
        fcntl.flock(kept.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        opened, linked = os.fstat(kept.descriptor), path.stat()
        # While we waited for the lock, its owner may have removed the file. And in a folder that
        # is open to all, others might have us report with our token what they wrote.
        if opened.st_ino == linked.st_ino and opened.st_uid == os.geteuid():
            return kept
    except OSError:
        pass
    kept.close()
    return None


def last_change(path: Path) -> int:
    """Return when a file was last written, in nanoseconds; 0 if it is gone."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def size_of(path: Path) -> int:
    """Return a file's size in bytes; 0 if it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def sync_folder(folder: Path) -> None:
    """See to it that a new file is found after a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
