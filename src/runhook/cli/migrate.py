"""`runhook migrate`: bring the database to this version's schema, without serving."""

import argparse
import asyncio

from runhook.cli.administering import existing
from runhook.cli.service import add_setting_flags, settings_from
from runhook.settings import Settings
from runhook.storage.engine.schema import migrate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_setting_flags(parser, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Migrate, and say from where to where."""
    before, after = asyncio.run(migrate_database(settings_from(arguments)))
    if before == after:
        print(f"The database is already at schema {after}.")
    else:
        print(f"The database went from schema {before} to {after}.")
    return 0


async def migrate_database(settings: Settings) -> tuple[str | None, str]:
    """Migrate the database that the settings name."""
    async with existing(settings) as store:
        return await migrate(store)
