"""`runhook users`: help for users who cannot sign in any more."""

import argparse
import asyncio
import getpass
import sys

from runhook.cli.administering import migrated
from runhook.cli.service import add_setting_flags, public_base, settings_from
from runhook.domain.errors import NotFoundError
from runhook.domain.people.callers import COMMAND_LINE
from runhook.operations.people.new_passwords import begin_reset, replace_password, reset_link
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.second_factors import reset_second_factor
from runhook.operations.service.keep_time import database_clock
from runhook.settings import Settings

ANY_NUMBER = sys.maxsize


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    replacing = actions.add_parser(
        "set-password", help="give a user another password, and end all their sessions"
    )
    resetting = actions.add_parser(
        "reset-password", help="print a link by which a user chooses another password, once"
    )
    removing = actions.add_parser(
        "reset-second-factor",
        help="remove the second factor of a user who has lost it, and end all their sessions",
    )
    for action in (replacing, resetting, removing):
        action.add_argument("email", metavar="EMAIL", help="the user's e-mail address")
        add_setting_flags(action, "data_dir", "database_url")
    add_setting_flags(resetting, "host", "port", "public_url")


def execute(arguments: argparse.Namespace) -> int:
    """Run the chosen action; a password is never an argument, which others could read."""
    settings, email = settings_from(arguments), arguments.email
    if arguments.action == "reset-password":
        print(asyncio.run(link_for(settings, email)))
        return 0
    if arguments.action == "reset-second-factor":
        asyncio.run(remove_factor(settings, email))
        print(f"{email} can sign in with the password alone, and is signed out everywhere.")
        return 0
    asyncio.run(set_password(settings, email, ask_for_password()))
    print(f"{email} can sign in with the new password, and is signed out everywhere.")
    return 0


def ask_for_password() -> str:
    """Read a password from the terminal without showing it, or the first line of a pipe."""
    if sys.stdin.isatty():
        return getpass.getpass("New password: ")
    return sys.stdin.readline().rstrip("\r\n")


async def set_password(settings: Settings, email: str, password: str) -> None:
    """Set a user's password in the database that the settings name."""
    async with migrated(settings) as store:
        clock = await database_clock(store)
        await replace_password(store, email, password, passwords=Passwords(), clock=clock)


async def remove_factor(settings: Settings, email: str) -> None:
    """Take away a user's second factor in the database that the settings name."""
    async with migrated(settings) as store:
        await reset_second_factor(store, email, clock=await database_clock(store))


async def link_for(settings: Settings, email: str) -> str:
    """Make a link for a user.

    Raises:
        NotFoundError: no user has this e-mail address.
    """
    async with migrated(settings) as store:
        clock = await database_clock(store)
        reset = await begin_reset(
            store, email, actor=COMMAND_LINE, clock=clock, most_open=ANY_NUMBER
        )
    if reset is None:
        raise NotFoundError(f"There is no user {email}.")
    return reset_link(reset.secret, public_base(settings))
