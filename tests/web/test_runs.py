"""Runs and jobs as pages: what they show, and canceling."""

import zlib
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from runhook.domain.people.permissions import PermissionSet
from runhook.domain.runs.run import (
    FinishReport,
    Progress,
    ProgressReport,
    RunOutcome,
    RunStatus,
    RunStep,
    Trigger,
)
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.runs.reports import Finish, Heartbeat, Start
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.storage.runs.artifacts import add_parts, begin_artifact, finish_artifact
from tests.support.accounts import Tenant, a_start_report
from tests.support.api import Api, data_of
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


@pytest.mark.parametrize(
    "place", ["/deploy/1", "/next/deploy/1", "/next/accounts/1", "/accounts/1"]
)
@pytest.mark.parametrize("ending", ["", "/"])
async def test_dbt_clouds_addresses_of_runs_and_jobs_lead_to_them(
    ada, stranger, tenant, place, ending
):
    run = await tenant.start()
    project = f"{place}/projects/{run.job.project_id}"

    for browser in (ada, stranger):
        to_run = await browser.get(f"{project}/runs/{run.id}{ending}")
        to_job = await browser.get(f"{project}/jobs/{run.job.id}{ending}")
        assert to_run.headers["location"] == f"{ROOT}/runs/{run.id}"
        assert to_job.headers["location"] == f"{ROOT}/jobs/{run.job.id}"


async def test_the_href_of_a_run_in_the_api_leads_to_its_page(api: Api, ada, tenant):
    run = await tenant.start()
    admin = await api.client_with(PermissionSet.ACCOUNT_ADMIN)
    shown = data_of(await admin.get(f"runs/{run.id}"))

    led = await ada.get(urlsplit(shown["href"]).path, follow_redirects=True)

    assert led.status_code == 200
    assert str(run.id) in led.text


async def test_a_number_that_is_no_id_leads_nowhere(ada):
    for number in ("0", "01", "9" * 30):
        led = await ada.get(f"/deploy/1/projects/1/runs/{number}/")
        assert led.status_code == 404


async def test_a_failed_node_is_shown_with_whose_it_is(api: Api, ada, tenant):
    node = {
        "unique_id": "model.shop.orders",
        "status": "error",
        "owners": [{"name": "<i>Ann</i>", "more": {"slack": "#sales"}}, {"email": "b@example.com"}],
        "groups": ["sales"],
        "path": "models/orders.sql",
        "exposures": [{"name": "revenue", "owner_name": "Board"}],
    }
    warned = {"unique_id": "test.shop.unique.1a", "status": "warn", "owners": [{"name": "Bob"}]}
    run = await tenant.start()
    results = {"counts": {"error": 1, "warn": 12}, "failed": [node], "warned": [warned]}
    await tenant.finish(run, RunStatus.ERROR, results=results)

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    failed, has_warned = page.main.all("details", class_="failed")
    chips = [one.text for one in failed.all(class_="chip")]
    assert chips == ["owner <i>Ann</i>, slack: #sales", "owner b@example.com", "group sales"]
    assert "models/orders.sql" in failed.text
    assert "Downstream: revenue (Board)" in failed.text
    assert [one.text for one in has_warned.all(class_="chip")] == ["owner Bob"]
    assert "… and 11 more." in page.main.text


