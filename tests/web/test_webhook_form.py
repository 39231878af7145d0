"""The form of a webhook: its folds, its sample, and the jobs that it finds."""

import pytest

from runhook.storage.engine.tables import webhooks
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_run
from tests.web.pages import ORIGIN, Element, Page, fields_of, led_to, page_at, submit

ROOT = "/accounts/1/webhooks"
NEW = f"{ROOT}/new"
SAME_ORIGIN = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


def fold(page: Page, name: str) -> Element:
    return page.main.one("details", class_=name)


def is_open(page: Page, name: str) -> bool:
    return "open" in fold(page, name).attributes


def boxes(page: Page) -> list[tuple[str, bool]]:
    """The jobs that are listed, each with whether it is ticked."""
    return [
        (one.one("bdi", class_="note").text, "checked" in one.one("input").attributes)
        for one in page.main.one(id="job_ids").all("label")
    ]


async def pressed(ada, page: Page, do: str, **typed) -> Page:
    """The page after a button that saves nothing."""
    fields = {**fields_of(page.form()), **typed, "do": do}
    return Page(await ada.post(page.response.url, data=fields, headers=SAME_ORIGIN))


@pytest.fixture
async def admin(api: Api):
    return api.client(f"Token {await api.token()}")


async def jobs_named(admin, *names: str) -> None:
    for name in names:
        await new_run(
            admin, job_name=name.partition(" of ")[0], project_name=name.partition(" of ")[2]
        )


async def test_folds_are_open_where_something_has_to_be_chosen_or_is_not_as_usual(api: Api, ada):
    plain, slack = await page_at(ada, NEW), await page_at(ada, f"{NEW}?format=slack")
    typed = {"name": "x", "client_url": "https://127.0.0.1:9/", "event_types": "job.run.started"}
    path = led_to(await submit(ada, plain, **typed, rate_limit="5/second"))
    edited = await page_at(ada, f"{path.removesuffix('/secret')}/edit")

    assert [is_open(plain, one) for one in ("basics", "runs", "advanced")] == [True, True, False]
    assert [is_open(slack, one) for one in ("basics", "runs", "advanced")] == [True, False, False]
    assert is_open(edited, "advanced")
    assert fold(edited, "advanced").all("summary")[0].text == "Advanced Rate limit"
    assert fold(edited, "runs").all("summary")[0].text == "Which runs Every job: run started"


async def test_problems_are_counted_and_linked_in_the_order_of_the_form(ada):
    page = await page_at(ada, NEW)

    again = Page(await submit(ada, page, name=" ", hold="99", attempt_timeout="x"))

    alert = again.main.one(role="alert")
    assert alert.text == "5 problems: Name , Endpoint , Events , Hold failures , Timeout"
    ids = [one.attributes["href"].removeprefix("#") for one in alert.all("a")]
    assert [len(again.main.all(id=one)) for one in ids] == [1] * 5
    first, *_ = [one for one in again.root.all() if "autofocus" in one.attributes]
    assert first.attributes["id"] == "name"
    assert is_open(again, "advanced")


async def test_the_sample_is_there_at_once_and_follows_the_settings_without_saving(api: Api, ada):
    page = await page_at(ada, NEW)

    typed = {"name": "Renamed", "event_types": "job.run.canceled", "hold": "not a number"}
    after = await pressed(ada, page, "sample", payload_version="2023-02", **typed)

    assert '"event_type" : "job.run.completed"' in page.main.one(id="sample").text
    sample = after.main.one(id="sample").text
    assert '"webhookName" : "Renamed"' in sample
    assert "runCanceledAt" in sample
    assert not after.main.all(role="alert")
    assert after.response.status_code == 200
    assert await rows_of(api.store, webhooks) == []


async def test_jobs_are_found_by_job_or_project_and_chosen_ones_stay(api: Api, ada, admin):
    await jobs_named(admin, "nightly of shop", "nightly of finance", "hourly of shop")
    page = await page_at(ada, NEW)
    chosen = fold(page, "runs").one(id="job_ids").all("input")[0].attributes["value"]

    found = await pressed(ada, page, "find", job_search="FINANCE", job_ids=chosen)
    none = await pressed(ada, page, "find", job_search="no such job")

    assert [one for one, _ in boxes(page)] == [
        "shop / default",
        "finance / default",
        "shop / default",
    ]
    assert boxes(found) == [("shop / default", True), ("finance / default", False)]
    assert "No job matches." in none.main.one(id="jobs").text
    assert await rows_of(api.store, webhooks) == []


async def test_many_projects_and_environments_are_found_by_the_same_search(api: Api, ada, admin):
    await jobs_named(admin, *(f"nightly of project {number:02}" for number in range(12)))
    page = await page_at(ada, NEW)
    chosen = page.main.one(id="environment_ids").all("input")[0].attributes["value"]

    found = await pressed(ada, page, "find", job_search="PROJECT 07", environment_ids=chosen)
    none = await pressed(ada, page, "find", job_search="no such project")

    assert len(page.main.one(id="project_ids").all("label")) == 12
    projects = found.main.one(id="project_ids").all("label")
    environments = found.main.one(id="environment_ids").all("label")
    assert [one.text for one in projects] == ["project 07"]
    assert [one.text for one in environments] == ["default project 00", "default project 07"]
    assert none.main.one(id="project_ids").all("label") == []


async def test_a_few_projects_need_no_search(api: Api, ada, admin):
    await jobs_named(admin, "nightly of shop", "hourly of finance")

    found = await pressed(ada, await page_at(ada, NEW), "find", job_search="finance")

    projects = found.main.one(id="project_ids").all("label")
    assert [one.text for one in projects] == ["finance", "shop"]


async def test_enter_in_the_search_finds_jobs_and_saves_nothing(api: Api, ada, admin):
    await jobs_named(admin, "nightly of shop", "hourly of shop")
    typed = {"name": "x", "client_url": "https://127.0.0.1:9/", "event_types": "job.run.started"}
    page = await pressed(ada, await page_at(ada, NEW), "find", job_search="night", **typed)

    searched = Page(await submit(ada, page, page.form(), job_search="hour"))
    made = await submit(ada, searched, searched.form())

    assert len(boxes(searched)) == 1
    assert made.is_redirect
    assert len(await rows_of(api.store, webhooks)) == 1


async def test_what_is_chosen_and_not_listed_stays_chosen(api: Api, ada, admin):
    """Of one project there is nothing to choose, and a search hides most jobs."""
    run = await new_run(admin, job_name="nightly")
    body = {
        "name": "x",
        "client_url": "https://127.0.0.1:9/",
        "event_types": ["job.run.started"],
        "job_ids": [int(run["job_id"])],
        "project_ids": [int(run["project_id"])],
    }
    made = data_of(await admin.post("/webhooks/subscriptions", json=body), 201)
    edit = await page_at(ada, f"{ROOT}/{made['id']}/edit")

    found = await pressed(ada, edit, "find", job_search="other")
    saved = await submit(ada, found, found.form())

    assert saved.is_redirect
    (after,) = data_of(await admin.get("/webhooks/subscriptions"))
    assert (after["job_ids"], after["project_ids"]) == (made["job_ids"], made["project_ids"])
