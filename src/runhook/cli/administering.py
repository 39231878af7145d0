"""The database of a service that is there, for the operator's commands beside it."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.client import HTTPException
from urllib.request import urlopen

from runhook.client.settings import DEFAULT_URL, variable
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.secrets.shown_addresses import without_password
from runhook.opening import NoServiceError, make_ready, open_existing
from runhook.operations.context import Context
from runhook.operations.people.begin import begin_service
from runhook.operations.service.keep_time import database_clock
from runhook.settings import Settings
from runhook.storage.engine.store import Store

ASKING_SECONDS = 2.0
"""Time limit for asking a service whether it is there."""


@asynccontextmanager
async def administered(settings: Settings) -> AsyncIterator[Context]:
    """Open the database that the settings name, to be changed in the command line's name.

    Account 1 is the one of the first start, also if a command comes before it.

    Raises:
        NoServiceError: there is no service in it.
    """
    async with migrated(settings) as store:
        clock = await database_clock(store)
        await begin_service(
            store,
            bootstrap_token=settings.bootstrap_token,
            payload_version=settings.default_payload_version,
            clock=clock,
        )
        yield Context(store, clock, COMMAND_LINE)


@asynccontextmanager
async def migrated(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of a service that is there, with this version's schema.

    Raises:
        NoServiceError: there is no service in it; says if one can be reached.
    """
    async with existing(settings) as store:
        await make_ready(store)
        yield store


@asynccontextmanager
async def existing(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of a service that is there, with any schema.

    Raises:
        NoServiceError: there is no service in it; says if one can be reached.
    """
    try:
        async with open_existing(settings) as store:
            yield store
    except NoServiceError as error:
        url = variable(os.environ, "RUNHOOK_URL") or DEFAULT_URL
        if not is_service_at(url):
            raise
        raise NoServiceError(
            f"{error.message} A service answers at {without_password(url)} (RUNHOOK_URL); "
            "its settings say where its data is."
        ) from None


def is_service_at(url: str) -> bool:
    """Whether a service of ours answers at an address."""
    if not url.startswith(("http://", "https://")):
        return False
    try:
        address = f"{url.rstrip('/')}/healthz"
        with urlopen(address, timeout=ASKING_SECONDS) as answer:  # noqa: S310 - http or https
            said = json.loads(answer.read(1024))
    except (OSError, HTTPException, ValueError):
        return False
    return isinstance(said, Mapping) and said.get("status") == "ok"
