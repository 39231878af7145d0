"""`runhook accounts`: accounts, made and listed beside the database, and their owners invited."""

import argparse
import asyncio
from collections.abc import Sequence

from runhook.cli.service import add_setting_flags, settings_from
from runhook.domain.callers import COMMAND_LINE
from runhook.domain.errors import NotFoundError
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.permissions import Role
from runhook.domain.runs import AccountId
from runhook.operations.accounts import all_accounts, create_account
from runhook.operations.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.invite import invite, link_of
from runhook.operations.keep_time import database_clock
from runhook.settings import Settings
from runhook.storage.accounts import Account
from runhook.wiring import open_store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create", help="create an account, and print its first owner's link"
    )
    create.add_argument("name", metavar="NAME", help="what the account is called")
    listing = actions.add_parser("list", help="list all accounts")
    inviting = actions.add_parser("invite", help="print an invitation for a new owner")
    inviting.add_argument(
        "--account", type=int, default=FIRST_ACCOUNT, help=f"id of the account ({FIRST_ACCOUNT})"
    )
    inviting.add_argument(
        "--email", help="email address of the new owner (else anyone who opens the link)"
    )
    for action in (create, listing, inviting):
        add_setting_flags(action, "data_dir", "database_url")
    for action in (create, inviting):
        add_setting_flags(action, "host", "port", "public_url")


def execute(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    settings = settings_from(arguments)
    match arguments.action:
        case "create":
            account, link = asyncio.run(create_with_owner(settings, arguments.name))
            print(f"Account {account.id}. The first to accept this invitation becomes its owner:")
            print(f"  {link}")
        case "list":
            for account in asyncio.run(accounts_in_database(settings)):
                print(f"{account.id:>6}  {account.name}")
        case _:
            if not 0 < arguments.account <= LARGEST_ID:
                raise NotFoundError(f"There is no account {arguments.account}.")
            account_id = AccountId(arguments.account)
            print(asyncio.run(invite_owner(settings, account_id, email=arguments.email)))
    return 0


async def create_with_owner(settings: Settings, name: str) -> tuple[Account, str]:
    """Create an account; return it with its first owner's link."""
    async with open_store(settings) as store:
        clock = await database_clock(store)
        # Account 1 is always the one of the first start, also if this command comes first.
        await begin_service(store, bootstrap_token=settings.bootstrap_token, clock=clock)
        account = await create_account(store, name, actor=COMMAND_LINE, clock=clock)
        _, secret = await invite(store, account.id, Role.OWNER, actor=COMMAND_LINE, clock=clock)
    return account, link_of(secret, public_base(settings))


async def accounts_in_database(settings: Settings) -> Sequence[Account]:
    """Read every account from the database that the settings name."""
    async with open_store(settings) as store:
        return await all_accounts(store)


async def invite_owner(settings: Settings, account_id: AccountId, *, email: str | None) -> str:
    """Invite an owner; return their link."""
    async with open_store(settings) as store:
        clock = await database_clock(store)
        await begin_service(store, bootstrap_token=settings.bootstrap_token, clock=clock)
        _, secret = await invite(
            store, account_id, Role.OWNER, email=email, actor=COMMAND_LINE, clock=clock
        )
    return link_of(secret, public_base(settings))


def public_base(settings: Settings) -> str:
    """URL under which people reach the service that runs with these settings."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"
