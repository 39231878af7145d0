"""A newcomer's way through the pages, in a real Chromium, over the real service and endpoint.

Each way is one test, for what it costs to start a browser and a service. Without a script the same
steps are taken, and pages asked for again where they would have changed by themselves.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

import runhook as client
from tests.browser.watching import watched
from tests.support.patience import PATIENCE
from tests.support.people import PASSWORD
from tests.support.program import Service, runhook
from tests.support.receiver import Receiver, status

pytestmark = pytest.mark.asyncio(loop_scope="session")
HREFS = "all => all.map((one) => one.href).filter((one) => one.includes('/accounts/1/'))"


@dataclass
class Walk:
    """Somebody in a browser, on the pages of a service."""

    page: Page
    base: str
    has_script: bool
    webhook: str = ""
    """The address of the webhook's page."""
    secrets: list[str] = field(default_factory=list)
    """Of the webhook, as each was shown its once."""

    async def go(self, path: str) -> None:
        """Go to a page of the account."""
        await self.page.goto(f"{self.base}/accounts/1{path}")

    async def sign_up(self, link: str, email: str) -> None:
        """Accept an invitation."""
        await self.page.goto(link)
        for name, text in (("email", email), ("name", "Ada"), ("password", PASSWORD)):
            await self.page.fill(f"#{name}", text)
        await self.press("Join")

    async def press(self, name: str) -> None:
        """Press a button."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def follow(self, name: str) -> None:
        """Follow a link."""
        await self.page.get_by_role("link", name=name, exact=True).first.click()

    async def open_tab(self, name: str) -> None:
        """Follow a link in the webhook's own navigation."""
        tabs = self.page.get_by_role("navigation", name="Webhook", exact=True)
        await tabs.get_by_role("link", name=name, exact=True).click()

    async def sees(self, locator: Locator, text: str) -> None:
        """Wait until something says this, which a page without a script is asked for again."""
        if not self.has_script:
            async with asyncio.timeout(PATIENCE):
                while not any(text in one for one in await locator.all_text_contents()):
                    await self.page.reload()
        await expect(locator.first).to_contain_text(text)

    async def create_webhook(self, url: str) -> None:
        """Create a webhook, and keep its secret."""
        await self.go("/webhooks/new")
        await self.page.fill("#name", "Tell the team")
        await self.page.fill("#client_url", url)
        if self.has_script:
            await self.page.locator("#client_url").blur()
            await expect(self.page.locator(".state-line")).to_have_text("This address can be used.")
        for event in ("Run started", "Run completed (any status)"):
            await self.page.get_by_role("checkbox", name=event).check()
        await self.press("Create webhook")
        await self.keep_secret()
        await self.follow("To the webhook")
        self.webhook = self.page.url

    async def keep_secret(self) -> None:
        self.secrets.append(await self.page.locator("#secret").inner_text())

    async def create_token(self) -> str:
        """Create the token of a machine with dbt."""
        await self.go("/settings/tokens")
        await self.page.fill("#name", "scheduler")
        await self.press("Create token")
        return await self.page.locator("pre").inner_text()

    async def invite(self) -> str:
        """A link for another member of the account, who may do all but make owners."""
        await self.go("/settings/members")
        await self.page.select_option("#role", "admin")
        await self.press("Create invite link")
        return await self.page.locator("pre").inner_text()

    def rows(self) -> Locator:
        """The rows of the list that is shown."""
        return self.page.locator("#rows tbody tr")


@dataclass
class Scheduler:
    """A machine that runs something under `runhook run`."""

    folder: Path
    url: str
    token: str

    async def run(self) -> None:
        """Run what succeeds, to its end."""
        done = await runhook(
            *("run", "--job", "nightly", "--", "true"),
            folder=self.folder,
            environment={
                "RUNHOOK_URL": self.url,
                "RUNHOOK_TOKEN": self.token,
                "HOME": str(self.folder),
                "PATH": "/usr/bin:/bin",
            },
        )
        assert (done.code, done.err) == (0, "")


@asynccontextmanager
async def visit(browser: Browser, service: Service, *, has_script: bool) -> AsyncIterator[Walk]:
    """Open a browser with nothing in it; at the end it must have complained of nothing."""
    async with watched(browser, service.url, java_script_enabled=has_script) as page:
        yield Walk(page, service.url, has_script)


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    settings = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_RETRY_SCHEDULE": "",
    }
    if database_url.startswith("postgresql"):
        settings["RUNHOOK_DATABASE_URL"] = database_url
    return settings


