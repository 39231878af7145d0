"""`runhook users`: help for users who cannot sign in any more."""

import argparse
import asyncio
import getpass
import sys

from runhook.cli.service import add_setting_flags, settings_from
from runhook.opening import open_store
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.users import replace_password
from runhook.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    replacing = actions.add_parser(
        "set-password", help="give a user another password, and end all their sessions"
    )
    replacing.add_argument("email", metavar="EMAIL", help="the user's e-mail address")
    add_setting_flags(replacing, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Ask for the password and set it; it is never an argument, which others could read."""
    asyncio.run(set_password(settings_from(arguments), arguments.email, ask_for_password()))
    print(f"{arguments.email} can sign in with the new password, and is signed out everywhere.")
    return 0


def ask_for_password() -> str:
    """Read a password from the terminal without showing it, or the first line of a pipe."""
    if sys.stdin.isatty():
        return getpass.getpass("New password: ")
    return sys.stdin.readline().rstrip("\r\n")


async def set_password(settings: Settings, email: str, password: str) -> None:
    """Set a user's password in the database that the settings name."""
    async with open_store(settings) as store:
        await replace_password(store, email, password, passwords=Passwords())
