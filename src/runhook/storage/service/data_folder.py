"""The data folder with its master key, and the mark of the process that serves a database file."""

import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.signature import Secret
from runhook.storage.engine.schema import VERSION_TABLE, are_ours
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import Vault
from runhook.storage.service.key_file import KeyFile, MasterKey, master_keys_in
from runhook.storage.service.master_key_check import (
    find_master_key_check,
    replace_master_key_check,
)
from runhook.storage.webhooks.rows import newest_secret_opens
from runhook.telemetry.events import KEYS_CHANGED

KEY_NAME = "master.key"
GIVEN = "RUNHOOK_MASTER_KEY"
MARK_SUFFIX = ".serving"
CHECKED = Secret("runhook")
"""What the database keeps encrypted, to tell keys from each other."""
TABLES_AND_VIEWS = (
    "SELECT name FROM sqlite_master WHERE type <> 'index' AND name NOT GLOB 'sqlite_*'"
)
REVISIONS = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - ours
PRIVATE = stat.S_IRUSR | stat.S_IWUSR
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(database: Path) -> None:
    """Make a database's file if it is not there, readable by its owner only whatever the umask is.

    SQLite makes the files beside it as readable as it is itself.
    """
    with suppress(OSError):  # what is wrong with it, opening it tells
        os.close(os.open(database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE))


def has_other_tables(database: Path) -> bool:
    """Whether a file is a database of another program.

    It is only looked at: a connection of ours would change how it keeps its journal.
    """
    address = f"{database.absolute().as_uri()}?mode=ro"
    with suppress(sqlite3.Error), closing(sqlite3.connect(address, uri=True)) as connection:
        names = {name for (name,) in connection.execute(TABLES_AND_VIEWS)}
        if VERSION_TABLE not in names:
            return bool(names)
        return not are_ours([one for (one,) in connection.execute(REVISIONS)])
    return False


def keep_private(database: Path) -> Sequence[Path]:
    """Make the files of our database readable by their owner only.

    Returns:
        those that others could read until now.
    """
    narrowed = []
    for suffix in ("", "-wal", "-shm", MARK_SUFFIX):
        path = database.with_name(database.name + suffix)
        with suppress(OSError):
            if path.stat().st_mode & OTHERS:
                path.chmod(PRIVATE)
                narrowed.append(path)
    return narrowed


def prepare_folder(folder: Path) -> None:
    """Create the data folder if it is not there, readable by its owner only.

    Raises:
        InvalidError: it cannot be made or used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidError(f"The data folder {folder} cannot be made: {error.strerror}.") from None


def open_vault(folder: Path, given: str | None = None) -> Vault:
    """Vault with the folder's master keys; the first call makes folder and key.

    Args:
        folder: the data folder.
        given: the master keys of the settings, if there are some: no file is read or made then.

    Raises:
        InvalidError: the folder or the key file cannot be read or made, or holds no key; or what
            is given is none.
    """
    if given is not None:
        return Vault([key.text for key in given_keys(given)])
    prepare_folder(folder)
    file = key_file(folder)
    if not file.exists:
        try:
            file.create()
        except OSError as error:
            raise InvalidError(
                f"The master key {folder / KEY_NAME} cannot be made: {error.strerror}."
            ) from None
    return vault_of(file)


def given_keys(text: str) -> Sequence[MasterKey]:
    """Master keys of a setting, as in a key file, or with commas between them.

    Raises:
        InvalidError: it holds anything but keys.
    """
    try:
        return master_keys_in(text.replace(",", "\n").encode().splitlines())
    except ValueError:
        raise InvalidError(
            f"{GIVEN} does not hold a master key: give 32 random bytes as base64, such as "
            "`openssl rand -base64 32` prints; of several keys the first encrypts."
        ) from None


def keys_of(folder: Path, given: str | None) -> Sequence[MasterKey]:
    """Master keys of the settings, or else of the folder; none is made.

    Raises:
        InvalidError: what is given is none, or the file cannot be read, or holds no key.
    """
    return key_file(folder).read() if given is None else given_keys(given)


def key_file(folder: Path) -> KeyFile:
    """Key file of the folder."""
    return KeyFile(folder / KEY_NAME)


def vault_of(file: KeyFile) -> Vault:
    """Vault with the keys of this file, read again when it changes.

    Raises:
        InvalidError: the file cannot be read, or holds no key.
    """

    def changed() -> Sequence[bytes] | None:
        keys = file.read_if_changed()
        if keys is None:
            return None
        KEYS_CHANGED.say(keys=[key.fingerprint for key in keys])
        return [key.text for key in keys]

    return Vault([key.text for key in file.read()], changed=changed)


@contextmanager
def only_rotation(folder: Path) -> Iterator[None]:
    """Be the one process that changes this folder's keys.

    Raises:
        InvalidError: another one does, or there is no such folder.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InvalidError(
            f"The data folder {folder} cannot be opened: {error.strerror}."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidError(f"The keys in {folder} are being rotated already.") from None
        yield
    finally:
        os.close(descriptor)


async def check_master_key(store: Store, folder: Path, *, is_given: bool) -> None:
    """Check that the vault has the database's master key; the first process decides which.

    Args:
        store: the database, opened with the vault.
        folder: the data folder.
        is_given: whether the settings hold the key, and not the folder.

    Raises:
        InvalidError: it is not, so that some secrets could not be read here, and others not there.
        UnavailableError: the database cannot be reached.
    """
    async with store.write() as tx:
        # Replicas may start together, and one of them is first.
        await tx.database.lock_schema(tx.connection)
        check = await find_master_key_check(tx)
        if (check is None or store.vault.opens(check)) and await newest_secret_opens(tx):
            if check is None:
                await replace_master_key_check(tx, store.vault.encrypt(CHECKED))
            return
    place = f"key in {GIVEN}" if is_given else f"key {folder / KEY_NAME}"
    raise InvalidError(
        f"The {place} is not the one that this database's secrets were encrypted with. Give the "
        f"one of the Runhook that served it first: its {GIVEN}, or the content of {KEY_NAME} in "
        "its data folder. If both have served it, let both have both keys: that one's line first, "
        "and this one's after it."
    )


async def renew_master_key_check(store: Store, vault: Vault) -> None:
    """Encrypt what tells keys from each other with the vault's first key, if any of them opens it.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    async with store.write() as tx:
        await tx.database.lock_schema(tx.connection)
        check = await find_master_key_check(tx)
        if check is not None and vault.opens(check):
            await replace_master_key_check(tx, vault.encrypt(CHECKED))


class ServedError(InvalidError):
    """Another process serves this database."""


@contextmanager
def sole_owner(database: Path) -> Iterator[None]:
    """Be the one process that serves the database in this file.

    The mark is a file beside it. The kernel lets go of it when the process ends, however it ends.

    Raises:
        ServedError: another process serves it.
        InvalidError: the mark cannot be made.
    """
    path = database.with_name(database.name + MARK_SUFFIX)
    with ExitStack() as stack:
        try:
            path.touch(PRIVATE)
            mark = stack.enter_context(path.open("w"))
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServedError(
                f"Another Runhook already serves {database}. One process serves a SQLite database; "
                "for several, use PostgreSQL (RUNHOOK_DATABASE_URL)."
            ) from None
        except OSError as error:
            raise InvalidError(f"The file {path} cannot be locked: {error.strerror}.") from None
        yield
