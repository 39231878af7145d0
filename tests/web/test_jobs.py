"""The page of a job, where it is said how often it is expected to run."""

from runhook.domain.permissions import Role
from runhook.storage.tables import expectations
from tests.support.accounts import Tenant, rows_of
from tests.support.api import Api
from tests.support.people import session_of_new_user, sign_in_client
from tests.web.pages import Page, browser, led_to, page_at, submit


async def test_who_may_says_on_the_jobs_page_how_often_it_is_expected(api: Api, ada):
    run = await Tenant(api.store, api.clock).start()
    path = f"/accounts/1/jobs/{run.job.id}"

    page = await page_at(ada, path)
    refused = Page(await submit(ada, page, every="now and then"))
    saved = await submit(ada, page, every="6 hours", grace="")
    (row,) = await rows_of(api.store, expectations)
    text = await session_of_new_user(api.store, api.clock, Role.VIEWER)
    viewer = sign_in_client(browser(api), text)
    seen = await page_at(viewer, path)
    ended = await submit(ada, await page_at(ada, path), every="")

    assert page.heading == "nightly"
    assert "not a span of time" in refused.error_of("every")
    assert (led_to(saved), row.every.total_seconds()) == (path, 6 * 3600)
    assert "A run every 6 hours, and 15 minutes later at most." in seen.main.text
    assert led_to(ended) == path
    assert await rows_of(api.store, expectations) == []


async def test_a_job_is_named_before_it_runs(api: Api, ada):
    page = await page_at(ada, "/accounts/1/jobs")

    refused = Page(await submit(ada, page, job_name=" "))
    path = led_to(await submit(ada, page, job_name="weekly", project_name="shop"))

    assert "expected a name" in refused.error_of("job_name").lower()
    shown = await page_at(ada, path)
    assert shown.heading == "weekly"
    assert [one.text for one in shown.main.all("dd")][:3] == ["shop", "default", "none kept"]
    text = await session_of_new_user(api.store, api.clock, Role.VIEWER)
    viewer = sign_in_client(browser(api), text)
    assert (await page_at(viewer, "/accounts/1/jobs")).main.all("form") == []
