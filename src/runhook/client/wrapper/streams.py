"""What a command wrote to our stdout and stderr, where these are files.

Nothing ever stands between a command and its streams. What has gone to a file is read there once
the command has ended; a terminal and a pipe keep nothing that could be read. Linux only.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

MOST_BYTES = 1 << 16
"""How much of the end is read."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """A stream that is a file, and where in it stands what is written from now on."""

    descriptor: int
    begin: int

    def text_since(self) -> str:
        """The end of what has been written since; empty if it cannot be read."""
        try:
            reading = os.open(f"/proc/self/fd/{self.descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        with os.fdopen(reading, "rb") as file:
            end = write_position(self.descriptor)
            begin = max(self.begin, end - MOST_BYTES)
            return os.pread(file.fileno(), max(end - begin, 0), begin).decode(errors="replace")


def mark_files() -> Sequence[FileMark]:
    """Marks in stderr and stdout, as far as they are files; one if they are the same."""
    marks: dict[tuple[int, int, int], FileMark] = {}
    for descriptor in (2, 1):
        with suppress(OSError):
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                mark = FileMark(descriptor, write_position(descriptor))
                marks.setdefault((status.st_dev, status.st_ino, mark.begin), mark)
    return [*marks.values()]


def write_position(descriptor: int) -> int:
    """Where the next byte goes that is written to a file. Raises OSError."""
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND:
        return os.fstat(descriptor).st_size
    return os.lseek(descriptor, 0, os.SEEK_CUR)


def texts_since(marks: Sequence[FileMark]) -> Iterator[str]:
    """Yield what was written since each mark, as far as it can be read."""
    for mark in marks:
        with suppress(OSError):
            yield mark.text_since()
