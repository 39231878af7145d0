"""An open log stays true: after each thing done on it, and when the service or the session ends."""

import pytest
import pytest_asyncio
from examples.demo_service import Demo
from playwright.async_api import Page, Request, Route, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
LOG = "/accounts/1/deliveries"


@pytest_asyncio.fixture(loop_scope="session")
async def page(page: Page) -> Page:
    """A window whose clock the test moves."""
    await page.clock.install()
    return page


def asks_for_changes(request: Request) -> bool:
    return "/live?" in request.url


async def open_first_row(page: Page) -> None:
    async with page.expect_request(asks_for_changes):
        await page.locator("[data-arrows] th a").first.click()
    await expect(page.locator("#delivery")).to_be_focused()


async def test_it_goes_on_updating_after_a_delivery_is_opened_and_closed(page: Page, shown: Demo):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(shown.base + LOG)

    await open_first_row(page)
    async with page.expect_request(asks_for_changes):
        await page.keyboard.press("Escape")
    await expect(page.locator("#delivery")).to_have_count(0)

    assert not [one for one in asked if "undefined" in one]


async def test_it_goes_on_updating_after_each_thing_done(page: Page, shown: Demo):
    await page.goto(f"{shown.base}{LOG}")
    rows = page.locator("[data-arrows] tbody tr[data-id]")

    async def choose_a_state() -> None:
        await page.locator("summary", has_text="Any").first.click()
        await page.get_by_label("succeeded").check()
        await expect(page.locator("#state-chosen")).to_have_text("succeeded")

    async def search() -> None:
        await page.locator("#q").fill("nightly")
        await page.locator("#q").press("Enter")
        await expect(page.locator("#chips .chip")).to_have_count(2)

    async def tick_and_clear() -> None:
        await rows.locator(".tick input").first.check()
        await page.get_by_role("button", name="Clear", exact=True).click()
        await page.clock.fast_forward(2_000)
        await page.reload()

    async def go_back() -> None:
        await page.go_back()

    async def hold_and_go_on() -> None:
        switch = page.get_by_role("button", name="Live")
        await switch.click()
        await switch.click()
        await page.clock.fast_forward(2_000)

    async def redeliver() -> None:
        await page.goto(f"{shown.base}{LOG}?state=failed")
        await page.locator("[data-arrows] th a").first.click()
        await page.get_by_role("button", name="Redeliver", exact=True).click()
        await expect(page.locator("main")).to_contain_text("Queued again")

    for act in (choose_a_state, search, tick_and_clear, go_back, hold_and_go_on, redeliver):
        async with page.expect_request(asks_for_changes) as asked:
            await act()
        assert "undefined" not in (await asked.value).url, act.__name__


async def test_a_delivery_opens_beside_its_page_of_the_log(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    await page.get_by_role("link", name="Older").click()
    first = await page.locator("[data-arrows] tbody input").first.get_attribute("value")

    await open_first_row(page)
    await page.get_by_role("link", name="Next", exact=True).click()
    await expect(page.locator("[data-arrows] tr[data-id]").nth(1)).to_have_attribute(
        "aria-current", "true"
    )
    await page.get_by_role("link", name="Close").click()

    await expect(page.locator("#delivery")).to_have_count(0)
    assert await page.locator("[data-arrows] tbody input").first.get_attribute("value") == first


async def test_the_delivery_opened_last_is_shown_though_an_earlier_one_comes_later(
    page: Page, shown: Demo
):
    await page.goto(shown.base + LOG)
    links = page.locator("[data-arrows] th a")
    slow = await links.nth(0).get_attribute("href")
    last = await page.locator("[data-arrows] tbody input").nth(1).get_attribute("value")
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route(f"{shown.base}{slow}".partition("#")[0], hold)

    async with page.expect_request(lambda request: request.url.endswith(f"{slow}".split("#")[0])):
        await links.nth(0).click()
    await links.nth(1).click()
    await expect(page.locator("#delivery")).to_contain_text(str(last))
    async with page.expect_response(lambda answer: str(last) not in answer.url):
        await held[0].continue_()

    await page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    await expect(page.locator("#delivery")).to_contain_text(str(last))


async def test_it_says_that_the_service_is_away_until_it_is_back(page: Page, shown: Demo):
    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, body="away")

    await page.route("**/live?*", refuse)
    await page.goto(shown.base + LOG)
    await page.route(lambda address: address.endswith(LOG), refuse)
    stale = page.locator("#staleness")
    await page.clock.fast_forward(2_000)

    await expect(stale).to_contain_text("Runhook cannot be reached")
    await page.unroute_all()
    await page.clock.fast_forward(10_000)

    await expect(stale).to_have_count(0)


async def test_it_says_that_its_session_has_ended(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    await page.context.clear_cookies()

    async with page.expect_request(asks_for_changes):
        await page.locator("[data-arrows] tbody input").first.check()

    stale = page.locator("#staleness")
    await expect(stale).to_contain_text("Your session has ended")
    await stale.get_by_role("link", name="Sign in again").click()
    await expect(page).to_have_url(f"{shown.base}/sign-in?following={LOG}")
