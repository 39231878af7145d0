"""Opens the database that the settings name: for the service, and for commands beside it.

It loads nothing of the server: an administrator's command would else take as long to start.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from runhook.domain.errors import InvalidError, NotFoundError, UnavailableError
from runhook.domain.secrets.shown_addresses import without_password
from runhook.settings import Settings
from runhook.storage.engine.refusals import AWAY, BROKEN, why_away
from runhook.storage.engine.schema import migrate, revision_of
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import LOCKED, Vault
from runhook.storage.service.copying import begin_here
from runhook.storage.service.data_folder import (
    has_other_tables,
    keep_private,
    make_private,
    prepare_folder,
)
from runhook.telemetry.events import FILE_NARROWED


class NoServiceError(NotFoundError):
    """There is no service in the database that the settings name."""


@asynccontextmanager
async def open_existing(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of a service that is there, with any schema; nothing is made.

    Raises:
        NoServiceError: there is none.
        InvalidError: its address is not one that can be opened, or it is another program's.
    """
    async with opened_store(settings, LOCKED) as store:
        if store.file is not None and not has_content(store.file):
            raise NoServiceError(f"There is no service in {store.file}. {where_to_look()}")
        is_others = store.file is not None and has_other_tables(store.file)
        if is_others or await revision_of(store) is None:
            place = store.file or without_password(settings.address_of_database())
            raise NoServiceError(f"There are no tables of a service in {place}. {where_to_look()}")
        if store.file is not None:
            restrict_to_owner(store.file)
        yield store


@asynccontextmanager
async def open_as_it_is(
    settings: Settings, vault: Vault, *, serves: bool = False
) -> AsyncIterator[Store]:
    """Open the database that the settings name, with any schema, or make it.

    Args:
        settings: name it.
        vault: with its master keys.
        serves: whether for a service, which logs that it is away.

    Raises:
        InvalidError: its address is not one that can be opened, or it is another program's.
        UnavailableError: it cannot be reached.
    """
    if settings.database_url is None:
        prepare_folder(settings.data_dir)
    async with opened_store(settings, vault, serves=serves) as store:
        if store.file is not None:
            if not store.file.parent.is_dir():
                raise InvalidError(
                    f"The database cannot be made: there is no folder {store.file.parent}."
                )
            await make_or_take(store, store.file)
        yield store


async def make_or_take(store: Store, file: Path) -> None:
    """Make a database's file, or let only its owner read the one that is there, if it is ours.

    Raises:
        InvalidError: it is another program's, or no database.
        UnavailableError: it cannot be opened.
    """
    if has_other_tables(file):
        raise InvalidError(
            f"The database {file} is another program's, and nothing in it was changed: name a file "
            "of its own for Runhook."
        )
    make_private(file)
    await revision_of(store)
    restrict_to_owner(file)


async def make_ready(store: Store) -> None:
    """Bring a database to this version's schema, for a service that begins or goes on in it.

    Raises:
        InvalidError: a newer Runhook made it, or a copy into it is not finished.
        UnavailableError: it cannot be reached.
    """
    await migrate(store)
    await begin_here(store)


@asynccontextmanager
async def opened_store(
    settings: Settings, vault: Vault, *, serves: bool = False
) -> AsyncIterator[Store]:
    """Open the database that the settings name, and close it at the block's end.

    Args:
        settings: name it.
        vault: with its master keys.
        serves: whether for a service, which logs that it is away. A command says so as it ends.

    Raises:
        InvalidError: its address is not one that can be opened.
        UnavailableError: it cannot be reached; says which one, and why.
    """
    address = settings.address_of_database()
    store = Store.open(address, vault=vault, pooling=settings.database_pooler)
    store.outage.is_logged = serves
    try:
        yield store
    except InvalidError as error:
        if error.message != BROKEN or not store.has_told(error):
            raise
        raise InvalidError(f"{error.message} ({store.file})") from error
    except UnavailableError as error:
        # Another store may be open within the block.
        if not store.has_told(error):
            raise
        if error.message != AWAY:
            raise UnavailableError(f"{error.message} ({without_password(address)})") from error
        raise UnavailableError(
            f"The database {without_password(address)} is not available: {why_away(error)}."
        ) from error
    finally:
        await store.close()


def restrict_to_owner(file: Path) -> None:
    """Let only its owner read a database's file, and say so if others could."""
    for path in keep_private(file):
        FILE_NARROWED.say(file=str(path))


def has_content(file: Path) -> bool:
    """Whether a file is there, and not empty.

    Raises:
        InvalidError: that cannot be seen.
    """
    try:
        return file.stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InvalidError(f"The database {file} cannot be read: {error.strerror}.") from None


def where_to_look() -> str:
    """What leads a command to the service that is meant."""
    return (
        "Give RUNHOOK_DATA_DIR or RUNHOOK_DATABASE_URL (--data-dir, --database-url) as the service "
        "has it, or go to the folder that it was started in. Nothing was made here; "
        "`runhook serve` or `runhook init` makes a new service."
    )
