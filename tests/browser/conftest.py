"""A real Chromium, and the made-up account on its pages.

Where there is no Chromium, what asks for it fails, and says what to install.

To start it and to make the account costs more than looking at a page, so each worker does so once.
Tests share an event loop with it: they are marked with `pytest.mark.asyncio(loop_scope="session")`.
"""

from collections.abc import AsyncIterator

import pytest_asyncio
from examples.chromium import chromium
from examples.demo_service import Demo, demo
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser.watching import watched
from tests.support.patience import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shown() -> AsyncIterator[Demo]:
    """The account. A test may add to it, and takes nothing away."""
    async with demo() as served:
        yield served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signed_in(browser: Browser, shown: Demo) -> StorageState:
    """What a browser keeps of its session, once its user has signed in."""
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE * 1000)
    await shown.sign_in(await context.new_page())
    kept = await context.storage_state()
    await context.close()
    return kept


@pytest_asyncio.fixture(loop_scope="session")
async def strangers_page(browser: Browser, shown: Demo) -> AsyncIterator[Page]:
    """A window of a browser with nothing in it."""
    async with watched(browser, shown.base) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, shown: Demo, signed_in: StorageState) -> AsyncIterator[Page]:
    """A window of the browser of a user who has signed in."""
    async with watched(browser, shown.base, storage_state=signed_in) as page:
        yield page
