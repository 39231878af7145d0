"""The pages over a database of either kind, and browsers on them."""

import httpx
import pytest

from runhook.domain.people.permissions import Role
from runhook.operations.people.begin import begin_service
from runhook.storage.engine.store import Store
from tests.support.api import Api, shared_app
from tests.support.clock import ManualClock
from tests.support.people import session_of_new_user, sign_in_client
from tests.web.pages import browser

ADA = "ada@example.com"


@pytest.fixture
async def api(store: Store, clock: ManualClock) -> Api:
    await begin_service(store, bootstrap_token=None, clock=clock)
    return Api(store=store, clock=clock, app=shared_app())


@pytest.fixture
def stranger(api: Api) -> httpx.AsyncClient:
    """The browser of somebody who is not signed in."""
    return browser(api)


@pytest.fixture
async def ada(api: Api) -> httpx.AsyncClient:
    """The browser of an owner of account 1, signed in."""
    text = await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)
    return sign_in_client(browser(api), text)
