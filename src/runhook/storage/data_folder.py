"""The data folder: the database, the master key, and the mark of the process that owns them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runhook.domain.errors import InvalidError
from runhook.storage.vault import Vault

KEY_NAME = "master.key"
OWNER_NAME = "serving.lock"


def prepare_folder(folder: Path) -> None:
    """Create the data folder if it is not there, readable by its owner only.

    Raises:
        InvalidError: it cannot be made or used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidError(f"The data folder {folder} cannot be made: {error.strerror}.") from None


def open_vault(folder: Path) -> Vault:
    """Return a vault with the folder's master key, which is made on the first call.

    Raises:
        InvalidError: the key file cannot be read or made, or does not hold a key.
    """
    path = folder / KEY_NAME
    try:
        key = path.read_bytes() if path.exists() else write_new_key(path)
    except OSError as error:
        raise InvalidError(f"The master key {path} cannot be read: {error.strerror}.") from None
    try:
        return Vault([key.strip()])
    except ValueError:
        raise InvalidError(f"The file {path} does not hold a master key.") from None


def write_new_key(path: Path) -> bytes:
    """Write a new master key for its owner's eyes only, and never over another one.

    The file appears whole or not at all: a key that was lost half-way would lock the secrets in.
    """
    unfinished = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Vault.new_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(unfinished)
    unfinished.unlink()
    return path.read_bytes()


@contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Be the one process that serves this folder's database.

    The kernel lets go of the mark when the process ends, however it ends.

    Raises:
        InvalidError: another process serves it.
    """
    with (folder / OWNER_NAME).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidError(
                f"Another Runhook already serves {folder}. One process serves a SQLite database; "
                "for several, use PostgreSQL (RUNHOOK_DATABASE_URL)."
            ) from None
        yield
