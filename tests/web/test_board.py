"""The status board of jobs: what needs attention, and how it is found among many."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import RunStatus
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.runs.expect import expect_job
from runhook.operations.runs.watch_jobs import tell_of_missed_runs
from tests.support.accounts import SOMEBODY, Tenant
from tests.support.api import Api
from tests.web.pages import Element, page_at

JOBS = "/accounts/1/jobs"
HOUR = timedelta(hours=1)
HOURLY = Expectation(every=HOUR, grace=timedelta(minutes=15))
LARGEST = 80_000
"""Bytes of the page; what belongs to it has the rest of a hundred thousand."""
MANY = """
WITH RECURSIVE copies (number) AS (
    SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < 1000
)
INSERT INTO jobs (id, account_id, environment_id, name, created_at, used_at)
SELECT 1000 + number, 1, (SELECT min(id) FROM environments),
    number || ' a job with a name of ordinary length', 0, 0 FROM copies
"""
THEIR_RUNS = """
WITH RECURSIVE copies (number) AS (
    SELECT 0 UNION ALL SELECT number + 1 FROM copies WHERE number < 31
)
INSERT INTO runs (account_id, job_id, run_key, start_fingerprint, run_reason, dbt_version, status,
    event_count, started_at, finished_at, heartbeat_at, longest_silence, created_at)
SELECT 1, jobs.id, jobs.id || '-' || number, '', '', '', CASE number % 3 WHEN 1 THEN 20 ELSE 10 END,
    1, number * 3600000000, number * 3600000000 + 7777777 * number, 0, 0, number * 3600000000
