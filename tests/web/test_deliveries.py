"""Recent Deliveries as pages: filtered by their address, opened, and redelivered."""

from datetime import timedelta

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.failing import Health
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import Tenant, let_endpoint_be, rows_of
from tests.support.api import Api
from tests.support.receiver import Receiver, raw, status
from tests.support.statements import all_statements
from tests.web.pages import led_to, page_at, submit

PATH = "/accounts/1/deliveries"


@pytest.fixture
def tenant(api: Api) -> Tenant:
    return Tenant(api.store, api.clock, FIRST_ACCOUNT)


async def test_a_failed_delivery_says_why_in_words_and_is_redelivered(api: Api, ada, tenant):
    async with Receiver(status(500), status(204)) as receiver:
        await tenant.webhook(receiver.url, event_types=["job.run.started"])
        await tenant.start()
        await api.deliver()
        page = await page_at(ada, PATH)
        (row,) = page.deliveries
        assert ("500" in row.text, "pending" in row.text) == (True, True)

        opened = await page_at(ada, row.one("th").one("a").attributes["href"].partition("#")[0])
        panel = opened.main.one("aside")
        assert "its own log says why" in panel.one(class_="notice").text
        assert "1 of 6" in opened.main.one("tbody").text
        assert "The endpoint answered 500." in panel.one(class_="notice").text
        assert "job.run.started" in panel.one(class_="timeline").text
        curl = next(one.text for one in panel.all("pre") if one.text.startswith("curl"))
        signature = receiver.received[0].headers["authorization"]
        assert ("********" in curl, signature in curl) == (True, False)

        led = led_to(await submit(ada, opened, panel.one("form")))
        await api.deliver()

    page = await page_at(ada, led)
    assert page.main.one(class_="state").text == "succeeded"
    timeline = page.main.one(class_="timeline")
    gaps = [one.text for one in timeline.all("li", class_="gap")]
    assert ["redelivered by hand" in one for one in gaps] == [False, True]
    phases = [one.text for one in timeline.all("ul", class_="legend")]
    assert ["Connect" in phases[0], all("Wait" in one for one in phases)] == [True, True]


NARROWING = [
    ("state=pending&state=failed&event=job.run.started&event=job.run.errored", 1),
    ("state=failed&state=skipped", 0),
    ("time=5h&job=1", 1),
    ("state=pending", 1),
    ("state=failed", 0),
    ("event=job.run.started&time=1h", 1),
    ("code=0", 1),
    ("code=5", 0),
    ("run=1", 1),
    ("run=2", 0),
    ("since=2026-01-01T00:00", 1),
    ("until=2026-01-01T00:00", 0),
    ("id=wev_unknown", 0),
    ("order=oldest", 1),
]


async def test_the_address_narrows_the_log(api: Api, ada, tenant, subtests: pytest.Subtests):
    await tenant.webhook(event_types=["job.run.started"])
    await tenant.start()
    for query, count in NARROWING:
        with subtests.test(query=query):
            page = await page_at(ada, f"{PATH}?{query}")

            assert len(page.deliveries) == count
            assert (count == 0) == ("Nothing matches" in page.main.text)


@pytest.mark.parametrize("query", ["run=x", "code=9", "state=lost", "event=x", "since=soon"])
async def test_what_cannot_be_read_of_an_address_is_told(ada, query: str):
    page = await page_at(ada, f"{PATH}?{query}")

    assert page.main.one(role="alert").text


async def test_pages_of_a_log_that_grows_hold_every_delivery_once_in_either_order(
    api: Api, ada, tenant
):
    await tenant.webhook(event_types=["job.run.started"])
    for number in range(60):
        await tenant.start(run_key=f"run-{number}")

    for query, word in (("", "Older"), ("?order=oldest", "Newer")):
        first = await page_at(ada, PATH + query)
        (link,) = (one for one in first.main.all("a") if one.text == word)
        there = [row.id for row in await rows_of(api.store, deliveries)]
        api.clock.advance(timedelta(milliseconds=1))
        await tenant.start(run_key=f"meanwhile {word}")
        second = await page_at(ada, link.attributes["href"])
        seen = [one.attributes["data-id"] for page in (first, second) for one in page.deliveries]
        grown = [row.id for row in await rows_of(api.store, deliveries)]
        assert seen == (grown if query else there[::-1])


