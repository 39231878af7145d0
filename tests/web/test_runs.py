"""Runs and jobs as pages: what they show, and canceling."""

import pytest

from runhook.domain.runs import FinishReport, RunOutcome, RunStatus
from runhook.operations.begin import FIRST_ACCOUNT
from runhook.operations.publish import Finish
from tests.support.accounts import Tenant
from tests.support.api import Api
from tests.web.pages import led_to, page_at, submit

ROOT = "/accounts/1"
RESULTS = {
    "counts": {"success": 40, "error": 1},
    "failed_total": 12,
    "failed": [
        {"unique_id": "model.shop.orders", "status": "error", "message": "<b>Binder Error</b>"}
    ],
}


@pytest.fixture
def tenant(api: Api) -> Tenant:
    return Tenant(api.store, api.clock, FIRST_ACCOUNT)


async def test_a_run_shows_what_failed_and_who_was_told_of_which_event(api: Api, ada, tenant):
    webhook = await tenant.webhook(name="Pager", event_types=["job.run.errored"])
    run = await tenant.start()
    report = FinishReport(
        status=RunStatus.ERROR,
        outcome=RunOutcome.FAILED,
        status_message="Completed with 12 errors.",
        results=RESULTS,
    )
    await tenant.publisher.publish(Finish(FIRST_ACCOUNT, run.id, report))

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    assert page.heading == f"nightly #{run.id}"
    assert page.main.one(class_="error").text == "Completed with 12 errors."
    assert [chip.text for chip in page.main.all(class_="chip")] == ["40 success", "1 error"]
    assert "<b>Binder Error</b>" in page.main.text
    assert "… and 11 more." in page.main.text
    told = page.main.one("tbody").one("tr")
    assert [cell.text for cell in told.all("td")][:2] == ["Pager", "pending"]
    assert told.one("th").one("a").text == "errored"
    delivery = await tenant.delivery(webhook)
    assert told.one("th").one("a").attributes["href"] == f"{ROOT}/deliveries/{delivery.id}"


async def test_only_a_run_whose_reporter_allows_it_can_be_canceled_here(api: Api, ada, tenant):
    deaf = await tenant.start("deaf", heartbeats=True)
    assert (await page_at(ada, f"{ROOT}/runs/{deaf.id}")).main.all("form") == []
    run = await tenant.start("listening", cancelable=True)
    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    led = led_to(await submit(ada, page, page.form(f"{ROOT}/runs/{run.id}/cancel")))

    asked = await page_at(ada, led)
    assert asked.main.one(class_="chip").text == "cancel asked for"
    assert asked.main.all("form") == []


async def test_runs_are_found_by_status_and_job_and_jobs_have_their_newest(api: Api, ada, tenant):
    first = await tenant.start("1", job_name="nightly")
    await tenant.finish(first)
    newest = await tenant.start("2", job_name="hourly")

    over = await page_at(ada, f"{ROOT}/runs?status=succeeded")
    of_job = await page_at(ada, f"{ROOT}/runs?job={newest.job.id}")
    jobs = await page_at(ada, f"{ROOT}/jobs")

    assert [one.text for one in over.main.all("th", scope="row")] == [f"nightly #{first.id}"]
    assert [one.text for one in of_job.main.all("th", scope="row")] == [f"hourly #{newest.id}"]
    rows = jobs.main.one("tbody").all("tr")
    assert [row.one("th").text for row in rows] == ["hourly", "nightly"]
    assert [row.one(class_="state").text for row in rows] == ["running", "succeeded"]
    none = await page_at(ada, f"{ROOT}/runs?status=canceled")
    assert "Nothing matches" in none.main.text


async def test_pages_of_many_runs_hold_each_once(api: Api, ada, tenant):
    for number in range(52):
        await tenant.start(f"run-{number}")

    first = await page_at(ada, f"{ROOT}/runs")
    (older,) = (one for one in first.main.all("a") if one.text == "Older")
    second = await page_at(ada, f"{ROOT}/runs{older.attributes['href']}")

    seen = [
        row.one("a").text for page in (first, second) for row in page.main.all("th", scope="row")
    ]
    assert (len(seen), len(set(seen))) == (52, 52)
    assert "Older" not in second.main.text
