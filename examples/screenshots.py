"""Pictures of every page, light and dark and narrow, from a made-up account: `make screenshots`."""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from examples.demo_account import EMAIL, PASSWORD, present, seed
from playwright.async_api import Browser, Page, async_playwright

from runhook.clock import SystemClock
from runhook.domain.deliveries import Lease
from runhook.domain.destinations import AddressPolicy
from runhook.operations.authenticate import Authenticator
from runhook.operations.publish import Publisher
from runhook.outbound.sender import Sender
from runhook.server.app import create_app
from runhook.server.listening import Server, address_of, listen
from runhook.server.services import Services
from runhook.storage.schema import migrate
from runhook.storage.store import Store
from runhook.storage.vault import Vault

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"wide": (1280, 800), "narrow": (320, 640)}


def pages(webhook_id: str, delivery_id: str, run_id: int) -> dict[str, str]:
    """Return the pages' names and paths."""
    root = "/accounts/1"
    return {
        "welcome": f"{root}/welcome",
        "webhooks": f"{root}/webhooks",
        "webhook": f"{root}/webhooks/{webhook_id}",
        "webhook-new": f"{root}/webhooks/new",
        "webhook-edit": f"{root}/webhooks/{webhook_id}/edit",
        "webhook-settings": f"{root}/webhooks/{webhook_id}/settings",
        "deliveries": f"{root}/deliveries",
        "delivery-panel": f"{root}/deliveries?state=failed&delivery={delivery_id}",
        "delivery": f"{root}/deliveries/{delivery_id}",
        "runs": f"{root}/runs",
        "run": f"{root}/runs/{run_id}",
        "jobs": f"{root}/jobs",
        "settings": f"{root}/settings",
        "members": f"{root}/settings/members",
        "tokens": f"{root}/settings/tokens",
        "audit-log": f"{root}/settings/audit-log",
        "sessions": "/sessions",
        "accounts": "/accounts",
        "nothing": "/nothing",
    }


async def main(folder: Path) -> None:
    """Seed, serve, and take the pictures."""
    with tempfile.TemporaryDirectory() as data, listen("127.0.0.1", 0) as listening:
        store = Store.open(f"sqlite:///{data}/runhook.db", vault=Vault([Vault.new_key()]))
        await migrate(store)
        webhook_ids = await seed(store, present())
        delivery_id, run_id = await interesting(store)
        server = Server(create_app(services_over(store)), listening)
        serving = asyncio.create_task(server.run_until_stopped())
        base = address_of(listening)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            paths = pages(webhook_ids[3], delivery_id, run_id)
            for theme in ("light", "dark"):
                for size in SIZES:
                    look = Look(browser, base, folder, theme, size)
                    await look.at(paths)
            await browser.close()
        server.stop()
        await serving
        await store.close()


async def interesting(store: Store) -> tuple[str, int]:
    """Return a delivery that failed, and a run that did."""
    async with store.read() as tx:
        deliveries = await tx.connection.exec_driver_sql(
            "SELECT id FROM deliveries WHERE state = 'failed' AND http_status_code IS NOT NULL"
            " ORDER BY attempt_count DESC, id DESC LIMIT 1"
        )
        runs = await tx.connection.exec_driver_sql("SELECT max(id) FROM runs WHERE status = 20")
        return deliveries.scalar_one(), runs.scalar_one()


def services_over(store: Store) -> Services:
    """Return a service that shows and sends nothing."""
    clock = SystemClock()
    policy = AddressPolicy.parse("")
    return Services(
        store=store,
        publisher=Publisher(store, clock),
        authenticator=Authenticator(store, clock),
        policy=policy,
        clock=clock,
        is_delivering=lambda: True,
        sender=Sender(policy, deadline=timedelta(seconds=10)),
        lease=Lease(owner="pictures", duration=timedelta(seconds=30)),
        retention=timedelta(days=30),
    )


@dataclass(frozen=True)
class Look:
    """A look at the pages in one theme and size."""

    browser: Browser
    base: str
    folder: Path
    theme: str
    size: str

    async def at(self, paths: Mapping[str, str]) -> None:
        """Sign in and take a picture of each page; say which is wider than the window."""
        width, height = SIZES[self.size]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if self.theme == "dark" else "light",
            timezone_id="Europe/Amsterdam",
            locale="en-GB",
        )
        page = await context.new_page()
        await page.goto(f"{self.base}/sign-in")
        await self.shoot(page, "sign-in")
        await page.fill("#email", EMAIL)
        await page.fill("#password", PASSWORD)
        await page.click("main button")
        for name, path in paths.items():
            await page.goto(self.base + path)
            await self.shoot(page, name)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                print(f"{name} is {wide} wide in a window of {width}")
        await context.close()

    async def shoot(self, page: Page, name: str) -> None:
        """Take one picture."""
        suffix = self.theme if self.size == "wide" else f"{self.theme}-{self.size}"
        await page.screenshot(
            path=self.folder / f"{name}-{suffix}.png", full_page=self.size == "narrow"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(arguments.folder))