FROM jobs, copies WHERE jobs.id BETWEEN 1001 AND 1100 ORDER BY number
"""


@pytest.fixture
def tenant(api: Api) -> Tenant:
    return Tenant(api.store, api.clock, FIRST_ACCOUNT)


async def expect(tenant: Tenant, job_id: int, expectation: Expectation = HOURLY) -> None:
    context = Context(tenant.store, tenant.clock, SOMEBODY)
    await expect_job(context, FIRST_ACCOUNT, job_id, expectation)


def rows_of(page) -> list[Element]:
    return page.main.one("tbody").all("tr")


def looks_in(row: Element) -> list[str]:
    """The looks in a strip, each as often as marks of it were drawn."""
    paths = row.one("svg", class_="strip").all("path")
    return [one.attributes["class"] for one in paths for _ in range(one.attributes["d"].count("M"))]


async def test_a_job_that_missed_runs_is_red_and_says_how_late_it_is(api: Api, ada, tenant):
    run = await tenant.start()
    await tenant.finish(run)
    await expect(tenant, run.job.id)
    api.clock.advance(timedelta(hours=2, minutes=20))
    before = await page_at(ada, JOBS)
    await tell_of_missed_runs(api.store, api.clock)
    after = await page_at(ada, JOBS)

    for page in (before, after):
        (row,) = rows_of(page)
        assert row.one(class_="badge").text == "Missed"
        assert row.one(class_="overdue").text == "1 h 20 min late"
        assert "2 missed" in row.text
        assert looks_in(row).count("missed") == 2


async def test_a_job_is_late_while_its_grace_period_lasts(api: Api, ada, tenant):
    run = await tenant.start()
    await tenant.finish(run)
    await expect(tenant, run.job.id)
    api.clock.advance(timedelta(minutes=65))

    (row,) = rows_of(await page_at(ada, JOBS))

    assert row.one(class_="badge").text == "Late"
    assert row.one(class_="late").text == "5 min 0 s late"
    assert "missed" not in row.text


async def test_what_fails_or_is_late_comes_first_and_says_since_when(api: Api, ada, tenant):
    for name in ("a well one", "a late one", "a failing one"):
        run = await tenant.start(name, job_name=name)
        await tenant.finish(run)
        if name == "a late one":
            await expect(tenant, run.job.id)
    failing = run
    for number in range(2):
        api.clock.advance(timedelta(minutes=32))
        run = await tenant.start(f"f{number}", job_name="a failing one")
        await tenant.finish(run, RunStatus.ERROR)
    canceled = await tenant.start("c", job_name="a failing one", cancelable=True)
    await tenant.finish(canceled, RunStatus.CANCELLED)

    page = await page_at(ada, JOBS)

    rows = rows_of(page)
    assert [row.one("th").one("a").text for row in rows] == [
        "a failing one",
        "a late one",
        "a well one",
    ]
    assert [row.one(class_="badge").text for row in rows] == ["Failing", "Late", "OK"]
    assert "2 runs, since" in rows[0].all("td")[0].text
    assert looks_in(rows[0])[-4:].count("failed") == 2
    assert failing.id != run.id
    states = page.main.one("nav", class_="presets")
    assert [one.text for one in states.all("a")] == ["All 3", "Failing 1", "Late 1", "OK 1"]


async def test_a_run_that_warned_looks_different_from_one_that_only_succeeded(
    api: Api, ada, tenant
):
    for number, counts in enumerate([{"success": 2}, {"success": 2, "warn": 1}]):
        run = await tenant.start(f"{number}")
        await tenant.finish(run, results={"counts": counts})

    (row,) = rows_of(await page_at(ada, JOBS))

    assert [look for look in looks_in(row) if look != "none"] == ["succeeded", "warned"]
    assert row.one("svg", class_="strip").attributes["aria-label"] == (
        "Last runs: 1 succeeded, 1 warned"
    )


async def test_jobs_of_one_name_are_told_apart_and_found_by_project_and_environment(
    api: Api, ada, tenant
):
    for project, environment in (("shop", "production"), ("shop", "staging"), ("100%", "prod_1")):
        await tenant.start(
            f"{project}-{environment}", project_name=project, environment_name=environment
        )

    everything = await page_at(ada, JOBS)
    staging = await page_at(ada, f"{JOBS}?q=STAG")
    percent = await page_at(ada, f"{JOBS}?q=100%25")
    nothing = await page_at(ada, f"{JOBS}?q=%25%25")

    places = [row.one("th").one(class_="sub").text for row in rows_of(everything)]
    assert sorted(places) == ["100% / prod_1", "shop / production", "shop / staging"]
    assert [row.one("th").text for row in rows_of(staging)] == ["nightly shop / staging"]
    assert len(rows_of(percent)) == 1
    assert "Nothing matches" in nothing.main.text


async def test_sorting_by_the_last_run_and_by_name(api: Api, ada, tenant):
    for name in ("b", "c", "a"):
        await tenant.start(name, job_name=name)

    for sort, names in (("latest", "acb"), ("name", "abc"), ("nonsense", "abc")):
        page = await page_at(ada, f"{JOBS}?sort={sort}")
        assert "".join(row.one("th").one("a").text for row in rows_of(page)) == names


@pytest.mark.parametrize(
    "address",
    ["?number=0", "?number=-3", f"?number={'0' * 25}{'9' * 30}", "?number=x", "?state=nonsense"],
)
async def test_an_address_that_makes_no_sense_shows_a_page_of_jobs(api: Api, ada, tenant, address):
    await tenant.start()

    page = await page_at(ada, f"{JOBS}{address}")

    assert page.heading == "Jobs"


async def test_of_a_thousand_jobs_a_page_is_light_and_the_others_are_a_page_away(
    api: Api, ada, tenant
):
    await tenant.start()
    async with api.store.write() as tx:
        await tx.execute(sa.text(MANY))
        await tx.execute(sa.text(THEIR_RUNS))

    first = await page_at(ada, JOBS)
    (onward,) = (one for one in first.main.all("a") if one.text == "Next")
    second = await page_at(ada, f"/accounts/1/{onward.attributes['href']}")
    failing = await page_at(ada, f"{JOBS}?state=failing")

    names = [row.one("th").one("a").text for page in (first, second) for row in rows_of(page)]
    assert len(set(names)) == len(names) == 60
    assert "Page 1 of 34" in first.main.text
    assert "Page 1 of 4" in failing.main.text
    assert len(first.response.content) < LARGEST
