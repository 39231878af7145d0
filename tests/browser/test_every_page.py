"""What holds for every page, looked at in a real Chromium over the made-up account.

With `-s` it prints the table of pages.
"""

import re
from collections.abc import Iterable

import pytest
from examples.demo_service import MEMBERS, STRANGERS, Demo
from playwright.async_api import Page

from runhook.server.web.runs.dbt_cloud_addresses import PLACES
from tests.api.routes import ROUTES
from tests.browser.inspecting import Seen, inspect
from tests.browser.watching import Load, load

FORMS = {
    "webhook-refused": {},
    "webhook-created": {"name": "Tell the team", "client_url": "https://93.184.215.14/dbt"},
}
"""What is typed into the form of a new webhook, by what the answer is."""
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


def tell(name: str, seen: Seen) -> None:
    """Print a line of the table of pages, and refuse what is wrong."""
    found = "; ".join(seen.problems) or "nothing wrong"
    print(f"{name:<18} {seen.load.bytes:>7} bytes {seen.load.requests:>3} requests  {found}")
    assert seen.problems == []


@pytest.mark.parametrize("name", STRANGERS)
@pytest.mark.asyncio(loop_scope="session")
async def test_a_page_for_anybody_is_light_accessible_narrow_enough_and_keeps_to_itself(
    name: str, strangers_page: Page, shown: Demo
):
    tell(name, await look(strangers_page, shown.base + shown.strangers[name]))


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.asyncio(loop_scope="session")
async def test_a_page_is_light_accessible_narrow_enough_and_keeps_to_itself(
    name: str, page: Page, shown: Demo
):
    tell(name, await look(page, shown.base + shown.paths[name]))


@pytest.mark.parametrize(("name", "typed"), FORMS.items(), ids=FORMS)
@pytest.mark.asyncio(loop_scope="session")
async def test_what_a_form_answers_is_accessible_and_narrow_enough(
    name: str, typed: dict[str, str], page: Page, shown: Demo
):
    await page.goto(shown.base + shown.paths["webhook-new"])
    tell(name, await look_at_answer(page, typed))


def test_every_page_is_looked_at():
    assert pages_without([*STRANGERS.values(), *MEMBERS.values()]) == []


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


def pages_without(paths: Iterable[str]) -> list[str]:
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
            for path in paths
        )
    ]
