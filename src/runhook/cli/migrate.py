"""`runhook migrate`: bring the database to this version's schema, without serving."""

import argparse
import asyncio

from runhook.cli.service import add_setting_flags, settings_from
from runhook.opening import open_as_it_is
from runhook.settings import Settings
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.vault import LOCKED


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
    async with open_as_it_is(settings, LOCKED) as store:
        return await migrate(store)
