"""The scene, on both databases."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from runhook.storage.store import Store
from tests.support.accounts import a_tenant
from tests.support.clock import ManualClock
from tests.support.scene import Scene


@pytest.fixture
async def scene(store: Store, clock: ManualClock) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        yield Scene(await a_tenant(store, clock), stack)