@pytest.mark.parametrize(
    ("database_url", "scripts"),
    [("sqlite", (True, False)), ("postgresql", (True,))],
    ids=["sqlite", "postgresql"],
    indirect=["database_url"],
)
async def test_from_the_first_link_to_redelivering_what_an_outage_left(
    browser: Browser, tmp_path: Path, environment: dict[str, str], scripts: tuple[bool, ...]
):
    async with Service(folder=tmp_path, environment=environment) as service:
        link = (await service.says("/invitations/")).strip()
        for has_script in scripts:
            async with (
                Receiver(status(500), status(204)) as receiver,
                visit(browser, service, has_script=has_script) as walk,
            ):
                await walk.sign_up(link, f"{'ada' if has_script else 'grace'}@example.com")
                if has_script:
                    title = walk.page.locator("h1")
                    await expect(title).to_have_text("Three steps to a first payload")
                await walk.create_webhook(receiver.url)
                scheduler = Scheduler(tmp_path, service.url, await walk.create_token())

                await a_failed_delivery_says_why_and_is_redelivered(walk, scheduler, receiver)
                await a_rotated_secret_signs_beside_the_old_one(walk, scheduler, receiver)
                await what_was_skipped_is_redelivered_at_once(walk, scheduler, receiver)
                link = await walk.invite()
                await walk.page.goto(walk.webhook)
                ours = [walk.webhook, *await walk.page.locator("main a").evaluate_all(HREFS)]
        made = await runhook(
            "accounts", "create", "Others", folder=tmp_path, environment=environment
        )
        theirs = f"{service.url}/invitations/{made.out.strip().rpartition('/')[2]}"
        async with visit(browser, service, has_script=False) as stranger:
            await stranger.sign_up(theirs, "edsger@example.com")
            await strangers_find_nothing(stranger, ours)


async def a_failed_delivery_says_why_and_is_redelivered(
    walk: Walk, scheduler: Scheduler, receiver: Receiver
) -> None:
    await walk.page.goto(walk.webhook)
    await scheduler.run()
    await walk.sees(walk.rows().filter(has_text="started"), "failed")
    await walk.sees(walk.rows().filter(has_text="completed"), "succeeded")
    started, completed = receiver.received
    for one in (started, completed):
        assert client.verify(one.body, one.headers, walk.secrets[0])["account_id"] == 1

    await walk.rows().filter(has_text="failed").get_by_role("link", name="started").click()
    panel = walk.page.locator("#delivery")
    await expect(panel.locator(".notice")).to_contain_text("The endpoint answered 500")
    if walk.has_script:
        await keys_lead_from_delivery_to_delivery(walk, panel)
    await walk.press("Redeliver")
    await walk.sees(walk.page.locator("#delivery .state"), "succeeded")
    assert receiver.received[2].body == started.body
    assert receiver.received[2].headers["webhook-id"] == started.headers["webhook-id"]


async def keys_lead_from_delivery_to_delivery(walk: Walk, panel: Locator) -> None:
    await expect(panel).to_be_focused()
    await walk.page.keyboard.press("ArrowLeft")
    await expect(panel.locator(".timeline")).to_contain_text("job.run.completed")
    await walk.page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    links = walk.rows().locator("th a")
    await expect(links.first).to_be_focused()
    await walk.page.keyboard.press("ArrowDown")
    await expect(links.nth(1)).to_be_focused()
    await walk.page.keyboard.press("Enter")
    await expect(panel.locator(".timeline")).to_contain_text("job.run.started")


async def a_rotated_secret_signs_beside_the_old_one(
    walk: Walk, scheduler: Scheduler, receiver: Receiver
) -> None:
    await walk.page.goto(walk.webhook)
    await walk.open_tab("Settings")
    await walk.press("Rotate secret")
    await walk.keep_secret()
    await scheduler.run()
    *_, last = await receiver.wait_for(5)
    for secret in walk.secrets:
        assert client.verify(last.body, {**last.headers, "authorization": ""}, secret)


async def what_was_skipped_is_redelivered_at_once(
    walk: Walk, scheduler: Scheduler, receiver: Receiver
) -> None:
    await walk.page.goto(walk.webhook)
    await walk.open_tab("Settings")
    await walk.press("Deactivate")
    await expect(walk.page.locator(".badge")).to_have_text("Inactive")
    await scheduler.run()
    await walk.page.goto(f"{walk.webhook}?state=skipped")
    await walk.sees(walk.rows().filter(has_text="completed"), "skipped")
    await walk.open_tab("Settings")
    await walk.press("Reactivate")
    await expect(walk.page.locator(".badge")).to_have_text("Active")

    await walk.page.goto(f"{walk.webhook}?state=skipped")
    await walk.follow("Redeliver all matching…")
    await walk.press("Redeliver 2 deliveries")
    await walk.sees(walk.page.locator("p.verdict"), "2 of 2 arrived")
    await receiver.wait_for(7)
    await walk.page.goto(f"{walk.webhook}?state=skipped")
    await expect(walk.page.locator(".empty")).to_contain_text("Nothing matches")


async def strangers_find_nothing(walk: Walk, addresses: list[str]) -> None:
    # Another fragment of the page that is shown asks the service nothing.
    for address in {one.partition("#")[0] for one in addresses}:
        answer = await walk.page.goto(address)
        assert answer is not None
        assert answer.status == 404, address
        await expect(walk.page.locator("h1")).to_have_text("Not found, or you have no access")
