"""The data folder with its master key, and the mark of the process that serves a database file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runhook.domain.errors import InvalidError
from runhook.storage.store import Store
from runhook.storage.vault import Vault
from runhook.storage.webhooks import newest_secret_opens

KEY_NAME = "master.key"
MARK_SUFFIX = ".serving"


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
    """Return a vault with the folder's master key; both are made on the first call.

    Raises:
        InvalidError: the folder or the key file cannot be read or made, or holds no key.
    """
    prepare_folder(folder)
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


async def check_key(store: Store, folder: Path) -> None:
    """See that what the database holds was encrypted with the folder's master key.

    Raises:
        InvalidError: it was not, so nothing could be sent.
        UnavailableError: the database cannot be reached.
    """
    async with store.read() as tx:
        if not await newest_secret_opens(tx):
            raise InvalidError(
                f"The key {folder / KEY_NAME} is not the one that this database's secrets were "
                f"encrypted with. Copy {KEY_NAME} from the data folder of the Runhook that served "
                "it first, over this one."
            )


@contextmanager
def sole_owner(database: Path) -> Iterator[None]:
    """Be the one process that serves the database in this file.

    The mark is a file beside it. The kernel lets go of it when the process ends, however it ends.

    Raises:
        InvalidError: another process serves it, or the mark cannot be made.
    """
    path = database.with_name(database.name + MARK_SUFFIX)
    with ExitStack() as stack:
        try:
            mark = stack.enter_context(path.open("w"))
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidError(
                f"Another Runhook already serves {database}. One process serves a SQLite database; "
                "for several, use PostgreSQL (RUNHOOK_DATABASE_URL)."
            ) from None
        except OSError as error:
            raise InvalidError(f"The file {path} cannot be locked: {error.strerror}.") from None
        yield
