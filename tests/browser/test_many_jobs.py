"""An account of a thousand jobs: its pages stay light, and any of its jobs is found."""

import pytest
from examples.demo_service import demo
from playwright.async_api import Browser, expect

from tests.browser.inspecting import LARGEST
from tests.browser.watching import load, watched

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGES = (
    *("overview", "webhooks", "webhook", "webhook-new", "webhook-edit", "deliveries"),
    *("delivery-panel", "runs", "run", "jobs", "job", "projects"),
)


async def test_an_account_of_a_thousand_jobs(browser: Browser):
    async with demo(more_jobs=1_000) as shown, watched(browser, shown.base) as page:
        await shown.sign_in(page)
        loads = {name: await load(page, shown.base + shown.paths[name]) for name in PAGES}

        await page.goto(shown.base + shown.paths["webhook-new"])
        await page.get_by_label("Find jobs").fill("table 0777")
        jobs = page.locator("#jobs")
        await expect(jobs.locator(".box")).to_have_text(["load of table 0777 warehouse / region 0"])
        await jobs.get_by_label("load of table 0777").check()
        await page.get_by_label("Find jobs").fill("region 3")
        await expect(jobs.locator(".box").nth(1)).to_contain_text("region 3")
        await expect(jobs.get_by_label("load of table 0777")).to_be_checked()

    print(*(f"{name:<16} {one.bytes:>7} bytes" for name, one in loads.items()), sep="\n")
    assert {name: one.bytes for name, one in loads.items() if one.bytes >= LARGEST} == {}
