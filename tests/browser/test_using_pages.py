"""What pages do under people's hands: logs, menus, forms that are sent twice or too late."""

import re

import pytest
from examples.demo_service import EMAIL, PASSWORD, Demo
from playwright.async_api import Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")
LOG = "/accounts/1/deliveries"
NEW = "/accounts/1/webhooks/new"
ROWS = "[data-arrows] tbody tr[data-id]"


async def test_a_row_opens_wherever_it_is_clicked_and_escape_returns_to_it(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    row = page.locator(ROWS).nth(12)
    await row.scroll_into_view_if_needed()
    before = await page.evaluate("scrollY")

    await row.click(position={"x": 600, "y": 8})

    await expect(page.locator("#delivery")).to_be_focused()
    assert await page.evaluate("scrollY") == before
    await page.keyboard.press("Escape")
    await expect(page.locator("#delivery")).to_have_count(0)
    await expect(page.locator(ROWS).nth(12).locator("th a")).to_be_focused()
    await page.go_back()
    await expect(page.locator("#delivery")).to_have_count(1)


async def test_filters_apply_as_they_are_chosen_and_are_taken_back(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    await page.locator("summary", has_text="Any").first.click()
    await page.get_by_label("skipped").check()

    await expect(page).to_have_url(re.compile(r"state=skipped"))
    chips = page.locator("#chips .chip")
    await expect(chips).to_have_text(re.compile("State: skipped"))
    await expect(page.locator("#state-chosen")).to_have_text("skipped")
    await page.locator("#q").fill("no such job")
    await page.locator("#q").press("Enter")
    await expect(page.locator(".empty")).to_contain_text("Nothing matches")
    await expect(page.get_by_role("link", name="Redeliver all matching…")).to_have_count(0)

    await chips.first.click()
    await page.locator("#chips .chip").first.click()
    await expect(page).to_have_url(shown.base + LOG)
    await expect(page.locator("#state-1")).not_to_be_checked()


async def test_selected_rows_bring_a_bar_that_counts_them(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    bar = page.locator("#tick")
    await expect(bar).to_be_hidden()
    boxes = page.locator(f"{ROWS} .tick input")

    await boxes.nth(0).check()
    await boxes.nth(2).check()

    await expect(bar.locator("output")).to_have_text("2 selected")
    await bar.get_by_role("button", name="Clear").click()
    await expect(bar).to_be_hidden()
    await expect(boxes.nth(0)).not_to_be_checked()


async def test_an_open_page_can_be_held_still(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    switch = page.get_by_role("button", name="Live")
    await expect(switch).to_have_attribute("aria-pressed", "true")

    await switch.click()

    await expect(switch).to_have_attribute("aria-pressed", "false")
    await expect(page.locator("#announced")).to_have_text("Updates are paused")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await expect(switch).to_have_attribute("aria-pressed", "false")
    assert not [one for one in asked if "/live?" in one]
    async with page.expect_request(lambda request: request.url.endswith(LOG)):
        await switch.click()


async def test_escape_closes_a_menu(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    menu = page.locator("details.user")
    await menu.locator("summary").click()
    await page.keyboard.press("Tab")

    await page.keyboard.press("Escape")

    await expect(menu).not_to_have_attribute("open", "")
    await expect(menu.locator("summary")).to_be_focused()


async def test_a_refused_form_has_the_focus_on_its_first_problem(page: Page, shown: Demo):
    await page.goto(shown.base + NEW)
    await page.fill("#name", "No endpoint")
    await page.locator("summary", has_text="Advanced").click()
    await page.get_by_label("Timeout").fill("soon")

    await page.get_by_role("button", name="Create webhook").click()

    alert = page.get_by_role("alert")
    await expect(alert).to_have_text("3 problems: Endpoint, Events, Timeout")
    await expect(page.locator("#client_url")).to_be_focused()
    await alert.get_by_role("link", name="Timeout").click()
    await expect(page.get_by_label("Timeout")).to_be_in_viewport()


async def test_a_sample_follows_what_is_typed(page: Page, shown: Demo):
    await page.goto(shown.base + NEW)
    sample = page.locator("#sample")

    await page.fill("#name", "Named while it is typed")
    await page.get_by_role("checkbox", name="Run canceled").check()

    await expect(sample).to_contain_text("Named while it is typed")
    await expect(sample).to_contain_text("run_canceled_at")
    await expect(page.get_by_role("checkbox", name="Run canceled")).to_be_focused()


async def test_jobs_are_found_by_their_names(page: Page, shown: Demo):
    await page.goto(f"{shown.base}{NEW}")
    await page.fill("#name", "Narrowed")
    jobs = page.locator("#jobs")
    await jobs.get_by_label("full refresh").check()
    await page.get_by_label("Find jobs").fill("finance")

    await expect(jobs.locator(".box")).to_have_count(3)

    await expect(jobs.get_by_label("full refresh")).to_be_checked()
    await expect(page.get_by_label("Find jobs")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#name")).to_have_value("Narrowed")


async def type_webhook(page: Page, name: str) -> None:
    await page.fill("#name", name)
    await page.fill("#client_url", "https://93.184.215.14/dbt")
    await page.get_by_role("checkbox", name="Run canceled").check()


async def test_a_form_sent_twice_is_sent_once(page: Page, shown: Demo):
    await page.goto(shown.base + NEW)
    await type_webhook(page, "Pressed twice")

    await page.get_by_role("button", name="Create webhook").dblclick()

    await expect(page.locator("#secret")).to_contain_text("whsec_")
    await page.reload()
    await expect(page.locator("#secret")).to_have_count(0)
    await page.goto(f"{shown.base}/accounts/1/webhooks")
    await expect(page.get_by_role("link", name="Pressed twice")).to_have_count(1)


async def test_a_form_comes_back_after_its_session_has_ended(page: Page, shown: Demo):
    await page.goto(shown.base + NEW)
    await type_webhook(page, "Typed for an hour")
    await page.context.clear_cookies()

    await page.get_by_role("button", name="Create webhook").click()
    await page.fill("#email", EMAIL)
    await page.fill("#password", PASSWORD)
    await page.click("main button")

    await expect(page.locator("main .notice").first).to_contain_text("is here again")
    await expect(page.locator("#name")).to_have_value("Typed for an hour")
    await expect(page.get_by_role("checkbox", name="Run canceled")).to_be_checked()
    await expect(page.locator("#sample")).to_contain_text("Typed for an hour")
    await page.get_by_role("button", name="Create webhook").click()
    await expect(page.locator("#secret")).to_contain_text("whsec_")


async def test_two_tabs_do_not_undo_each_other_silently(page: Page, shown: Demo):
    edit = shown.base + shown.paths["webhook-edit"]
    other = await page.context.new_page()
    for tab in (page, other):
        await tab.goto(edit)
    await page.fill("#description", "Of the first tab")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("main .done")).to_have_text("Webhook saved.")

    await other.fill("#name", "Of the second tab")
    await other.get_by_role("button", name="Save", exact=True).click()

    alert = other.get_by_text("Nothing is saved yet")
    await expect(alert).to_be_focused()
    await expect(other.locator("#name")).to_have_value("Of the second tab")
    await page.reload()
    await expect(page.locator("h1")).not_to_have_text("Of the second tab")
    await other.get_by_role("button", name="Save", exact=True).click()
    await expect(other.locator("h1")).to_have_text("Of the second tab")


async def test_states_can_be_told_without_colours(page: Page, shown: Demo):
    await page.emulate_media(forced_colors="active")
    await page.goto(shown.base + LOG)
    mark = "(one) => getComputedStyle(one, '::before').content"
    states = page.locator(f"{ROWS} .state")

    marks = {(await one.inner_text(), await one.evaluate(mark)) for one in await states.all()}

    assert len({state for state, _ in marks}) == len({shape for _, shape in marks}) == len(marks)


async def test_headings_of_days_are_whole_at_any_width(page: Page, shown: Demo):
    await page.goto(shown.base + LOG)
    heading = page.locator("tr.day td").first

    for width in (320, 768, 1280, 2560):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await heading.evaluate("one => one.scrollWidth <= one.clientWidth"), width


async def test_charts_say_their_values_where_the_focus_is(page: Page, shown: Demo):
    for name, chart in (("overview", "#overview .chart-wide"), ("webhook", ".charts .chart-wide")):
        await page.goto(shown.base + shown.paths[name])
        for one in await page.locator(chart).all():
            hour = one.locator(".hour").last
            await hour.focus()
            await expect(hour.locator(".tip")).to_be_visible()
            await expect(hour.locator(".tip")).to_contain_text(" UTC")


async def test_a_delivery_says_what_its_attempts_spent_their_time_on(page: Page, shown: Demo):
    await page.goto(shown.base + shown.paths["delivery"])

    bars = await page.locator(".timeline .phases").all()
    said = await page.locator(".timeline .legend").all_inner_texts()

    assert len(bars) == len(said) > 1
    for bar, words in zip(bars, said, strict=True):
        boxes = [await one.bounding_box() for one in await bar.locator("rect").all()]
        assert all(box and box["width"] > 0 for box in boxes)
        assert len(boxes) == len(words.split("\n"))


async def test_a_large_window_has_things_side_by_side(page: Page, shown: Demo):
    await page.set_viewport_size({"width": 2560, "height": 1440})
    for name, places in (
        ("overview", ".beside-jobs > div"),
        ("run", ".nodes-and-steps > div"),
        ("job", ".calendar-and-runs > div"),
        ("delivery", ".whole .two > *"),
    ):
        await page.goto(shown.base + shown.paths[name])
        left, right = [await one.bounding_box() for one in await page.locator(places).all()]
        assert left
        assert right
        assert left["y"] == right["y"]
        assert right["x"] + right["width"] > 2_300


async def test_what_is_printed_is_whole(page: Page, shown: Demo):
    await page.emulate_media(media="print")
    await page.goto(shown.base + LOG)

    await expect(page.locator("header.top")).to_be_hidden()
    mark = "(one) => getComputedStyle(one, '::before').content"
    assert "✓" in str([await one.evaluate(mark) for one in await page.locator(".state").all()])
    for cell in await page.locator(f"{ROWS} >> nth=0 >> td").all():
        assert await cell.evaluate("one => one.scrollWidth <= one.clientWidth")


async def test_a_copy_is_announced(page: Page, shown: Demo):
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(shown.base + shown.paths["delivery"])

    await page.get_by_role("button", name="Copy").first.click()

    await expect(page.locator("#announced")).to_have_text("Copied")


async def test_the_current_section_has_a_border_where_colours_are_the_systems(
    page: Page, shown: Demo
):
    await page.emulate_media(forced_colors="active")
    await page.goto(shown.base + LOG)
    line = "(one) => getComputedStyle(one).borderBottomColor"

    current = page.locator(".sections [aria-current]")
    other = page.locator(".sections a:not([aria-current])").first

    assert await current.evaluate(line) != await other.evaluate(line)


async def test_pages_fit_at_twice_their_size(page: Page, shown: Demo):
    # A window of 1,280 pixels has room for 640 then.
    await page.set_viewport_size({"width": 640, "height": 400})
    for name in ("overview", "jobs", "job", "run", "delivery", "webhook", "redelivery"):
        await page.goto(shown.base + shown.paths[name])
        assert await page.evaluate("document.documentElement.scrollWidth") <= 640, name


async def test_a_skip_link_leads_over_the_filters_to_the_rows_which_stay_as_they_are(
    page: Page, shown: Demo
):
    await page.goto(shown.base + LOG)
    link = page.get_by_role("link", name="Skip to the deliveries")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    await link.focus()
    await page.keyboard.press("Enter")

    await expect(page.locator("#rows")).to_be_focused()
    # Fetched anew they would lose the focus.
    await page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    assert [one for one in asked if one.endswith(LOG)] == []
    await page.go_back()
    await expect(page).to_have_url(shown.base + LOG)
    assert [one for one in asked if one.endswith(LOG)] == []
