"""The first page of an account: is anything wrong, since when, and who was told."""

from datetime import timedelta

import pytest

from runhook.domain.deliveries.attempt_counts import EMPTY, AttemptCounts, hour_of
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.failing import Health
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.runs.expect import expect_job
from runhook.operations.runs.watch_jobs import tell_of_missed_runs
from runhook.storage.webhooks.statistics import CountedHour, add_attempt_counts
from tests.support.accounts import SOMEBODY, Tenant, end_waiting, let_endpoint_be
from tests.support.api import Api
from tests.web.pages import Element, Page, led_to, page_at

OVERVIEW = "/accounts/1/overview"


@pytest.fixture
def tenant(api: Api) -> Tenant:
    return Tenant(api.store, api.clock, FIRST_ACCOUNT)


def rows_on(page: Page) -> list[Element]:
    return page.main.one("table", class_="board").one("tbody").all("tr")


async def test_an_account_that_has_a_webhook_begins_with_its_overview(api: Api, ada, tenant):
    await tenant.webhook()

    assert led_to(await ada.get("/")) == OVERVIEW


async def test_an_empty_account_is_told_how_a_job_comes_into_being(api: Api, ada):
    page = await page_at(ada, OVERVIEW)

    assert page.main.one("h2").text == "Send your first webhook in two steps"
    assert "export RUNHOOK_URL=http://runhook.test" in page.main.one("pre").text
    (create,) = page.main.all("a", class_="button")
    assert create.attributes["href"] == "/accounts/1/webhooks/new"
    assert page.main.all("svg", class_="chart-wide") == []
    assert page.main.all(class_="verdict") == []


async def test_nothing_wrong_is_said_in_a_sentence(api: Api, ada, tenant):
    await tenant.finish(await tenant.start())

    verdict = (await page_at(ada, OVERVIEW)).main.one(class_="verdict")

    assert verdict.attributes["class"] == "verdict good"
    assert verdict.text == "All jobs are on time and passing; all endpoints are healthy."


async def test_a_failing_job_says_which_webhooks_were_told(api: Api, ada, tenant):
    errored = ["job.run.errored"]
    await tenant.webhook(name="Pager", event_types=errored, active=False)
    await tenant.webhook(name="Chat", event_types=["job.run.errored", "job.run.completed"])
    await tenant.webhook(name="Deaf", event_types=["job.run.canceled"])
    await tenant.finish(await tenant.start("1"), RunStatus.ERROR)
    async with api.store.write() as tx:
        await end_waiting(tx, DeliveryState.SUCCEEDED)
    # One that goes on does not hide who was told of the last that failed.
    await tenant.start("2")

    page = await page_at(ada, OVERVIEW)

    (row,) = rows_on(page)
    assert row.all("td")[-1].text == "skipped : Pager succeeded : Chat"
    assert page.main.one(class_="verdict").text.startswith("1 job is failing since 1 Mar")


async def test_a_failure_that_no_webhook_asked_for_says_so(api: Api, ada, tenant):
    await tenant.finish(await tenant.start(), RunStatus.ERROR)

    (row,) = rows_on(await page_at(ada, OVERVIEW))

    assert row.all("td")[-1].text == "no webhook"


async def test_a_missed_run_says_which_webhooks_were_told(api: Api, ada, tenant):
    await tenant.webhook(name="Pager", event_types=["job.run.missed"])
    await tenant.webhook(name="Chat", event_types=["job.run.errored"])
    run = await tenant.start()
    await tenant.finish(run)
    hourly = Expectation(every=timedelta(hours=1), grace=timedelta(minutes=15))
    context = Context(api.store, api.clock, SOMEBODY)
    await expect_job(context, FIRST_ACCOUNT, run.job.id, hourly)
    api.clock.advance(timedelta(minutes=65))
    (late,) = rows_on(await page_at(ada, OVERVIEW))
    api.clock.advance(timedelta(hours=1, minutes=15))
    (before,) = rows_on(await page_at(ada, OVERVIEW))
    await tell_of_missed_runs(api.store, api.clock)
    (after,) = rows_on(await page_at(ada, OVERVIEW))

    assert [row.all("td")[-1].text for row in (late, before, after)] == [
        "",
        "no webhook",
        "pending : Pager",
    ]


