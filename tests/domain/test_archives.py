"""Archives that are not as dbt makes them are refused, whatever they would do."""

import random
import warnings
import zipfile
from contextlib import nullcontext
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from runhook.domain.dbt.archives import (
    LARGEST_RATIO,
    MOST_FILES,
    PIECE,
    UNSUSPICIOUS,
    Archive,
    measure_directory,
)
from runhook.domain.errors import InvalidError
from tests.support.archives import archive

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

LARGEST = 1 << 20
NAME = "run_results.json"
GOOD = archive({NAME: b"{}", "manifest.json": b"[]"})


def patched(content: bytes, offset: int, value: bytes, *, signature: bytes) -> bytes:
    """An archive with other bytes in a header, counted from its last signature."""
    at = content.rindex(signature) + offset
    return content[:at] + value + content[at + len(value) :]


def twice() -> bytes:
    buffer = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as opened:
        warnings.simplefilter("ignore")
        opened.writestr(NAME, b"{}")
        opened.writestr(NAME, b"[]")
    return buffer.getvalue()


def with_zip64_locator() -> bytes:
    end = GOOD[-22:]
    return GOOD[:-22] + b"PK\x06\x07" + bytes(16) + end


def with_comment() -> bytes:
    buffer = BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as opened:
        opened.comment = b"hidden"
    return buffer.getvalue()


CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"
NO_ARCHIVE = "it is not a zip archive, or something follows its end"
UNREADABLE = "it is not a readable zip archive"
MANY = "it has more than 20 files"
HOSTILE = {
    "nothing": (b"", NO_ARCHIVE),
    "JSON": (b'{"this": "is no archive, and long enough to be one"}', NO_ARCHIVE),
    "zeros": (bytes(64), NO_ARCHIVE),
    "cut off": (GOOD[:-5], NO_ARCHIVE),
    "a comment behind it": (with_comment(), NO_ARCHIVE),
    "a comment that is not there": (patched(GOOD, 20, b"\x01", signature=END), NO_ARCHIVE),
    "a directory that is none": (patched(GOOD, 0, b"PKPK", signature=CENTRAL), UNREADABLE),
    "many files": (archive({f"f{n}": b"" for n in range(MOST_FILES + 1)}), MANY),
    "the large format": (with_zip64_locator(), MANY),
    "a large directory": (
        patched(GOOD, 12, b"\xff\xff\xff\x00", signature=END),
        "its directory is too large",
    ),
    "a path upwards": (
        archive({"../run_results.json": b"{}"}),
        "`../run_results.json` is not a plain file name",
    ),
    "an absolute path": (
        archive({"/etc/passwd": b"{}"}),
        "`/etc/passwd` is not a plain file name",
    ),
    "a Windows path": (
        archive({"C:\\run_results.json": b"{}"}),
        "`C:\\run_results.json` is not a plain file name",
    ),
    "a folder": (archive({"target/": b""}), "`target/` is not a plain file name"),
    "a folder's own name": (archive({"..": b""}), "`..` is not a plain file name"),
    "a long name": (archive({"x" * 101: b""}), f"`{'x' * 40}` is not a plain file name"),
    "a name with a NUL": (
        archive({"run_results.json.exe": b""}).replace(b".exe", b"\0exe"),
        "`run_results.json` is not a plain file name",
    ),
    "a name twice": (twice(), "a name is in it twice"),
    "an encrypted file": (
        patched(GOOD, 8, b"\x01\x00", signature=CENTRAL),
        "manifest.json is encrypted",
    ),
    "an unusual compression": (
        archive({NAME: b"{}"}, method=zipfile.ZIP_BZIP2),
        f"{NAME} is compressed in an unusual way",
    ),
    "a large file": (archive({NAME: bytes(LARGEST + 1)}), f"{NAME} has more than 1 MiB"),
    "a file that says it is large": (
        patched(GOOD, 24, b"\xff\xff\xff\x7f", signature=CENTRAL),
        "manifest.json has more than 1 MiB",
    ),
    "large files together": (
        archive({f"f{number}": bytes(LARGEST) for number in range(5)}),
        "its files have more than 4 MiB altogether",
    ),
    "a bomb": (
        archive({NAME: bytes(LARGEST)}, method=zipfile.ZIP_DEFLATED),
        f"{NAME} is compressed to less than a {LARGEST_RATIO}th",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_archive_that_dbt_would_not_make_is_refused(name):
    content, reason = HOSTILE[name]

    with pytest.raises(InvalidError) as refused:
        Archive(BytesIO(content), largest=LARGEST)

    assert refused.value.message == f"The archive is refused: {reason}."


@pytest.mark.parametrize(
    "content",
    [
        archive({f"f{n}": b"" for n in range(MOST_FILES)}),
        archive({f"f{n}": bytes(LARGEST) for n in range(4)}),
        archive({"x" * 100: b""}),
        archive({NAME: bytes(UNSUSPICIOUS)}, method=zipfile.ZIP_DEFLATED),
    ],
    ids=["files", "bytes", "letters", "emptiness"],
)
def test_an_archive_may_have_as_much_as_dbts_could_have(content):
    Archive(BytesIO(content), largest=LARGEST)


@pytest.mark.parametrize(("size", "is_refused"), [(20_480, False), (20_481, True)])
def test_a_directory_has_a_kilobyte_for_each_file_at_most(size, is_refused):
    content = BytesIO(patched(GOOD, 12, size.to_bytes(4, "little"), signature=END))

    with pytest.raises(InvalidError) if is_refused else nullcontext():
        measure_directory(content)


class Counting(BytesIO):
    """Counts the bytes that are read, and notes how many are written at once."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__(content)
        self.total = 0
        self.written: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.total += len(content)
        return content

    def write(self, content: "Buffer", /) -> int:
        self.written.append(memoryview(content).nbytes)
        return super().write(content)


def test_a_directory_is_measured_by_the_end_alone():
    content = Counting(archive({NAME: bytes(LARGEST)}))

    measure_directory(content)

    assert content.total == 42


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_large_file_is_copied_a_piece_at_a_time(method):
    content, target = random.Random(1).randbytes(3 * PIECE), Counting()

    Archive(BytesIO(archive({NAME: content}, method=method)), largest=LARGEST).copy(NAME, target)

    assert target.getvalue() == content
    assert max(target.written) <= PIECE


def test_an_archive_without_files_has_none():
    assert NAME not in Archive(BytesIO(END + bytes(18)), largest=LARGEST)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_files_of_a_good_one_are_read_whole_or_in_part(method):
    content = archive({NAME: b'{"a": 1}'}, method=method)
    opened, target = Archive(BytesIO(content), largest=LARGEST), BytesIO()

    opened.copy(NAME, target)

    assert NAME in opened
    assert target.getvalue() == b'{"a": 1}'
    assert opened.head(NAME, 4) == b'{"a"'
    assert opened.head("manifest.json", 4) == b""


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_that_is_damaged_or_not_as_large_as_was_said_is_refused(method):
    content = archive({NAME: b"some text that can be damaged" * 3}, method=method)
    damaged = content.replace(content[50:58], b"\xff" * 8, 1)
    shorter = patched(content, 24, b"\x05\x00\x00\x00", signature=CENTRAL)

    for one in (damaged, shorter):
        with pytest.raises(InvalidError, match="is damaged in it"):
            Archive(BytesIO(one), largest=LARGEST).copy(NAME, BytesIO())


def test_a_name_may_begin_with_a_dot():
    """dbt v2 adds `.publication.json` to its archive."""
    found = Archive(BytesIO(archive({".publication.json": b"{}", "a.json": b"{}"})), largest=99)

    assert ".publication.json" in found
    assert found.head("a.json", 2) == b"{}"
