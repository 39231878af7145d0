"""A real Chromium. Where there is none, what asks for it fails, and says what to install."""

from collections.abc import AsyncIterator

import pytest
from examples.chromium import chromium
from playwright.async_api import Browser


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started
