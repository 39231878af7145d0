"""Back a service up while it runs, and bring it back."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from runhook.domain.errors import ConflictError, InvalidError
from runhook.domain.version import VERSION
from runhook.operations.commits.repeating import repeats_contended
from runhook.storage.engine.schema import NEWEST, migrate, revision_of
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import LOCKED, Vault
from runhook.storage.service.backups import (
    DATABASE_NAME,
    BackupManifest,
    appearing_file,
    appearing_folder,
    copy_database,
    digests_in,
    write_manifest,
)
from runhook.storage.service.contents import skip_numbers
from runhook.storage.service.data_folder import KEY_NAME, PRIVATE, key_file
from runhook.storage.service.key_file import MasterKey
from runhook.storage.service.master_key_check import find_master_key_check
from runhook.storage.service.timekeeping import moment_of

SKIPPED = 1_000_000
"""How many numbers of rows a service that was brought back leaves out: more than it can have given
since the backup. Reporters and receivers know those, and they must not mean other runs and jobs."""
DUMP_NAME = "runhook.dump"
"""What the database of a server is called in a backup, once its tools have put it there."""
BESIDE = ("-wal", "-shm", "-journal")
"""What files beside a database are called that belong to it."""


async def back_up(store: Store, keys: Sequence[MasterKey], target: Path) -> BackupManifest:
    """Make a folder with the master keys, and with the database if that is a file.

    Args:
        store: a database of any schema, served or not.
        keys: the service's.
        target: the folder, which is not there yet.

    Raises:
        ConflictError: there is something of that name.
        InvalidError: it cannot be made, the database is damaged, or the keys are not its own.
        UnavailableError: the database cannot be reached.
    """
    await refuse_other_keys(store, keys)
    with appearing_folder(target) as folder:
        key_file(folder).create(keys)
        async with store.read() as tx:
            made_at = await moment_of(tx)
        schema = await revision_of(store)
        rows = {} if store.file is None else copy_database(store.file, folder / DATABASE_NAME)
        manifest = BackupManifest(
            runhook=VERSION,
            database="postgresql" if store.file is None else "sqlite",
            schema=schema or "",
            made_at=made_at.isoformat(timespec="seconds"),
            rows=rows,
            sha256=digests_in(folder),
        )
        write_manifest(folder, manifest)
    return manifest


async def refuse_other_keys(store: Store, keys: Sequence[MasterKey]) -> None:
    """See that one of these master keys is the database's.

    Raises:
        InvalidError: none is.
        UnavailableError: the database cannot be reached.
    """
    async with store.read() as tx:
        check = await find_master_key_check(tx)
    if check is not None and not Vault([key.text for key in keys]).opens(check):
        raise InvalidError(
            "The master key here is not the one that this database's secrets were encrypted with, "
            "and without it they cannot be read. Give RUNHOOK_DATA_DIR or RUNHOOK_MASTER_KEY as "
            "the service has it."
        )


def refuse_newer(manifest: BackupManifest) -> None:
    """See that a backup is of this version's schema or of an older one.

    Raises:
        InvalidError: it is not.
    """
    if manifest.schema > NEWEST:
        raise InvalidError(
            f"The backup is of schema {manifest.schema}, which a newer Runhook made; "
            "use that version."
        )


async def restore_file(backup: Path, database: Path) -> None:
    """Put a backup's database in its place, at this version's schema.

    Args:
        backup: a folder that was checked.
        database: the file, which is not there.

    Raises:
        ConflictError: it is there, or something that belongs to another database.
    """
    present = [path for path in beside(database) if path.exists()]
    if present:
        raise ConflictError(
            f"{', '.join(map(str, present))} already exists: stop the service, and move it away."
        )
    with appearing_file(database) as unfinished:
        shutil.copyfile(backup / DATABASE_NAME, unfinished)
        unfinished.chmod(PRIVATE)
        store = Store.open(f"sqlite:///{quote(str(unfinished))}", vault=LOCKED)
        try:
            await make_new(store)
        finally:
            await store.close()


def beside(database: Path) -> Sequence[Path]:
    """A database's file and those that belong to it."""
    return [database, *(database.with_name(database.name + suffix) for suffix in BESIDE)]


@repeats_contended
async def make_new(store: Store) -> None:
    """Let a database that was brought back go on: at this version's schema, with other numbers."""
    await migrate(store)
    async with store.write() as tx:
        await skip_numbers(tx, SKIPPED)


def restore_keys(backup: Path, folder: Path, given: Sequence[MasterKey] | None) -> None:
    """See that the service will have the keys of a backup, or write them into its data folder.

    Args:
        backup: a folder that was checked.
        folder: the data folder.
        given: the keys of the settings, if there are any.

    Raises:
        ConflictError: there are others.
    """
    kept = key_file(backup).read()
    file = key_file(folder)
    if given is None and not file.exists:
        file.create(kept)
        return
    present = given if given is not None else file.read()
    if not {key.text for key in kept} <= {key.text for key in present}:
        place = "RUNHOOK_MASTER_KEY" if given is not None else folder / KEY_NAME
        raise ConflictError(
            f"{place} does not have the backup's master key: add the line of {backup / KEY_NAME} "
            "first, or move the file away."
        )
