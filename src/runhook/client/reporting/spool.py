"""Keep reports on this machine's disk until the service has accepted them.

A run has one file: a line that names its service, then a line for each report. The owner of the
run, or the process that sends what it left, holds the lock on its file; a lock ends with its
process. That a report was accepted is noted nowhere: a start with the same run_key, a cancel and an
equal finish may be repeated, so an interrupted file is sent from the beginning, and deleted when
all was accepted.

Files in the folder that cannot be runs are moved to a folder of their own (``set_aside``),
mentioned once, and stop no report.
"""

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runhook.client.reporting.kept_files import FOLDER_SUFFIX, LARGEST_KEPT, KeptFiles
from runhook.client.reporting.report import Report, ReportKind
from runhook.domain.traces import read_traceparent

LONGEST_KEPT_SECONDS = 7 * 24 * 3600
LARGEST_SPOOL = 16 << 20
"""Bytes of all files together; the oldest make room for the others."""
SUFFIX = ".run"
UNFINISHED_SUFFIX = ".new"
VERSION = 1
"""Of the files. What a newer client has written is left to it."""
ASIDE = "set-aside"
# Opening a FIFO would wait for its other end.
OPENING = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class StrangeFileError(Exception):
    """A file in the folder is no run of ours; the message says in what way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Service and account that reports are for, without credentials: the disk holds no secrets."""

    service: str
    account_id: str
    traceparent: str | None = field(default=None, compare=False)
    """What the reports belong to in the traces of whatever started dbt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a run's file holds."""

    destination: Destination | None
    """None if that was not written to its end, or is a newer client's business."""
    reports: Sequence[Report] = ()
    strange: str | None = None
    """Why the rest of the file cannot be sent."""


class Spool:
    """A folder of runs that the service has not heard all of. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aside: list[str] = []
        """What was set aside, each with the reason."""

    def keep(self, name: str, destination: Destination) -> "KeptRun":
        """Begin a run's file, by the run's key if nothing says otherwise.

        Raises:
            OSError: nothing can be written there.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(name)
        with new_file(path, destination) as kept:
            sync_folder(self.folder)
        return kept

    def keep_whole(
        self, name: str, destination: Destination, reports: Sequence[Report]
    ) -> "KeptRun":
        """Keep all that there is to tell of a run: when this returns, it is on the disk.

        Of two processes one may do so. Killed before the end, it leaves nothing under the name.

        Raises:
            OSError: nothing can be written there.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.folder / f"{name}{UNFINISHED_SUFFIX}"
        unfinished.unlink(missing_ok=True)
        with new_file(unfinished, destination) as kept:
            for report in reports:
                kept.add(report)
            kept.path = unfinished.rename(self._path(name))
            sync_folder(self.folder)
        return kept

    def take(self, name: str) -> "KeptRun | None":
        """Lock what is kept under a name; None if there is none, or another process sends it."""
        try:
            return lock_run(self._path(name))
        except StrangeFileError as error:
            self.set_aside(self._path(name), str(error))
            return None

    def set_aside(self, path: Path, why: str) -> None:
        """Move what is no run of ours out of the way; what cannot be moved stays."""
        place = self.folder / ASIDE
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, exist_ok=True)
            target, count = place / path.name, 0
            while os.path.lexists(target):
                count += 1
                target = place / f"{path.name}.{count}"
            path.rename(target)
            self.aside.append(f"{path.name} {why}")

    def count(self) -> int:
        """Number of runs kept."""
        return len(self._oldest_first())

    def forget(self, name: str) -> None:
        """Remove what is kept under a name, unless another process is sending it."""
        if (kept := self.take(name)) is not None:
            kept.remove()
            kept.close()

    def leftovers(self) -> Iterator["KeptRun"]:
        """Yield what runs that are over have left, the oldest first, each locked until the next."""
        for path in self._oldest_first():
            if (kept := self.take(path.name.removesuffix(SUFFIX))) is not None:
                try:
                    yield kept
                finally:
                    kept.close()

    def make_room(self) -> int:
        """Remove runs beyond the limits of age and size; return their number."""
        removed = 0
        total = sum(
            size for path in self._oldest_first() if (size := file_size(path)) <= LARGEST_SPOOL
        )
        too_old = time.time() - LONGEST_KEPT_SECONDS
        for kept in self.leftovers():
            status = os.fstat(kept.descriptor)
            if total > LARGEST_SPOOL or status.st_mtime < too_old:
                kept.remove()
                total -= status.st_size
                removed += 1
        self._make_room_for_files(too_old)
        return removed

    def _make_room_for_files(self, too_old: float) -> None:
        """Remove the oldest runs' copies while there are too many, and those of no run."""
        folders = self.folder.glob(f"*{FOLDER_SUFFIX}")
        sizes = {path: KeptFiles(path).size() for path in folders}
        total = sum(sizes.values())
        for kept in self.leftovers() if total > LARGEST_KEPT else ():
            if total > LARGEST_KEPT and (size := sizes.pop(kept.files.folder, 0)):
                kept.files.remove()
                total -= size
        for path in sizes:
            if not path.with_suffix(SUFFIX).exists() and last_change(path) < too_old * 1e9:
                KeptFiles(path).remove()

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

    @property
    def files(self) -> KeptFiles:
        """Copies of files that the service does not have yet."""
        return KeptFiles(self.path)

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

    def read(self) -> Content:
        """Read the reports of a run, in order, up to the first strange line.

        A line that a crash has cut off is the last one, and left out.
        """
        content = os.pread(self.descriptor, LARGEST_SPOOL, 0)
        whole = content[: content.rfind(b"\n") + 1].splitlines()
        if not whole:
            is_ours = not content or content.startswith(b"{")
            return Content(destination=None, strange=None if is_ours else "is not a report")
        destination = None
        reports: list[Report] = []
        try:
            destination = destination_in(parse_line(whole[0]))
            for line in whole[1:] if destination is not None else ():
                report = report_in(parse_line(line), is_first=not reports)
                if report is None:
                    return Content(destination=None)
                reports.append(report)
        except StrangeFileError as error:
            return Content(destination=destination, reports=reports, strange=str(error))
        return Content(destination=destination, reports=reports)

    def remove(self) -> None:
        """Forget the run, and its files."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        self.files.remove()

    def close(self) -> None:
        """Unlock the run's file."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


