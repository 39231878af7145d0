"""`runhook tokens`: API tokens, made beside the database."""

import argparse
import asyncio

from runhook.cli.service import add_setting_flags, settings_from
from runhook.clock import SystemClock
from runhook.domain.callers import COMMAND_LINE
from runhook.domain.errors import NotFoundError
from runhook.domain.permissions import PermissionSet
from runhook.domain.runs import AccountId
from runhook.operations.authenticate import create_token
from runhook.operations.begin import FIRST_ACCOUNT, begin
from runhook.settings import Settings
from runhook.wiring import open_store

LARGEST_ID = 2**63 - 1
"""What the databases can look for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="create a token and print it, this once")
    create.add_argument("--name", required=True, help="what the token is for")
    create.add_argument(
        "--permission",
        choices=[one.value for one in PermissionSet],
        default=PermissionSet.ACCOUNT_ADMIN.value,
        help="what it may do (account_admin)",
    )
    create.add_argument(
        "--account", type=int, default=FIRST_ACCOUNT, help=f"for which account ({FIRST_ACCOUNT})"
    )
    add_setting_flags(create, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Create a token and print it."""
    if not 0 < arguments.account <= LARGEST_ID:
        raise NotFoundError(f"There is no account {arguments.account}.")
    token = asyncio.run(
        create(
            settings_from(arguments),
            AccountId(arguments.account),
            PermissionSet(arguments.permission),
            arguments.name,
        )
    )
    print(token)
    return 0


async def create(
    settings: Settings, account_id: AccountId, permission_set: PermissionSet, name: str
) -> str:
    """Create a token in the database that the settings name."""
    clock = SystemClock()
    async with open_store(settings) as store:
        await begin(store, bootstrap_token=settings.bootstrap_token, clock=clock)
        return await create_token(
            store, account_id, permission_set, name=name, actor=COMMAND_LINE, clock=clock
        )
