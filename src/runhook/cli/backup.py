"""`runhook backup`: write all that restores the service into a folder, while it runs."""

import argparse
import asyncio
import shlex
from contextlib import ExitStack
from pathlib import Path

from runhook.cli.administering import existing
from runhook.cli.service import add_setting_flags, settings_from
from runhook.domain.secrets.shown_addresses import without_any_password
from runhook.operations.service.back_up import DUMP_NAME, back_up
from runhook.settings import Settings
from runhook.storage.service.backups import BackupManifest
from runhook.storage.service.data_folder import keys_of, only_rotation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("folder", metavar="FOLDER", help="the folder to create")
    add_setting_flags(parser, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Back up, and print what remains for the operator to do."""
    settings = settings_from(arguments)
    folder = Path(arguments.folder).absolute()
    manifest = asyncio.run(make_backup(settings, folder))
    if manifest.database == "sqlite":
        rows = sum(manifest.rows.values())
        print(f"{folder} has the database, {rows:,} rows, and the master key.")
    else:
        print(f"{folder} has the master key. Add the database with PostgreSQL's own tools:")
        print(f"  {dump_command(settings, folder)}")
    print("Keep it where only you can read it: with the key, all secrets can be read.")
    return 0


async def make_backup(settings: Settings, folder: Path) -> BackupManifest:
    """Back up the service that the settings name."""
    given = settings.master_key
    async with existing(settings) as store:
        with ExitStack() as stack:
            if given is None:
                # A rotation drops keys that the copy may still need.
                stack.enter_context(only_rotation(settings.data_dir))
            keys = keys_of(settings.data_dir, given.reveal() if given else None)
            return await back_up(store, keys, folder)


def dump_command(settings: Settings, folder: Path) -> str:
    """The pg_dump command that adds a PostgreSQL database to a backup."""
    address = without_any_password(settings.address_of_database())
    return shlex.join(
        [
            *("pg_dump", "--format=custom", "--no-owner", f"--file={folder / DUMP_NAME}"),
            f"--dbname={address}",
        ]
    )
