"""The database as the operator's commands change it, whether or not the service has run before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runhook.domain.people.callers import COMMAND_LINE
from runhook.opening import open_store
from runhook.operations.context import Context
from runhook.operations.people.begin import begin_service
from runhook.operations.service.keep_time import database_clock
from runhook.settings import Settings


@asynccontextmanager
async def administered(settings: Settings) -> AsyncIterator[Context]:
    """Open the database that the settings name, to be changed in the command line's name.

    Account 1 is the one of the first start, also if a command comes before it.
    """
    async with open_store(settings) as store:
        clock = await database_clock(store)
        await begin_service(
            store,
            bootstrap_token=settings.bootstrap_token,
            payload_version=settings.default_payload_version,
            clock=clock,
        )
        yield Context(store, clock, COMMAND_LINE)
