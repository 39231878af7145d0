"""Pictures of every page, light and dark and narrow, from a made-up account: `make screenshots`."""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.chromium import chromium
from examples.demo_service import Demo, demo
from playwright.async_api import Browser, Page

SIZES = {"wide": (1280, 800), "widest": (2560, 1440), "narrow": (320, 640)}
THEMES = ("light", "dark")


async def main(folder: Path) -> None:
    """Seed, serve, and take the pictures."""
    async with demo() as shown, chromium() as browser:
        for theme in THEMES:
            for size in SIZES:
                await Look(browser, shown, folder, theme, size).at_everything()


@dataclass(frozen=True)
class Look:
    """A look at the pages in one theme and size."""

    browser: Browser
    demo: Demo
    folder: Path
    theme: str
    size: str

    async def at_everything(self) -> None:
        """Take a picture of each page, before and after signing in."""
        width, height = SIZES[self.size]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if self.theme == "dark" else "light",
            timezone_id="Europe/Amsterdam",
            locale="en-GB",
        )
        page = await context.new_page()
        await self.at(page, self.demo.strangers)
        await self.demo.sign_in(page)
        await self.at(page, self.demo.paths)
        await context.close()

    async def at(self, page: Page, paths: Mapping[str, str]) -> None:
        """Take a picture of each of some pages."""
        suffix = self.theme if self.size == "wide" else f"{self.theme}-{self.size}"
        for name, path in paths.items():
            await page.goto(self.demo.base + path)
            await page.screenshot(
                path=self.folder / f"{name}-{suffix}.png", full_page=self.size == "narrow"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(arguments.folder))
