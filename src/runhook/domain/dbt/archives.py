"""Zip archives from strangers, opened with suspicion.

An archive is refused as a whole if anything about it is not as dbt writes it: many or large files,
files that shrank too much, folders, names that are not plain, the same name twice, encryption. Its
own directory is measured before it is read: that alone can be made to cost seconds and gigabytes.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import SEEK_END
from typing import IO

from runhook.domain.errors import InvalidError

MOST_FILES = 20
LARGEST_RATIO = 100
"""How many times smaller than itself a file may have become. Manifests shrink to a tenth."""
UNSUSPICIOUS = 1 << 16
"""A file of so many bytes may be as small in the archive as it likes."""
PLAIN_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}")
"""v2 adds a `.publication.json`."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1 | 0x40 | 0x2000

PIECE = 1 << 18

END = b"PK\x05\x06"
END_BYTES = 22
END_64_LOCATOR = b"PK\x06\x07"
END_64_LOCATOR_BYTES = 20
LARGEST_DIRECTORY = MOST_FILES * 1_024


class Archive:
    """A zip archive that was found in order, whose files can be read.

    Args:
        content: the archive, in a file that can be searched.
        largest: how many bytes a file of it may have; all together may have four times as many.

    Raises:
        InvalidError: it is not an archive, or not one as dbt writes it.
    """

    def __init__(self, content: IO[bytes], *, largest: int) -> None:
        measure_directory(content)
        try:
            self._archive = zipfile.ZipFile(content)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise archive_refused("it is not a readable zip archive") from error
        self._files = {one.filename: one for one in self._archive.infolist()}
        if len(self._files) < len(self._archive.infolist()):
            raise archive_refused("a name is in it twice")
        for file in self._files.values():
            check_file(file, largest=largest)
        if sum(file.file_size for file in self._files.values()) > 4 * largest:
            raise archive_refused(f"its files have more than {4 * largest >> 20} MiB altogether")

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def head(self, name: str, size: int) -> bytes:
        """The first bytes of a file; empty if it is not in the archive.

        Raises:
            InvalidError: the archive describes the file wrongly.
        """
        if name not in self._files:
            return b""
        with self._opened(name) as opened:
            return opened.read(size)

    def copy(self, name: str, target: IO[bytes]) -> None:
        """Write a file of the archive to another one, a piece at a time.

        Raises:
            InvalidError: the file is not what the archive says of it.
        """
        left = self._files[name].file_size
        with self._opened(name) as opened:
            # The size is the archive's word: no more than that is read.
            while left and (piece := opened.read(min(left, PIECE))):
                target.write(piece)
                left -= len(piece)

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._archive.open(self._files[name]) as opened:
                yield opened
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise archive_refused(f"{name} is damaged in it") from error


def measure_directory(content: IO[bytes]) -> None:
    """Refuse an archive whose directory is large, or not where dbt's is: at its very end.

    Raises:
        InvalidError: the directory is too large, or in another place.
    """
    content.seek(max(0, content.seek(0, SEEK_END) - END_BYTES - END_64_LOCATOR_BYTES))
    tail = content.read()
    end = tail[-END_BYTES:]
    if len(end) < END_BYTES or end[:4] != END or end[-2:] != b"\x00\x00":
        raise archive_refused("it is not a zip archive, or something follows its end")
    before = tail[-END_BYTES - END_64_LOCATOR_BYTES : -END_BYTES]
    files = int.from_bytes(end[10:12], "little")
    if files > MOST_FILES or before[:4] == END_64_LOCATOR:
        raise archive_refused(f"it has more than {MOST_FILES} files")
    if int.from_bytes(end[12:16], "little") > LARGEST_DIRECTORY:
        raise archive_refused("its directory is too large")


def check_file(file: zipfile.ZipInfo, *, largest: int) -> None:
    """Refuse what no file of dbt's is.

    Raises:
        InvalidError: this is such a one.
    """
    if not PLAIN_NAME.fullmatch(file.filename) or file.orig_filename != file.filename:
        raise archive_refused(f"`{file.filename[:40]}` is not a plain file name")
    if file.flag_bits & ENCRYPTED:
        raise archive_refused(f"{file.filename} is encrypted")
    if file.compress_type not in METHODS:
        raise archive_refused(f"{file.filename} is compressed in an unusual way")
    if file.file_size > largest:
        raise archive_refused(f"{file.filename} has more than {largest >> 20} MiB")
    if file.file_size > max(UNSUSPICIOUS, file.compress_size * LARGEST_RATIO):
        raise archive_refused(f"{file.filename} is compressed to less than a {LARGEST_RATIO}th")


def archive_refused(reason: str) -> InvalidError:
    """Error for an archive that is refused."""
    return InvalidError(f"The archive is refused: {reason}.")