@pytest.mark.parametrize("path", ["deliveries", "runs", "runs/1", "settings/health"])
async def test_a_page_is_told_at_once_of_what_changed_since_it_was_made(
    api: Api, ada, tenant, path: str
):
    await tenant.webhook(event_types=["job.run.started"])
    await tenant.start("earlier")
    page = await page_at(ada, f"/accounts/1/{path}")
    live = next(one for one in page.main.all() if one.attributes.get("data-live"))
    address = live.attributes["data-live"]
    assert "event: same" in (await ada.get(address)).text

    await tenant.start()

    assert "event: changed" in (await ada.get(address)).text


async def test_a_page_is_told_of_changes_it_has_not_seen(api: Api, ada, tenant):
    await tenant.webhook(event_types=["job.run.started"])
    first = (await ada.get("/accounts/1/live")).text
    seen = first.partition("id: ")[2].partition("\n")[0]
    headers = {"Last-Event-ID": seen}
    assert "event: same" in (await ada.get("/accounts/1/live", headers=headers)).text

    await tenant.start()

    with all_statements() as statements:
        assert "event: changed" in (await ada.get("/accounts/1/live", headers=headers)).text
    assert [one for one in statements if "count(" in one.lower()] == []
    (row,) = await rows_of(api.store, deliveries)
    assert row.state is DeliveryState.PENDING


async def test_what_was_odd_about_an_answer_is_said_though_it_counts(api: Api, ada, tenant):
    odd = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n")
    async with Receiver(odd) as receiver:
        await tenant.webhook(receiver.url, event_types=["job.run.started"])
        await tenant.start()
        await api.deliver()
    page = await page_at(ada, PATH)
    link = page.deliveries[0].one("th").one("a").attributes["href"]

    opened = await page_at(ada, link.partition("#")[0])

    panel = opened.main.one("aside")
    assert "its length is given twice." in panel.one(class_="attempt").text
    assert panel.all(class_="notice") == []


async def test_a_delivery_on_hold_says_when_it_is_due(api: Api, ada, tenant):
    await tenant.webhook(event_types=["job.run.errored"], notify="changes", hold=10)
    await tenant.finish(await tenant.start(), RunStatus.ERROR)

    (row,) = (await page_at(ada, PATH)).deliveries

    (waits,) = [one for one in row.all("td") if "on hold, due in 10 min" in one.text]
    assert "blank" not in waits.attributes["class"]


async def test_a_delivery_that_waits_for_its_paused_endpoint_says_so(api: Api, ada, tenant):
    async with Receiver(status(500)) as receiver:
        webhook = await tenant.webhook(receiver.url, event_types=["job.run.started"])
        await tenant.start()
        await api.deliver()
    paused_until = api.clock.now() + timedelta(hours=1)
    health = Health(
        failing_since=api.clock.now(), consecutive_failures=10, paused_until=paused_until
    )
    await let_endpoint_be(api.store, webhook.id, health, at=api.clock.now())

    page = await page_at(ada, PATH)
    assert "paused, next in 1 h" in page.deliveries[0].text
    link = page.deliveries[0].one("th").one("a").attributes["href"]
    opened = await page_at(ada, link.partition("#")[0])

    waits = opened.main.one(class_="timeline").all("li")[-1]
    assert "the endpoint is paused until then" in waits.text
    assert waits.one("time").attributes["datetime"].startswith(f"{paused_until:%Y-%m-%dT%H:%M:%S}")


SEARCHES = [
    ("q=nightly", 1),
    ("q=NIGHT", 1),
    ("q=127.0.0.1", 1),
    ("q=%23{run}", 1),
    ("q={run}", 1),
    ("q={delivery}", 1),
    ("q=100%25", 0),
    ("q=wev_unknown", 0),
    ("webhook={webhook}", 1),
    ("webhook=wsu_unknown", 0),
]


async def test_a_search_finds_ids_runs_jobs_and_endpoints(
    api: Api, ada, tenant, subtests: pytest.Subtests
):
    webhook = await tenant.webhook("http://127.0.0.1:9/", event_types=["job.run.started"])
    await tenant.start()
    (row,) = await rows_of(api.store, deliveries)
    for query, count in SEARCHES:
        with subtests.test(query=query):
            asked = query.format(run=row.run_id, delivery=row.id, webhook=webhook.id)

            page = await page_at(ada, f"{PATH}?{asked}")

            assert len(page.deliveries) == count
            assert [one.text for one in page.main.all("a", class_="chip")] != []
            # What is counted for a redelivery knows nothing of a search, so none is offered.
            offered = [one for one in page.main.all("a") if one.text == "Redeliver all matching…"]
            assert bool(offered) is not asked.startswith("q=")
