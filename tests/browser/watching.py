"""Watches what a browser does beside showing pages: what it asks for, and what it complains of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.support.patience import PATIENCE

EXPECTED = (
    # What Chromium says of each answer of 400 and more, which tests look at themselves.
    "the server responded with a status of",
    # An ended session leads the stream of changes to a page.
    "EventSource's response has a MIME type",
)


@dataclass
class Watcher:
    """Collects complaints of every page of a context, and requests that leave the service."""

    base: str
    complaints: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Listen from now on."""
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        # A violation of the Content-Security-Policy is told as an error, too.
        is_expected = any(words in message.text for words in EXPECTED)
        if message.type in ("error", "warning") and not is_expected:
            self.complaints.append(f"{message.type}: {message.text}")

    def _note(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.base).netloc:
            self.complaints.append(f"asked for {request.url}")


@asynccontextmanager
async def watched(browser: Browser, base: str, **options: Any) -> AsyncIterator[Page]:
    """Open a window on a service; at the end the browser must have complained of nothing.

    Args:
        browser: in which it is a browser of its own, with nothing kept from others.
        base: the service's address.
        options: further arguments for Playwright.
    """
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    watcher = Watcher(base)
    watcher.watch(context)
    yield await context.new_page()
    await context.close()
    assert watcher.complaints == []


@dataclass
class Load:
    """What the first paint of a page costs, with nothing kept from before."""

    bytes: int = 0
    """Of bodies and headers, as they came over the wire."""
    requests: int = 0


PAINTING = ("Document", "Stylesheet", "Script", "Image", "Font")


async def load(page: Page, address: str) -> Load:
    """Go to a page as if for the first time; say what that cost."""
    session = await page.context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    loaded = Load()

    def note_kind(event: dict[str, Any]) -> None:
        # The browser's own pictures, such as a date field's, come from no service.
        if not event["response"]["url"].startswith("data:"):
            kinds[event["requestId"]] = event["type"]

    def note_end(event: dict[str, Any]) -> None:
        if kinds.get(event["requestId"]) in PAINTING:
            loaded.bytes += int(event["encodedDataLength"])
            loaded.requests += 1

    session.on("Network.responseReceived", note_kind)
    session.on("Network.loadingFinished", note_end)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.goto(address)
    await session.detach()
    return loaded
