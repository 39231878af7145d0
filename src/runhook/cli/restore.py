"""`runhook restore`: bring a service back from what `runhook backup` has made."""

import argparse
import asyncio
import shlex
from pathlib import Path

from runhook.cli.service import add_setting_flags, settings_from
from runhook.domain.errors import InvalidError
from runhook.domain.secrets.shown_addresses import without_any_password, without_password
from runhook.opening import NoServiceError, open_existing, opened_store
from runhook.operations.service.back_up import (
    DUMP_NAME,
    make_new,
    refuse_newer,
    refuse_other_keys,
    restore_file,
    restore_keys,
)
from runhook.operations.service.copy_service import refuse_served
from runhook.settings import Settings
from runhook.storage.engine.vault import LOCKED
from runhook.storage.service.backups import BackupManifest, read_backup
from runhook.storage.service.data_folder import given_keys, key_file, prepare_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("folder", metavar="FOLDER", help="a folder made by `runhook backup`")
    add_setting_flags(parser, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Restore, and print the time of the backup."""
    settings = settings_from(arguments)
    manifest = asyncio.run(restore(settings, Path(arguments.folder).absolute()))
    place = without_password(settings.address_of_database())
    print(f"The service of {manifest.made_at} is in {place}. Start it with `runhook serve`.")
    return 0


async def restore(settings: Settings, folder: Path) -> BackupManifest:
    """Restore a backup into the data folder and the database of the settings."""
    manifest = read_backup(folder)
    refuse_newer(manifest)
    async with opened_store(settings, LOCKED) as store:
        file = store.file
    kind = "postgresql" if file is None else "sqlite"
    if kind != manifest.database:
        raise InvalidError(
            f"The backup is of a service on {manifest.database}, and the settings name a database "
            f"of {kind}. Restore it on {manifest.database} first, then move it with `runhook copy`."
        )
    if file is None:
        await go_on_with_dump(settings, folder)
    else:
        put_keys(settings, folder)
        await restore_file(folder, file)
    return manifest


async def go_on_with_dump(settings: Settings, folder: Path) -> None:
    """Finish restoring into a server's database, whose rows its own tools have restored."""
    try:
        async with open_existing(settings) as store:
            await refuse_served(store)
            await refuse_other_keys(store, key_file(folder).read())
            put_keys(settings, folder)
            await make_new(store)
    except NoServiceError as error:
        raise NoServiceError(
            f"{error.message} Restore it first with PostgreSQL's own tools: "
            f"{restoring_command(settings, folder)}"
        ) from None


def restoring_command(settings: Settings, folder: Path) -> str:
    """The pg_restore command that loads a dump into an empty PostgreSQL database."""
    address = without_any_password(settings.address_of_database())
    return shlex.join(
        [
            *("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction"),
            *(f"--dbname={address}", str(folder / DUMP_NAME)),
        ]
    )


def put_keys(settings: Settings, folder: Path) -> None:
    """Put a backup's master keys to where the service reads them, unless it has them."""
    given = settings.master_key
    if given is None:
        prepare_folder(settings.data_dir)
    restore_keys(folder, settings.data_dir, given_keys(given.reveal()) if given else None)