async def test_a_run_says_which_webhooks_did_not_hear_of_it_and_why(api: Api, ada, tenant):
    errored = ["job.run.errored"]
    other = await tenant.start("other-1", job_name="other")
    await tenant.webhook(name="Told", event_types=errored)
    await tenant.webhook(name="Unselected", event_types=["job.run.canceled"])
    await tenant.webhook(name="Elsewhere", event_types=errored, job_ids=[other.job.id])
    await tenant.webhook(name="Picky", event_types=errored, node_filter={"groups": ["x"]})
    await tenant.webhook(name="Inactive", event_types=errored, active=False)
    run = await tenant.start()
    await tenant.finish(run, RunStatus.ERROR, results=RESULTS)
    api.clock.advance(timedelta(seconds=5))
    await tenant.webhook(name="Late", event_types=errored)

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    rows = page.main.one("tbody").all("tr")
    states = {row.one("th").text: row.one(class_="state").text for row in rows}
    assert states == {"Told": "pending", "Inactive": "skipped"}
    _, about_errored, _ = page.main.all("details", class_="unheard")
    assert about_errored.one("summary").text == "errored was not sent to 4 webhooks"
    reasons = [one.text for one in about_errored.all("dt")]
    names = [one.text for one in about_errored.all("dd")]
    assert dict(zip(names, reasons, strict=True)) == {
        "Unselected": "this event is not selected",
        "Elsewhere": "it is narrowed to other jobs, projects or environments",
        "Picky": "no node failed or warned that it asks for",
        "Late": "it did not exist yet",
    }


async def test_a_webhook_that_is_told_of_changes_did_not_hear_of_the_same_failure_again(
    api: Api, ada, tenant
):
    await tenant.webhook(name="Chat", event_types=["job.run.completed"], notify="changes")
    for key in ("run-1", "run-2"):
        run = await tenant.start(key)
        await tenant.finish(run, RunStatus.ERROR)

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    *_, about_completed = page.main.all("details", class_="unheard")
    why = about_completed.one("dt").text
    assert why == "it gets the first failure of a job, and its recovery"


async def test_a_run_says_why_a_delivery_waits_or_was_not_sent(api: Api, ada, tenant):
    errored = ["job.run.errored"]
    await tenant.webhook(name="Patient", event_types=errored, notify="changes", hold=10)
    await tenant.webhook(name="Inactive", event_types=errored, active=False)
    run = await tenant.start()
    await tenant.finish(run, RunStatus.ERROR)

    held = await reasons_of_states(ada, run)
    await tenant.finish(await tenant.start("run-2"))
    healed = await reasons_of_states(ada, run)

    assert held["Inactive"] == "skipped the webhook was inactive"
    assert held["Patient"].startswith("pending on hold until 1 Mar 2026, ")
    assert healed["Patient"] == "superseded The job succeeded before the hold was over."


async def reasons_of_states(browser, run) -> dict[str, str]:
    """What the page of a run says of the deliveries of its errored event, by webhook."""
    page = await page_at(browser, f"{ROOT}/runs/{run.id}")
    rows = page.main.one("tbody").all("tr")
    return {row.one("th").text: row.all("td")[0].text for row in rows}


async def test_a_webhook_that_was_changed_since_is_marked(api: Api, ada, tenant):
    webhook = await tenant.webhook(name="Moved", event_types=["job.run.canceled"])
    run = await tenant.start()
    await tenant.finish(run, RunStatus.ERROR)
    api.clock.advance(timedelta(seconds=5))
    await tenant.change(webhook, WebhookChange(event_types=["job.run.errored"]))

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    _, about_errored, _ = page.main.all("details", class_="unheard")
    assert about_errored.one("dd").text == "Moved (changed since)"
    assert "or had not selected this event then" in about_errored.one("dt").text


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
    legend = page.main.one("ul", class_="legend")
    assert [one.text for one in legend.all("li")] == ["1 error", "40 success"]
    assert "<b>Binder Error</b>" in page.main.text
    assert "… and 11 more." in page.main.text
    _, errored, completed = page.main.all("section", class_="event")
    assert errored.one("h3").text.startswith("errored")
    told = errored.one("tbody").one("tr")
    assert (told.one("th").text, told.one(class_="state").text) == ("Pager", "pending")
    delivery = await tenant.delivery(webhook)
    links = [one.attributes["href"] for one in told.all("a")]
    assert links == [f"{ROOT}/webhooks/{webhook.id}", f"{ROOT}/deliveries/{delivery.id}"]
    assert "Not sent to any webhook." in completed.text


