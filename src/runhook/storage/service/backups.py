"""Backups: folders with all that restores a service, written and read.

A folder appears whole or not at all. It has the master keys, which decrypt every secret: only its
owner may read it.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import file_digest
from pathlib import Path

import msgspec

from runhook.domain.errors import ConflictError, InvalidError
from runhook.storage.service.contents import TABLES
from runhook.storage.service.data_folder import KEY_NAME, PRIVATE

DATABASE_NAME = "runhook.db"
MANIFEST_NAME = "manifest.json"
DIGEST = "sha256"


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup contains, and where it comes from."""

    runhook: str
    """Version of the Runhook that made it."""
    database: str
    """`sqlite` or `postgresql`; the backup has the database of the first, and not of the second."""
    schema: str
    """Revision of the tables."""
    made_at: str
    """When, on the database's clock, as ISO 8601."""
    rows: Mapping[str, int]
    """How many rows each table has in the backup; empty if it has no database."""
    sha256: Mapping[str, str]
    """Checksums of the other files, by their names."""


@contextmanager
def appearing_folder(target: Path) -> Iterator[Path]:
    """A folder that takes the name of ``target`` if the block ends well, and is deleted else.

    Raises:
        ConflictError: there is something of that name.
        InvalidError: it cannot be made.
    """
    if os.path.lexists(target):
        raise ConflictError(f"{target} already exists: name a new folder.")
    try:
        # Others may not look into it, whatever the umask is.
        unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InvalidError(f"The folder {target} cannot be made: {error.strerror}.") from None
    try:
        yield unfinished
        write_through(unfinished)
        unfinished.rename(target)
        write_through(target.parent)
    except OSError as error:
        raise InvalidError(f"The folder {target} cannot be made: {error.strerror}.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def copy_database(database: Path, to: Path) -> Mapping[str, int]:
    """Copy a SQLite database as it is at one moment, while others read and write it.

    All its pages are copied in one step, from one state of it, which holds no writer up in WAL
    mode; a copy of many steps would begin again with each commit. The copy is one file, checked.

    Args:
        database: the file.
        to: a file that is not there yet.

    Returns:
        how many rows each table of the copy has.

    Raises:
        InvalidError: the database is damaged, or the copy cannot be written.
    """
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    try:
        with (
            closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target)
            # Nothing beside the file belongs to it then. Serving it sets the other mode again.
            target.execute("PRAGMA journal_mode = DELETE")
            found = [row[0] for row in target.execute("PRAGMA integrity_check")]
            if found != ["ok"]:
                raise InvalidError(f"The database {database} is damaged: {found[0]}.")
            return {name: rows_in_copy(target, name) for name in TABLES}
    except sqlite3.Error as error:
        raise InvalidError(f"The database {database} cannot be copied: {error}.") from None


def rows_in_copy(database: sqlite3.Connection, table: str) -> int:
    """How many rows a table has; 0 if an older schema has no such table."""
    with suppress(sqlite3.OperationalError):
        (count,) = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608 - ours
        return int(count)
    return 0


def write_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Write a backup's manifest."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    path = folder / MANIFEST_NAME
    path.write_bytes(text + b"\n")
    write_through(path)


def digests_in(folder: Path) -> Mapping[str, str]:
    """Checksum of each file of a backup that has one."""
    return {
        name: digest_of_file(folder / name)
        for name in (DATABASE_NAME, KEY_NAME)
        if (folder / name).exists()
    }


def digest_of_file(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return file_digest(file, DIGEST).hexdigest()


def read_backup(folder: Path) -> BackupManifest:
    """Read a backup's manifest, and verify its files.

    Raises:
        InvalidError: it is not a backup, or a file of it was changed.
    """
    try:
        text = (folder / MANIFEST_NAME).read_bytes()
        manifest = msgspec.json.decode(text, type=BackupManifest)
        found = digests_in(folder)
    except (OSError, msgspec.MsgspecError):
        raise InvalidError(f"{folder} is not a backup made by `runhook backup`.") from None
    changed = [name for name, digest in manifest.sha256.items() if found.get(name) != digest]
    if changed:
        raise InvalidError(
            f"The backup {folder} is damaged: {', '.join(changed)} changed after it was made."
        )
    return manifest


@contextmanager
def appearing_file(target: Path) -> Iterator[Path]:
    """A file that takes the name of ``target`` if the block ends well, and is deleted else.

    Raises:
        ConflictError: there is a file of that name.
        InvalidError: it cannot be made.
    """
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield unfinished
        write_through(unfinished)
        target.hardlink_to(unfinished)
        write_through(target.parent)
    except FileExistsError:
        raise ConflictError(f"{target} already exists.") from None
    except OSError as error:
        raise InvalidError(f"The file {target} cannot be made: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)


def write_through(path: Path) -> None:
    """Flush a file, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
