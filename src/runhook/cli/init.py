"""`runhook init`: the database and the master key of a new service, without serving."""

import argparse
import asyncio

from runhook.cli.service import add_setting_flags, settings_from
from runhook.domain.secrets.shown_addresses import without_password
from runhook.opening import make_ready, open_as_it_is
from runhook.operations.people.begin import begin_service
from runhook.operations.service.keep_time import database_clock
from runhook.settings import Settings
from runhook.storage.service.data_folder import KEY_NAME, check_master_key, open_vault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_setting_flags(parser, "data_dir", "database_url", "default_payload_version")


def execute(arguments: argparse.Namespace) -> int:
    """Make what is missing, and say where it is."""
    settings = settings_from(arguments)
    is_new = asyncio.run(make_service(settings))
    place = without_password(settings.address_of_database())
    print(f"{'A new service is' if is_new else 'There is a service'} in {place}.")
    if settings.master_key is None:
        print(f"Its master key is {settings.data_dir.absolute() / KEY_NAME}: keep a copy of it.")
    return 0


async def make_service(settings: Settings) -> bool:
    """Make the database, its key and account 1, as far as they are missing.

    Returns:
        whether there was no account.
    """
    given = settings.master_key
    vault = open_vault(settings.data_dir, given.reveal() if given else None)
    async with open_as_it_is(settings, vault) as store:
        await make_ready(store)
        await check_master_key(store, settings.data_dir, is_given=given is not None)
        return await begin_service(
            store,
            bootstrap_token=settings.bootstrap_token,
            payload_version=settings.default_payload_version,
            clock=await database_clock(store),
        )
