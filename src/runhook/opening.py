"""Opens the database that the settings name: for the service, and for commands beside it.

It loads nothing of the server: an administrator's command would else take as long to start.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from runhook.settings import Settings
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import LOCKED, Vault
from runhook.storage.service.data_folder import keep_private, prepare_folder

log = structlog.get_logger()


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the database that the settings name, migrated to this version's schema.

    For commands that need no webhook's secret: no master key is read or made.
    """
    async with open_as_it_is(settings, LOCKED) as store:
        await migrate(store)
        yield store


@asynccontextmanager
async def open_as_it_is(settings: Settings, vault: Vault) -> AsyncIterator[Store]:
    """Open the database that the settings name, with any schema.

    Raises:
        InvalidError: its address is not one that can be opened.
    """
    if settings.database_url is None:
        prepare_folder(settings.data_dir)
    store = Store.open(settings.address_of_database(), vault=vault)
    if store.file is not None:
        for path in keep_private(store.file):
            log.warning("others could read this file; now only its owner can", file=str(path))
    try:
        yield store
    finally:
        await store.close()
