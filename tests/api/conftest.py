"""The API over a database of either kind, and the administrator of its first account."""

import httpx
import pytest

from runhook.operations.begin import begin
from runhook.storage.store import Store
from tests.support.api import Api
from tests.support.clock import ManualClock


@pytest.fixture
async def api(store: Store, clock: ManualClock) -> Api:
    await begin(store, bootstrap_token=None, clock=clock)
    return Api(store=store, clock=clock)


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    return api.client(f"Token {await api.token()}")