async def test_only_a_run_whose_reporter_allows_it_can_be_canceled_here(api: Api, ada, tenant):
    deaf = await tenant.start("deaf", heartbeats=True)
    assert (await page_at(ada, f"{ROOT}/runs/{deaf.id}")).main.all("form") == []
    run = await tenant.start("listening", cancelable=True)
    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    led = led_to(await submit(ada, page, page.form(f"{ROOT}/runs/{run.id}/cancel")))

    asked = await page_at(ada, led)
    assert asked.main.one(class_="chip").text == "cancel requested"
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
    assert [row.one("th").one("a").text for row in rows] == ["hourly", "nightly"]
    assert [row.one(class_="state").text for row in rows] == ["running", "succeeded"]
    none = await page_at(ada, f"{ROOT}/runs?status=canceled")
    assert "Nothing matches" in none.main.text


async def test_pages_of_many_runs_hold_each_once(api: Api, ada, tenant):
    for number in range(52):
        await tenant.start(f"run-{number}")

    first = await page_at(ada, f"{ROOT}/runs")
    (older,) = (one for one in first.main.all("a") if one.text == "Older")
    second = await page_at(ada, f"{ROOT}/{older.attributes['href']}")

    seen = [
        row.one("a").text for page in (first, second) for row in page.main.all("th", scope="row")
    ]
    assert (len(seen), len(set(seen))) == (52, 52)
    assert "Older" not in second.main.text


async def test_a_run_that_goes_on_shows_which_step_it_is_at(api: Api, ada, tenant):
    run = await tenant.start()
    steps = (
        RunStep(
            name="Invoke dbt with `dbt deps`",
            status=RunStatus.SUCCESS,
            started_at=run.started_at,
            finished_at=run.started_at + timedelta(seconds=4),
        ),
        RunStep(
            name="Invoke dbt with `dbt build`",
            status=RunStatus.RUNNING,
            started_at=run.started_at + timedelta(seconds=4),
        ),
    )
    progress = Progress(step=2, planned_steps=3, nodes_done=1_200, nodes_total=4_000)
    before = await page_at(ada, f"{ROOT}/runs")
    report = ProgressReport(steps=steps, progress=progress)
    await tenant.publisher.publish(Heartbeat(FIRST_ACCOUNT, run.id, report))

    listed = await page_at(ada, f"{ROOT}/runs")
    shown = await page_at(ada, f"{ROOT}/runs/{run.id}")
    await tenant.finish(run)
    over = await page_at(ada, f"{ROOT}/runs")

    row = listed.main.one("th", scope="row")
    assert "step 2 of 3: dbt build" in row.text
    assert (row.one("progress").attributes["value"], row.one("progress").attributes["max"]) == (
        "1200",
        "4000",
    )
    assert "1,200 of 4,000 nodes" in row.text
    states = [step.one(class_="state").text for step in shown.main.one("ol").all("li")]
    assert states == ["succeeded", "running"]
    assert "4.0 s" in shown.main.one("ol").all("li")[0].text
    assert "1 more step to come." in shown.main.text
    assert "step 2" not in over.main.text
    live = [page.main.one(id="rows").attributes["data-live"] for page in (before, listed, over)]
    assert len(set(live)) == 3


async def test_the_steps_of_a_finish_take_the_place_of_those_before(api: Api, ada, tenant):
    run = await tenant.start()
    step = RunStep(name="dbt build", status=RunStatus.RUNNING)
    report = ProgressReport(steps=(step,), progress=Progress(step=1))
    await tenant.publisher.publish(Heartbeat(FIRST_ACCOUNT, run.id, report))
    await tenant.finish(run)
    await tenant.publisher.publish(Heartbeat(FIRST_ACCOUNT, run.id, report))

    shown = await page_at(ada, f"{ROOT}/runs/{run.id}")

    (only,) = shown.main.one("ol").all("li")
    assert (only.one("strong").text, only.one(class_="state").text) == ("Invoke dbt", "succeeded")


