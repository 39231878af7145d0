"""`runhook migrate`: bring the database to this version's schema, without serving."""

import argparse
import asyncio

from runhook.cli.service import add_setting_flags, settings_from
from runhook.settings import Settings
from runhook.storage.data_folder import open_vault, prepare_folder
from runhook.storage.schema import migrate
from runhook.storage.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_setting_flags(parser, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Migrate, and say from where to where."""
    before, after = asyncio.run(migrate_database(settings_from(arguments)))
    if before == after:
        print(f"The database is at schema {after} already.")
    else:
        print(f"The database went from schema {before or 'none'} to {after}.")
    return 0


async def migrate_database(settings: Settings) -> tuple[str | None, str]:
    """Migrate the database that the settings name."""
    prepare_folder(settings.data_dir)
    store = Store.open(settings.address_of_database(), vault=open_vault(settings.data_dir))
    try:
        return await migrate(store)
    finally:
        await store.close()
