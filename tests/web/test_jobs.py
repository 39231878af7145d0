"""The page of a job, where it is said how often it is expected to run."""

from datetime import timedelta

from runhook.domain.people.permissions import Role
from runhook.domain.runs.run import RunStatus
from runhook.server.web.page.showing import NOTHING
from runhook.storage.engine.tables import expectations, jobs
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
    assert "Expected every 6 hours, with a grace period of 15 minutes." in seen.main.text
    assert led_to(ended) == path
    assert await rows_of(api.store, expectations) == []


async def test_jobs_of_one_name_are_told_apart_wherever_they_are_named(api: Api, ada):
    tenant = Tenant(api.store, api.clock)
    webhook = await tenant.webhook(event_types=["job.run.completed"])
    for place in ("staging", "production"):
        run = await tenant.start(place, project_name="shop", environment_name=place)
        await tenant.finish(run)
        page = await page_at(ada, f"/accounts/1/jobs/{run.job.id}")
        await submit(ada, page, every="1 day", grace="")

    log = await page_at(ada, "/accounts/1/settings/audit-log?action=job.expectation_changed")
    of_run = {one.run_id: one.id for one in await tenant.deliveries(webhook)}
    opened = await page_at(ada, f"/accounts/1/deliveries/{of_run[run.id]}")
    asked = await page_at(ada, f"/accounts/1/redeliveries/new?time=24h&job={run.job.id}")
    form = await page_at(ada, "/accounts/1/webhooks/new")

    subjects = [one.one("bdi").text for one in log.main.one("tbody").all("tr")]
    assert subjects == ["nightly (shop / production)", "nightly (shop / staging)"]
    happened = opened.main.one(class_="timeline").all("li")[0]
    assert f"in nightly #{run.id} shop / production" in happened.text
    assert "Job nightly (shop / production)" in asked.main.one(class_="facts").text
    assert f"Your latest run, #{run.id} of nightly (shop / production)" in form.main.text


async def test_a_job_whose_name_cannot_be_seen_can_be_opened(api: Api, ada):
    run = await Tenant(api.store, api.clock).start(job_name=" \u200b", project_name=" ")

    (row,) = (await page_at(ada, "/accounts/1/jobs")).main.one("tbody").all("tr")
    page = await page_at(ada, f"/accounts/1/runs/{run.id}")

    assert row.one("th").text == f"{NOTHING} {NOTHING} / production"
    assert page.main.one(class_="trail").all("a")[1].text == NOTHING


async def test_a_job_is_deleted_by_its_name_once_nothing_refers_to_it(api: Api, ada):
    page = await page_at(ada, "/accounts/1/jobs")
    path = led_to(await submit(ada, page, job_name="weekly", project_name="shop"))
    await submit(ada, await page_at(ada, path), every="1 day", grace="")

    kept = await page_at(ada, f"{path}/delete")
    await submit(ada, await page_at(ada, path), every="")
    asked = await page_at(ada, f"{path}/delete")
    refused = Page(await submit(ada, asked, name="weakly"))
    deleted = await submit(ada, asked, name="weekly")

    assert "refers to it: 1 expectation." in kept.main.text
    assert kept.main.all("form") == []
    assert "Type the name of the job" in refused.error_of("name")
    assert led_to(deleted) == "/accounts/1/jobs"
    assert await rows_of(api.store, jobs) == []


async def test_projects_and_environments_are_listed_and_deleted(api: Api, ada):
    page = await page_at(ada, "/accounts/1/jobs")
    path = led_to(await submit(ada, page, job_name="weekly", project_name="shop"))
    listed = await page_at(ada, "/accounts/1/projects")
    places = [one.attributes["href"] for one in listed.main.one("tbody").all("a")]
    kept = [await page_at(ada, place) for place in places]
    await submit(ada, await page_at(ada, f"{path}/delete"), name="weekly")

    for place, name in zip(reversed(places), ("default", "shop"), strict=True):
        deleted = await submit(ada, await page_at(ada, place), name=name)
        assert led_to(deleted) == "/accounts/1/projects"

    assert [one.main.all("form") for one in kept] == [[], []]
    assert "refers to it: 1 environment." in kept[0].main.text
    assert "refers to it: 1 job." in kept[1].main.text
    assert "No project yet" in (await page_at(ada, "/accounts/1/projects")).main.text


async def test_who_may_not_change_jobs_is_offered_no_deletion(api: Api):
    run = await Tenant(api.store, api.clock).start()
    text = await session_of_new_user(api.store, api.clock, Role.VIEWER)
    viewer = sign_in_client(browser(api), text)

    for path in (f"/accounts/1/jobs/{run.job.id}", "/accounts/1/projects"):
        links = [one.attributes["href"] for one in (await page_at(viewer, path)).main.all("a")]
        assert not [one for one in links if one.endswith("/delete")]
    assert (await viewer.get(f"/accounts/1/jobs/{run.job.id}/delete")).status_code == 403


async def test_a_job_is_named_before_it_runs(api: Api, ada):
    page = await page_at(ada, "/accounts/1/jobs")

    refused = Page(await submit(ada, page, job_name=" "))
    path = led_to(await submit(ada, page, job_name="weekly", project_name="shop"))

    assert "expected a name" in refused.error_of("job_name").lower()
    shown = await page_at(ada, path)
    assert shown.heading == "weekly"
    assert [one.text for one in shown.main.all("dd")] == ["shop", "default", "none kept", "not set"]
    text = await session_of_new_user(api.store, api.clock, Role.VIEWER)
    viewer = sign_in_client(browser(api), text)
    forms = (await page_at(viewer, "/accounts/1/jobs")).main.all("form")
    assert [one.attributes["method"] for one in forms] == ["get"]


async def test_a_job_shows_how_long_its_runs_took_and_what_happened_each_day(api: Api, ada):
    tenant = Tenant(api.store, api.clock)
    for number in range(3):
        run = await tenant.start(f"{number}")
        api.clock.advance(timedelta(minutes=4))
        await tenant.finish(run, RunStatus.ERROR if number == 1 else RunStatus.SUCCESS)
        api.clock.advance(timedelta(days=1))

    page = await page_at(ada, f"/accounts/1/jobs/{run.job.id}")

    points = page.main.one("svg", class_="chart-wide").all("a")
    assert [one.all("path")[0].attributes["class"] for one in points] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    # The keyboard reaches what failed, and all runs in the list below.
    assert ["tabindex" in one.attributes for one in points] == [True, False, True]
    assert "Median duration 4 min 0 s" in page.main.one("dl", class_="facts").text
    days = [one for one in page.main.one("table", class_="calendar").all("td") if "run" in one.text]
    assert [one.attributes["class"] for one in days] == [
        "day-succeeded",
        "day-failed",
        "day-succeeded",
    ]
    listed = page.main.one("div", aria_label="Last runs").one("table").one("tbody").all("tr")
    assert [one.one(class_="state").text for one in listed] == ["succeeded", "failed", "succeeded"]


async def test_names_of_jobs_are_isolated_from_what_stands_beside_them(api: Api, ada):
    name = "\N{HEBREW LETTER ALEF}" * 3 + " nightly " + "x" * 180
    tenant = Tenant(api.store, api.clock)
    run = await tenant.start(job_name=name)
    await tenant.finish(run)

    for path in ("jobs", f"jobs/{run.job.id}", "runs", f"runs/{run.id}", "overview"):
        page = await page_at(ada, f"/accounts/1/{path}")
        shown = [one.text for one in page.main.all("bdi")]
        assert name in shown
        assert page.main.text.count(name) == shown.count(name)
