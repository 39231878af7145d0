"""`runhook copy`: a whole service from one database to another, of the same kind or not."""

import argparse
import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from runhook.cli.service import add_setting_flags, settings_from
from runhook.domain.errors import InvalidError
from runhook.domain.secrets.shown_addresses import without_password
from runhook.opening import open_as_it_is, open_existing
from runhook.operations.service.copy_service import Compared, copy_service, service_to_copy
from runhook.operations.service.rotate_keys import uses_of
from runhook.settings import Hidden, Settings
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import LOCKED, Vault
from runhook.storage.service.data_folder import ServedError, keys_of, sole_owner

STEP = 100_000
"""Rows of a table between two lines about progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument(
        "--from",
        dest="source",
        metavar="URL",
        help="database of the service, which must be stopped (else the settings' database)",
    )
    parser.add_argument(
        "--to", dest="target", metavar="URL", required=True, help="an empty database"
    )
    add_setting_flags(parser, "data_dir", "database_url")


def execute(arguments: argparse.Namespace) -> int:
    """Copy, or continue a copy, and print what both databases hold."""
    settings = settings_from(arguments)
    source = (
        replace(settings, database_url=Hidden(arguments.source)) if arguments.source else settings
    )
    target = replace(settings, database_url=Hidden(arguments.target))
    try:
        compared, about_key = asyncio.run(copy_from_to(source, target))
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to continue.", file=sys.stderr)
        return 128 + signal.SIGINT
    print_compared(compared)
    differing = [one.name for one in compared if not one.is_same]
    if differing:
        print(
            f"runhook copy: {', '.join(differing)} differ: something changed a database during "
            "the copy. Empty the target, and copy again; until then no service starts on it.",
            file=sys.stderr,
        )
        return 1
    print(f"All is in {without_password(arguments.target)}. {about_key}")
    return 0


async def copy_from_to(source: Settings, target: Settings) -> tuple[Sequence[Compared], str]:
    """Copy between the databases of two settings; return what to do about the master key, too."""
    async with open_existing(source) as held:
        with ExitStack() as owned:
            own(held, owned)
            service = await service_to_copy(held)
            async with open_as_it_is(target, LOCKED) as empty:
                if empty.file is not None and empty.file == held.file:
                    raise InvalidError("Both are the same database: name another one with --to.")
                own(empty, owned)
                compared = await copy_service(held, empty, service, CopyProgress())
        return compared, await about_key(held, source)


def own(store: Store, owned: ExitStack) -> None:
    """Keep other processes from serving a database's file during the copy.

    Raises:
        InvalidError: one serves it already.
    """
    if store.file is None:
        return
    try:
        owned.enter_context(sole_owner(store.file))
    except ServedError:
        raise InvalidError(
            f"A process serves {store.file}: changes during the copy would be lost. Stop it first."
        ) from None


class CopyProgress:
    """Prints the progress of a copy."""

    def __init__(self) -> None:
        self._said: Counter[str] = Counter()

    def __call__(self, table: str, rows: int) -> None:
        """Note how many rows of a table are copied."""
        if rows - self._said[table] >= STEP:
            self._said[table] = rows
            print(f"{table}: {rows:,} rows", file=sys.stderr, flush=True)


async def about_key(store: Store, settings: Settings) -> str:
    """What to know of the master key, with which the copy is to be served."""
    given = settings.master_key
    try:
        keys = keys_of(settings.data_dir, given.reveal() if given else None)
    except InvalidError as error:
        return (
            f"{error.message} Serve it with the master key that the service has had, or no secret "
            "can be read."
        )
    uses = await uses_of(store, Vault([key.text for key in keys]), keys)
    opened = sum(one.secrets for one in uses.keys)
    if uses.lost:
        return (
            f"The master key here opens {opened} of {opened + uses.lost} secrets: serve it with "
            "the one that the service has had."
        )
    return f"Serve it with the same master key: that opens all of its {opened} secrets."


def print_compared(compared: Sequence[Compared]) -> None:
    """Print a line for each table."""
    width = max(len(one.name) for one in compared)
    print(f"{'TABLE':<{width}}  {'ROWS':>12}  CHECKSUM")
    for one in compared:
        says = str(one.source)
        if not one.is_same:
            says += f"  DIFFERS: {one.target.rows:,} rows, {one.target} in the target"
        print(f"{one.name:<{width}}  {one.source.rows:>12,}  {says}")
