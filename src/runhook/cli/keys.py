"""`runhook keys`: the master keys, which encrypt the webhooks' secrets."""

import argparse
import asyncio

from runhook.cli.service import add_setting_flags, settings_from
from runhook.operations.rotate_keys import KeyUses, Rotated, prepare_key, rotate_keys, uses_of
from runhook.settings import Settings
from runhook.storage.data_folder import key_file, only_rotation
from runhook.storage.vault import Vault
from runhook.wiring import open_store


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
    """Do what the action says."""
    settings = settings_from(arguments)
    if arguments.action == "list":
        print_uses(asyncio.run(listed(settings)))
        return 0
    with only_rotation(settings.data_dir):
        if arguments.prepare:
            key = prepare_key(key_file(settings.data_dir))
            print(
                f"Key {key.fingerprint} is prepared. Copy master.key to every replica, "
                "then run `runhook keys rotate` here and copy it once more."
            )
            return 0
        rotated = asyncio.run(rotate(settings))
    print(
        f"Key {rotated.key.fingerprint} is in use; {rotated.encrypted} secrets were encrypted anew "
        f"and {rotated.dropped} old keys dropped."
    )
    return complain_of_lost(rotated.lost)


async def listed(settings: Settings) -> KeyUses:
    """Count what each key opens in the database that the settings name."""
    keys = key_file(settings.data_dir).read()
    async with open_store(settings) as store:
        return await uses_of(store, Vault([key.text for key in keys]), keys)


async def rotate(settings: Settings) -> Rotated:
    """Rotate the key of the database that the settings name."""
    async with open_store(settings) as store:
        return await rotate_keys(store, key_file(settings.data_dir))


def print_uses(uses: KeyUses) -> None:
    """Print a line for each key, the one in use first."""
    for position, use in enumerate(uses.keys):
        role = "prepared" if use.key.is_prepared else "reads" if position else "in use"
        print(f"{use.key.fingerprint}  {role:8}  opens {use.secrets}")
    complain_of_lost(uses.lost)


def complain_of_lost(lost: int) -> int:
    """Say how many secrets no key opens, if any; return the exit code."""
    if not lost:
        return 0
    print(
        f"{lost} secrets were encrypted with a key that is not in master.key. Add its line to the "
        "file, or give those webhooks new secrets."
    )
    return 1
