"""What holds for every page, looked at in a real Chromium over the made-up account.

All of it is one test, because starting a browser and a service costs more than looking at a page.
With `-s` it prints the table of pages.
"""

import re

from examples.demo_service import demo
from playwright.async_api import Browser, Page

from runhook.server.web.runs.dbt_cloud_addresses import PLACES
from tests.api.routes import ROUTES
from tests.browser.inspecting import Seen, inspect
from tests.browser.watching import Load, Watcher, load

FORMS = {
    "webhook-refused": {},
    "webhook-created": {"name": "Tell the team", "client_url": "https://93.184.215.14/dbt"},
}
"""What is typed into the form of a new webhook, one after the other, by what the answer is."""
NO_PAGES = {
    "/",  # leads on
    "/accounts/{account_id:int}/live",
    "/static/{file_path:path}",
    "/favicon.ico",
    "/accounts/{account_id:int}/webhooks/{webhook_id:str}/secret",  # shown once, after a form
    "/healthz",
    "/readyz",
    # The way to a provider and back, where there is one.
    "/sign-in/provider",
    "/sign-in/provider/callback",
    # dbt Cloud's addresses of runs and jobs, which lead on.
    *(
        f"{place}/{{account_id:int}}/projects/{{project_id:int}}/{page}"
        for place in PLACES
        for page in ("runs/{run_id:int}", "jobs/{job_id:int}")
    ),
}


async def test_every_page_is_light_accessible_narrow_enough_and_keeps_to_itself(browser: Browser):
    seen: dict[str, Seen] = {}
    async with demo() as shown:
        context = await browser.new_context(color_scheme="light")
        watcher = Watcher(shown.base)
        watcher.watch(context)
        page = await context.new_page()
        for name, path in shown.strangers.items():
            seen[name] = await look(page, shown.base + path)
        await shown.sign_in(page)
        for name, path in shown.paths.items():
            seen[name] = await look(page, shown.base + path)
        await page.goto(shown.base + shown.paths["webhook-new"])
        for name, typed in FORMS.items():
            seen[name] = await look_at_answer(page, typed)
        await context.close()

    print(*table(seen), sep="\n")
    assert {name: one.problems for name, one in seen.items() if one.problems} == {}
    assert watcher.complaints == []
    assert pages_without({**shown.strangers, **shown.paths}) == []


async def look(page: Page, address: str) -> Seen:
    """Look at a page: its weight, both its themes, and how narrow it can be."""
    await page.set_viewport_size({"width": 1280, "height": 800})
    seen = Seen(await load(page, address))
    await inspect(page, seen)
    return seen


async def look_at_answer(page: Page, typed: dict[str, str]) -> Seen:
    """Fill in the form of the page that is shown, send it, and look at what comes."""
    await page.set_viewport_size({"width": 1280, "height": 800})
    for name, text in typed.items():
        await page.fill(f"#{name}", text)
    if typed:
        await page.get_by_role("checkbox", name="Run canceled").check()
    seen = Seen(Load())
    async with page.expect_navigation():
        await page.get_by_role("button", name="Create webhook").click()
    await inspect(page, seen)
    return seen


def table(seen: dict[str, Seen]) -> list[str]:
    """The lines that tell of every page."""
    return [
        f"{name:<18} {one.load.bytes:>7} bytes {one.load.requests:>3} requests"
        f"  {'; '.join(one.problems) or 'nothing wrong'}"
        for name, one in seen.items()
    ]


def pages_without(paths: dict[str, str]) -> list[str]:
    """The pages of the service that none of these paths leads to."""
    templates = [
        route.path
        for route in ROUTES
        if route.method == "GET" and not route.is_api and route.path not in NO_PAGES
    ]
    return [
        template
        for template in templates
        if not any(
            re.fullmatch(re.sub(r"\{\w+:\w+\}", "[^/]+", template), path.partition("?")[0])
            for path in paths.values()
        )
    ]
