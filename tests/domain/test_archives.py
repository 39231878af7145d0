"""Archives that are not as dbt makes them are refused, whatever they would do."""

import warnings
import zipfile
from io import BytesIO

import pytest

from runhook.domain.dbt.archives import LARGEST_RATIO, MOST_FILES, Archive
from runhook.domain.errors import InvalidError
from tests.support.archives import archive

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
HOSTILE = {
    "nothing": (b"", "zip archive"),
    "JSON": (b'{"this": "is no archive, and long enough to be one"}', "zip archive"),
    "cut off": (GOOD[:-5], "zip archive"),
    "its end alone": (END + bytes(18), None),
    "a comment behind it": (with_comment(), "zip archive"),
    "many files": (archive({f"f{n}": b"" for n in range(MOST_FILES + 1)}), "more than 20 files"),
    "the large format": (with_zip64_locator(), "more than 20 files"),
    "a large directory": (
        patched(GOOD, 12, b"\xff\xff\xff\x00", signature=END),
        "directory is too large",
    ),
    "a path upwards": (archive({"../run_results.json": b"{}"}), "not a plain file name"),
    "an absolute path": (archive({"/etc/passwd": b"{}"}), "not a plain file name"),
    "a Windows path": (archive({"C:\\run_results.json": b"{}"}), "not a plain file name"),
    "a folder": (archive({"target/": b""}), "not a plain file name"),
    "a folder's own name": (archive({"..": b""}), "not a plain file name"),
    "a name with a NUL": (
        archive({"run_results.json.exe": b""}).replace(b".exe", b"\0exe"),
        "not a plain file name",
    ),
    "a name twice": (twice(), "a name is in it twice"),
    "an encrypted file": (patched(GOOD, 8, b"\x01\x00", signature=CENTRAL), "is encrypted"),
    "an unusual compression": (
        archive({NAME: b"{}"}, method=zipfile.ZIP_BZIP2),
        "compressed in an unusual way",
    ),
    "a large file": (archive({NAME: bytes(LARGEST + 1)}), "more than 1 MiB"),
    "a file that says it is large": (
        patched(GOOD, 24, b"\xff\xff\xff\x7f", signature=CENTRAL),
        "has more than 1 MiB",
    ),
    "large files together": (
        archive({f"f{number}": bytes(LARGEST) for number in range(5)}),
        "more than 4 MiB altogether",
    ),
    "a bomb": (
        archive({NAME: bytes(LARGEST)}, method=zipfile.ZIP_DEFLATED),
        f"less than a {LARGEST_RATIO}th",
    ),
}


@pytest.mark.parametrize("name", [name for name, (_, reason) in HOSTILE.items() if reason])
def test_an_archive_that_dbt_would_not_make_is_refused(name):
    content, reason = HOSTILE[name]

    with pytest.raises(InvalidError, match=reason):
        Archive(BytesIO(content), largest=LARGEST)


def test_an_archive_without_files_has_none():
    assert NAME not in Archive(BytesIO(HOSTILE["its end alone"][0]), largest=LARGEST)


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
