"""Copies of dbt's files, without secrets, on this machine's disk until the service has them.

A run's copies are in a folder beside its file in the spool, and under the same name. One whose name
says its step is whole: it is written under another name first.
"""

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

FOLDER_SUFFIX = ".files"
LARGEST_KEPT = 256 << 20
"""Bytes of the copies of all runs together; those of the oldest runs make room for the others."""
COPY_NAME = re.compile(r"(\d{4})-([\w.]+)")
BEGUN_COPY = ".new"
READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A copy of a file of a run's step."""

    path: Path
    name: str
    step: int
    """Position of the step in its run, from 1."""

    def read(self) -> bytes:
        """Content of the copy. Raises OSError; so it does if somebody else has put it there."""
        with os.fdopen(os.open(self.path, READ_ONLY), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
                raise PermissionError
            return file.read(LARGEST_KEPT)

    def remove(self) -> None:
        """Forget the copy."""
        with contextlib.suppress(OSError):
            self.path.unlink()


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that is held in memory, as it cannot be kept."""

    content: bytes
    name: str
    step: int

    def read(self) -> bytes:
        """The content that was given."""
        return self.content

    def remove(self) -> None:
        """Do nothing: there is no copy on the disk."""


class KeptFiles:
    """Copies of the files of one run."""

    def __init__(self, run_file: Path) -> None:
        self.folder = run_file.with_suffix(FOLDER_SUFFIX)

    def add(self, name: str, step: int, content: bytes) -> KeptFile:
        """Keep a copy: when this returns, it is on the disk.

        Raises:
            OSError: it cannot be written.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        status = self.folder.lstat()
        # In a spool that is open to all, somebody else may have made it, to read what is kept.
        if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
            raise PermissionError
        begun = self.folder / f"{name}{BEGUN_COPY}"
        begun.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(begun, CREATE_NEW, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            return KeptFile(begun.rename(self.folder / f"{step:04}-{name}"), name, step)
        except OSError:
            begun.unlink(missing_ok=True)
            raise

    def all(self) -> list[KeptFile]:
        """The copies, in the order of their steps."""
        return [
            KeptFile(path, found[2], int(found[1]))
            for path in paths_in(self.folder)
            if (found := COPY_NAME.fullmatch(path.name)) is not None
        ]

    def size(self) -> int:
        """Bytes of all copies."""
        total = 0
        for path in paths_in(self.folder):
            with contextlib.suppress(OSError):
                total += path.lstat().st_size
        return total

    def remove(self) -> None:
        """Forget them all."""
        for path in paths_in(self.folder):
            with contextlib.suppress(OSError):
                path.unlink()
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def paths_in(folder: Path) -> list[Path]:
    """What is in a folder, sorted by name; nothing if there is none."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