async def test_a_node_beyond_the_third_that_failed_is_folded_with_its_first_line_seen(
    api: Api, ada, tenant
):
    nodes = [
        {"unique_id": f"model.shop.m{number}", "status": "error", "message": f"Line {number}\nmore"}
        for number in range(5)
    ]
    run = await tenant.start()
    await tenant.finish(run, RunStatus.ERROR, results={"counts": {"error": 5}, "failed": nodes})

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    folds = page.main.all("details", class_="failed")
    assert ["open" in one.attributes for one in folds] == [True] * 3 + [False] * 2
    assert folds[3].one("summary").text == "model.shop.m3 error Line 3"


async def test_a_run_says_what_set_it_off_and_leads_to_its_job(api: Api, ada, tenant):
    trigger = Trigger(
        system="Airflow",
        external_id="scheduled__1",
        attempt=2,
        link="https://airflow.example.com/1",
        commit="9f2c1e7ab04d55e1c2a7",
    )
    report = replace(a_start_report(), trigger=trigger)
    run = (await tenant.publisher.publish(Start(FIRST_ACCOUNT, report))).run

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    facts = page.main.one("dl", class_="facts")
    assert "Airflow scheduled__1" in facts.text
    assert "Attempt 2" in facts.text
    assert "9f2c1e7ab04d" in facts.text
    links = [one.attributes["href"] for one in page.main.all("a")]
    assert "https://airflow.example.com/1" in links
    assert f"{ROOT}/jobs/{run.job.id}" in links


async def test_a_trigger_whose_link_is_no_address_is_not_linked(api: Api, ada, tenant):
    report = replace(a_start_report(), trigger=Trigger(system="x", link="javascript:alert(1)"))
    run = (await tenant.publisher.publish(Start(FIRST_ACCOUNT, report))).run

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    assert "javascript:" not in page.response.text


async def test_the_slowest_nodes_are_bars_and_files_are_linked(api: Api, ada, tenant):
    run = await tenant.start()
    slowest = [{"unique_id": "model.shop.orders", "seconds": 41.5}, {"seconds": "never"}, 7]
    await tenant.finish(run, results={"slowest": slowest})
    async with api.store.write() as tx:
        artifact = await begin_artifact(tx, run.id, "run results.json", size=2)
        await add_parts(tx, artifact, 0, [zlib.compress(b"{}")])
        await finish_artifact(tx, FIRST_ACCOUNT, run.id, artifact)

    page = await page_at(ada, f"{ROOT}/runs/{run.id}")

    rows = page.main.one("table", class_="bars").one("tbody").all("tr")
    assert [row.text for row in rows] == ["model.shop.orders 41.5 s"]
    (linked,) = (one for one in page.main.all("a") if one.text == "run results.json")
    file = await ada.get(linked.attributes["href"], headers={"Sec-Fetch-Site": "same-origin"})
    assert file.content == b"{}"


async def test_runs_are_found_by_the_names_of_job_project_and_environment(api: Api, ada, tenant):
    for key, fields in {
        "1": {"job_name": "nightly", "project_name": "shop"},
        "2": {"job_name": "nightly", "project_name": "finance"},
        "3": {"job_name": "shopping", "project_name": "finance", "environment_name": "qa"},
    }.items():
        await tenant.start(key, **fields)

    async def found(query: str) -> list[str]:
        page = await page_at(ada, f"{ROOT}/runs?{query}")
        return [row.all("td")[1].text for row in page.main.all("tr")[1:]]

    assert await found("q=SHOP") == ["finance / qa", "shop / production"]
    assert await found("q=finance&status=running") == ["finance / qa", "finance / production"]
    assert await found("q=%25") == []


@pytest.mark.parametrize("number", ["0", "-1", "x", "0" * 25 + "9" * 30])
async def test_a_page_of_runs_with_a_number_that_makes_no_sense_is_one(
    api: Api, ada, tenant, number
):
    await tenant.start()

    page = await page_at(ada, f"{ROOT}/runs?number={number}&job={number}")

    assert page.heading == "Runs"
