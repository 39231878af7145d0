"""The scene, on both databases, and on the event loop that the service runs on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack

import pytest
import uvloop

from runhook.storage.engine.store import Store
from tests.support.accounts import a_tenant
from tests.support.clock import ManualClock
from tests.support.scene import Scene


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """How connections fail, and in whose words, is the loop's to say."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def scene(store: Store, clock: ManualClock) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        yield Scene(await a_tenant(store, clock), stack)
