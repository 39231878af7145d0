"""The API over a database of either kind, and the administrator of its first account."""

from collections.abc import AsyncIterator

import httpx
import pytest

from runhook.operations.people.begin import begin_service
from runhook.storage.engine.store import Store
from tests.support.api import Api, shared_app
from tests.support.clock import ManualClock


@pytest.fixture
async def api(store: Store, clock: ManualClock) -> AsyncIterator[Api]:
    await begin_service(store, bootstrap_token=None, clock=clock)
    api = Api(store=store, clock=clock, app=shared_app())
    async with api.sender:
        yield api


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    return api.client(f"Token {await api.token()}")