@contextlib.contextmanager
def new_file(path: Path, destination: Destination) -> Iterator[KeptRun]:
    """Create and lock a run's file, with its first line; removed if the block fails to write.

    Raises:
        OSError: nothing can be written there.
    """
    kept = KeptRun(path, os.open(path, OPENING | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        fcntl.flock(kept.descriptor, fcntl.LOCK_EX)
        kept.write(heading_of(destination))
        yield kept
    except OSError:
        kept.remove()
        kept.close()
        raise


def heading_of(destination: Destination) -> Mapping[str, object]:
    """First line of a run's file."""
    heading = {
        "version": VERSION,
        "service": destination.service,
        "account_id": destination.account_id,
    }
    if destination.traceparent is not None:
        heading["traceparent"] = destination.traceparent
    return heading


def parse_line(line: bytes) -> Mapping[str, object]:
    """Parse a line as a JSON object. Raises StrangeFileError."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise StrangeFileError("has a line that is not a report")
    return content


def destination_in(heading: Mapping[str, object]) -> Destination | None:
    """Destination of a run; None if a newer client wrote it. Raises StrangeFileError."""
    version = heading.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        return None
    service, account_id = heading.get("service"), heading.get("account_id")
    if not (isinstance(service, str) and isinstance(account_id, str)):
        raise StrangeFileError("does not name its service and account")
    trace = heading.get("traceparent")
    return Destination(
        service=service,
        account_id=account_id,
        traceparent=read_traceparent(trace) if isinstance(trace, str) else None,
    )


def report_in(line: Mapping[str, object], *, is_first: bool) -> Report | None:
    """Parse a report; None if it is of a kind that only a newer client knows.

    Raises:
        StrangeFileError: the line is not a report, or the first one is not a start.
    """
    kind, body = line.get("kind"), line.get("body")
    if not (isinstance(kind, str) and isinstance(body, dict)):
        raise StrangeFileError("has a line that is not a report")
    if is_first and kind != ReportKind.STARTED:
        raise StrangeFileError("does not begin with a start")
    return Report(kind=ReportKind(kind), body=body) if kind in set(ReportKind) else None


def lock_run(path: Path) -> KeptRun | None:
    """Lock a run's file; None if another process has it, or it is another user's.

    Raises:
        StrangeFileError: it is ours, and can be no run.
    """
    try:
        status = path.lstat()
        if status.st_uid != os.geteuid():
            return None
        if not stat.S_ISREG(status.st_mode):
            raise StrangeFileError("is not a file")
        if status.st_size > LARGEST_SPOOL:
            raise StrangeFileError(f"has more than {LARGEST_SPOOL >> 20} MiB")
        kept = KeptRun(path, os.open(path, OPENING))
    except PermissionError:
        raise StrangeFileError("cannot be read") from None
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
    """When a file was last written, in nanoseconds since 1970; 0 if it is gone."""
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return 0


def file_size(path: Path) -> int:
    """Size of a file in bytes; 0 if it is gone."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def sync_folder(folder: Path) -> None:
    """See to it that a new file is found after a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
