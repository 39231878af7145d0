"""`runhook keys`: the master keys, which encrypt the webhooks' secrets."""

import argparse
import asyncio
from collections.abc import Sequence

from runhook.cli.administering import existing, migrated
from runhook.cli.service import add_setting_flags, settings_from
from runhook.domain.errors import InvalidError
from runhook.operations.service.rotate_keys import (
    KeyUses,
    Rotated,
    encrypt_with_first,
    prepare_key,
    rotate_keys,
    uses_of,
)
from runhook.settings import Hidden, Settings
from runhook.storage.engine.vault import Vault
from runhook.storage.service.data_folder import GIVEN, given_keys, key_file, keys_of, only_rotation
from runhook.storage.service.key_file import MasterKey


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="show the keys' fingerprints and what each opens")
    rotate = actions.add_parser("rotate", help="encrypt everything with a new key, in service")
    rotate.add_argument(
        "--prepare",
        action="store_true",
        help="only add the next key, so that master.key can be copied to the other replicas first",
    )
    for action in (listing, rotate):
        add_setting_flags(action, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    settings = settings_from(arguments)
    asyncio.run(find_service(settings))
    if arguments.action == "list":
        print_uses(asyncio.run(count_uses(settings)))
        return 0
    if settings.master_key is not None:
        return use_first(settings, settings.master_key, prepares=arguments.prepare)
    with only_rotation(settings.data_dir):
        if arguments.prepare:
            key = prepare_key(key_file(settings.data_dir))
            print(
                f"Key {key.fingerprint} is prepared. Copy master.key to every replica, "
                "then run `runhook keys rotate` here and copy it once more."
            )
            return 0
        rotated = asyncio.run(rotate_database(settings))
    print(
        f"Key {rotated.key.fingerprint} is in use; {rotated.encrypted} secrets were encrypted anew "
        f"and {rotated.dropped} old keys dropped."
    )
    return report_unreadable(rotated.lost)


async def find_service(settings: Settings) -> None:
    """See that there is a service whose keys these are."""
    async with existing(settings):
        pass


def use_first(settings: Settings, given: Hidden, *, prepares: bool) -> int:
    """Encrypt everything with the first key of the settings, which no command can change.

    Raises:
        InvalidError: a key was to be prepared.
    """
    if prepares:
        raise InvalidError(
            f"{GIVEN} holds the keys: add the next one at its end for every replica, restart them, "
            "put it first everywhere, restart again, then run `runhook keys rotate`."
        )
    keys = given_keys(given.reveal())
    encrypted, uses = asyncio.run(encrypt_database(settings, keys))
    print(
        f"Key {keys[0].fingerprint} is the first in {GIVEN}; {encrypted} secrets were encrypted "
        "anew with it. The others can be left out once no replica encrypts with them."
    )
    return report_unreadable(uses.lost)


async def encrypt_database(settings: Settings, keys: Sequence[MasterKey]) -> tuple[int, KeyUses]:
    """Encrypt what the database holds that the settings name with the first of these keys."""
    async with migrated(settings) as store:
        return await encrypt_with_first(store, keys)


async def count_uses(settings: Settings) -> KeyUses:
    """Count what each key opens in the database that the settings name."""
    given = settings.master_key
    keys = keys_of(settings.data_dir, given.reveal() if given else None)
    async with migrated(settings) as store:
        return await uses_of(store, Vault([key.text for key in keys]), keys)


async def rotate_database(settings: Settings) -> Rotated:
    """Rotate the key of the database that the settings name."""
    async with migrated(settings) as store:
        return await rotate_keys(store, key_file(settings.data_dir))


def print_uses(uses: KeyUses) -> None:
    """Print a line for each key, the one in use first."""
    for position, use in enumerate(uses.keys):
        role = "prepared" if use.key.is_prepared else "reads" if position else "in use"
        print(f"{use.key.fingerprint}  {role:8}  opens {use.secrets}")
    report_unreadable(uses.lost)


def report_unreadable(lost: int) -> int:
    """Say how many secrets no key opens, if any; return the exit code."""
    if not lost:
        return 0
    print(
        f"{lost} secrets were encrypted with a key that is not among these. Add its line to "
        f"master.key, or to {GIVEN}, or give those webhooks new secrets."
    )
    return 1