async def test_endpoints_in_trouble_say_since_when(api: Api, ada, tenant):
    webhook = await tenant.webhook(name="Down")
    await tenant.webhook(name="Well")
    health = Health(failing_since=api.clock.now(), consecutive_failures=3)
    await let_endpoint_be(api.store, webhook.id, health, at=api.clock.now())

    page = await page_at(ada, OVERVIEW)

    (trouble,) = page.main.one(class_="troubles").all("li")
    assert trouble.text.startswith("Failing Down failing since")
    assert page.main.one(class_="verdict").text.startswith("1 endpoint is in trouble since 1 Mar")


async def test_all_endpoints_in_trouble_are_counted_though_a_few_are_listed(api: Api, ada, tenant):
    webhooks = [await tenant.webhook(name=f"Down {number}") for number in range(7)]
    health = Health(failing_since=api.clock.now(), consecutive_failures=3)
    for one in webhooks:
        await let_endpoint_be(api.store, one.id, health, at=api.clock.now())

    page = await page_at(ada, OVERVIEW)

    assert page.main.one(class_="verdict").text.startswith("7 endpoints are in trouble since 1 Mar")
    *listed, last = page.main.one(class_="troubles").all("li")
    assert (len(listed), last.text) == (5, "… and 2 more")


async def test_an_account_without_a_webhook_is_led_to_its_first(api: Api, ada, tenant):
    await tenant.finish(await tenant.start())

    page = await page_at(ada, OVERVIEW)

    report, create = page.main.one("section", class_="first-steps").all("li")
    assert (report.text, create.all("a")[0].text) == ("Report a run done", "Create a webhook")


async def test_the_oldest_waiting_delivery_is_as_old_as_its_event(api: Api, ada, tenant):
    webhook = await tenant.webhook(event_types=["job.run.started"])
    await tenant.start("1")
    api.clock.advance(timedelta(hours=2))
    await tenant.start("2")
    health = Health(
        failing_since=api.clock.now(), paused_until=api.clock.now() + timedelta(hours=1)
    )
    await let_endpoint_be(api.store, webhook.id, health, at=api.clock.now())

    tiles = (await page_at(ada, OVERVIEW)).main.one("dl", class_="tiles").text

    assert "Deliveries waiting 2 Oldest waiting 2 h 0 min" in tiles


async def test_the_last_24_hours_have_each_run_and_attempt_in_its_hour(api: Api, ada, tenant):
    webhook = await tenant.webhook()
    begin = hour_of(api.clock.now())
    for number, status in enumerate([RunStatus.SUCCESS, RunStatus.SUCCESS, RunStatus.ERROR]):
        await tenant.finish(await tenant.start(f"{number}"), status)
        api.clock.advance(timedelta(hours=1))
    counts = AttemptCounts(succeeded=4, failed=1, durations=[5, *EMPTY[1:]])
    counted = [
        CountedHour(account_id=FIRST_ACCOUNT, webhook_id=webhook.id, hour=hour, counts=counts)
        for hour in (begin - timedelta(days=2), begin)
    ]
    async with api.store.write() as tx:
        await add_attempt_counts(tx, counted)

    page = await page_at(ada, OVERVIEW)

    chart = page.main.one("svg", class_="chart-wide")
    words = [one.attributes["aria-label"].split(" UTC ")[1] for one in chart.all("a")]
    assert len(words) == 24
    assert words[-4:] == [
        "\N{MIDDLE DOT} 1 run \N{MIDDLE DOT} 5 attempts, 1 failed",
        "\N{MIDDLE DOT} 1 run \N{MIDDLE DOT} 0 attempts",
        "\N{MIDDLE DOT} 1 run, 1 failed \N{MIDDLE DOT} 0 attempts",
        "\N{MIDDLE DOT} 0 runs \N{MIDDLE DOT} 0 attempts",
    ]
    table = page.main.one("details", class_="numbers").one("tbody")
    assert [[cell.text for cell in row.all("td")][1:] for row in table.all("tr")] == [
        ["1", "0", "4", "1"],
        ["1", "0", "0", "0"],
        ["1", "1", "0", "0"],
    ]
    linked = await ada.get(chart.all("a")[-4].attributes["href"])
    assert linked.status_code == 200
