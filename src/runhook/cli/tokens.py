"""`runhook tokens`: API tokens, made, listed and revoked beside the database."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from runhook.cli.administering import administered, migrated
from runhook.cli.service import add_setting_flags, settings_from
from runhook.domain.errors import NotFoundError
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import PermissionSet
from runhook.domain.runs.run import AccountId
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.tokens import (
    LONGEST_LIFETIME,
    all_tokens,
    create_token,
    remove_token,
)
from runhook.operations.service.keep_time import database_clock
from runhook.settings import Settings
from runhook.storage.people.tokens import Token

USUAL = PermissionSet.READ_ONLY
COLUMNS = ("ID", "NAME", "PERMISSION", "CREATED BY", "CREATED", "LAST USED", "VALID")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="create a token and print it, this once")
    create.add_argument("--name", required=True, help="what the token is for")
    create.add_argument(
        "--permission",
        choices=[one.value for one in PermissionSet],
        help=f"what it may do ({USUAL.value})",
    )
    create.add_argument(
        "--expires-in-days", type=int, help="how long it is valid (until it is revoked)"
    )
    listing = actions.add_parser("list", help="list an account's tokens, the newest first")
    revoke = actions.add_parser("revoke", help="revoke a token, at once and for good")
    revoke.add_argument("id", type=int, metavar="ID", help="the number that `tokens list` shows")
    for action in (create, listing, revoke):
        action.add_argument(
            "--account",
            type=int,
            default=FIRST_ACCOUNT,
            help=f"id of the account ({FIRST_ACCOUNT})",
        )
        add_setting_flags(action, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    if not 0 < arguments.account <= LARGEST_ID:
        raise NotFoundError(f"There is no account {arguments.account}.")
    account_id = AccountId(arguments.account)
    settings = settings_from(arguments)
    match arguments.action:
        case "create":
            days = arguments.expires_in_days
            if days is not None:
                # A number of days that no timedelta can hold is refused as too many, too.
                days = max(0, min(days, LONGEST_LIFETIME.days + 1))
            print(
                asyncio.run(
                    create_token_in(
                        settings,
                        account_id,
                        PermissionSet(arguments.permission or USUAL),
                        name=arguments.name,
                        lifetime=None if days is None else timedelta(days=days),
                    )
                )
            )
            if arguments.permission is None:
                # Beside the token, which scripts read.
                print(
                    f"It may only read ({USUAL.value}). Others: --permission job_runner to report "
                    "runs, webhooks_only, or account_admin.",
                    file=sys.stderr,
                )
        case "list":
            print_table(*asyncio.run(tokens_in_database(settings, account_id)))
        case _:
            asyncio.run(revoke_by_id(settings, account_id, arguments.id))
            print(f"Token {arguments.id} is revoked.")
    return 0


async def create_token_in(
    settings: Settings,
    account_id: AccountId,
    permission_set: PermissionSet,
    *,
    name: str,
    lifetime: timedelta | None,
) -> str:
    """Create a token in the database that the settings name."""
    async with administered(settings) as context:
        _, text = await create_token(
            context, account_id, permission_set, name=name, lifetime=lifetime
        )
        return text


async def tokens_in_database(
    settings: Settings, account_id: AccountId
) -> tuple[Sequence[Token], datetime]:
    """Read an account's tokens, and the time on the database's clock."""
    async with migrated(settings) as store:
        clock = await database_clock(store)
        return await all_tokens(store, account_id), clock.now()


async def revoke_by_id(settings: Settings, account_id: AccountId, token_id: int) -> None:
    """Revoke a token in the database that the settings name."""
    if not 0 < token_id <= LARGEST_ID:
        raise NotFoundError(f"There is no token {token_id} in this account.")
    async with migrated(settings) as store:
        clock = await database_clock(store)
        await remove_token(Context(store, clock, COMMAND_LINE), account_id, token_id)


def print_table(tokens: Sequence[Token], now: datetime) -> None:
    """Print tokens, a line each, under their headings."""
    rows = [COLUMNS, *(token_cells(token, now) for token in tokens)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def token_cells(token: Token, now: datetime) -> tuple[str, ...]:
    """Cells of a token's line."""
    return (
        str(token.id),
        # A name is another user's text, and this may be a terminal.
        token.name if token.name.isprintable() else ascii(token.name),
        token.permission_set.value,
        token.created_by if token.created_by.isprintable() else ascii(token.created_by),
        minute(token.created_at),
        minute(token.last_used_at) if token.last_used_at else "never",
        validity_of(token, now),
    )


def validity_of(token: Token, now: datetime) -> str:
    """Say until when a token is valid, or since when it no longer is."""
    if token.revoked_at is not None:
        return f"revoked {minute(token.revoked_at)}"
    if token.expires_at is None:
        return "until revoked"
    word = "until" if token.expires_at > now else "expired"
    return f"{word} {minute(token.expires_at)}"


def minute(moment: datetime) -> str:
    """Write a moment to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%MZ}"
