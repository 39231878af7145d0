"""`runhook accounts`: accounts, made and listed beside the database, and their owners invited."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from runhook.cli.administering import administered, migrated
from runhook.cli.service import add_setting_flags, public_base, settings_with_origins
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.messages.telling import PAYLOAD_VERSIONS, WHICH_PAYLOAD_VERSION, PayloadVersion
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.people.permissions import Role
from runhook.domain.runs.run import AccountId
from runhook.operations.people.accounts import all_accounts, create_account
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.invite import invite, link_of
from runhook.operations.people.mail_links import Invited, invite_by_mail
from runhook.outbound.sender import Sender
from runhook.settings import Settings, read_payload_version
from runhook.storage.people.accounts import Account

VERSION = "default_payload_version"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create", help="create an account, and print its first owner's link"
    )
    create.add_argument("name", metavar="NAME", help="what the account is called")
    add_setting_flags(create, VERSION)
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
    settings, origins = settings_with_origins(arguments)
    match arguments.action:
        case "create":
            version = settings.default_payload_version
            if origins[VERSION].is_default and sys.stdin.isatty():
                version = ask_for_payload_version(version)
            account, link = asyncio.run(create_with_owner(settings, arguments.name, version))
            print(f"Account {account.id}. New webhooks send payload version {version}.")
            print("The first to accept this invitation becomes the account's owner:")
            print(f"  {link}")
        case "list":
            for account in asyncio.run(accounts_in_database(settings)):
                print(f"{account.id:>6}  {account.name}")
        case _:
            if not 0 < arguments.account <= LARGEST_ID:
                raise NotFoundError(f"There is no account {arguments.account}.")
            account_id = AccountId(arguments.account)
            invited = asyncio.run(invite_owner(settings, account_id, email=arguments.email))
            print(invited.link)
            if invited.mailed is not None:
                # Beside the link, which scripts read.
                print(invited.mailed.sentence, file=sys.stderr)
    return 0


def ask_for_payload_version(default: PayloadVersion) -> PayloadVersion:
    """Ask at the terminal which payload the account's webhooks send."""
    print("Which payload do your consumers read?", file=sys.stderr)
    for title in PAYLOAD_VERSIONS.values():
        print(f"  {title}", file=sys.stderr)
    print(WHICH_PAYLOAD_VERSION, file=sys.stderr)
    while True:
        print(f"Payload version [{default}]: ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        try:
            return read_payload_version(answer.strip()) if answer.strip() else default
        except InvalidError as error:
            print(error.message, file=sys.stderr)


async def create_with_owner(
    settings: Settings, name: str, version: PayloadVersion
) -> tuple[Account, str]:
    """Create an account; return it with its first owner's link."""
    async with administered(settings) as context:
        account = await create_account(context, name, version)
        _, secret = await invite(context, account.id, Role.OWNER)
    return account, link_of(secret, public_base(settings))


async def accounts_in_database(settings: Settings) -> Sequence[Account]:
    """Read every account from the database that the settings name."""
    async with migrated(settings) as store:
        return await all_accounts(store)


async def invite_owner(settings: Settings, account_id: AccountId, *, email: str | None) -> Invited:
    """Invite an owner, and mail the link where that is possible."""
    mail = settings.mail()
    async with (
        administered(settings) as context,
        Sender(settings.allow_networks, deadline=settings.attempt_timeout, mail=mail) as sender,
    ):
        return await invite_by_mail(
            context,
            sender,
            account_id,
            Role.OWNER,
            email=email,
            base=public_base(settings),
            public_url=settings.public_url,
        )
