"""The pages of a consumer say how much waits for it, since when, and how much it has read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from runhook.storage.engine.tables import webhooks
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_run, new_webhook
from tests.web.pages import Page, led_to, page_at, submit

ROOT = "/accounts/1/webhooks"
EVENTS = "/consumers/laptop/events"


async def consumer_of(api: Api) -> tuple[httpx.AsyncClient, Mapping[str, Any]]:
    """A client of the API, with a new consumer."""
    admin = api.client(f"Token {await api.token()}")
    webhook = await new_webhook(
        admin, name="Mine", client_url="consume:laptop", event_types=["job.run.started"]
    )
    return admin, webhook


def facts_on(page: Page) -> dict[str, str]:
    """What a consumer's page says of it."""
    listed = page.main.one("section", aria_label="Consumer").all("div")
    return {one.one("dt").text: one.one("dd").text for one in listed}


def row_on(page: Page) -> list[str]:
    """A consumer's row in the list, from its state on."""
    return [one.text for one in page.main.one("tbody").all("td")][1:]


async def test_one_that_nothing_has_read_says_so(api: Api, ada: httpx.AsyncClient):
    _, webhook = await consumer_of(api)

    page, listed = [await page_at(ada, path) for path in (f"{ROOT}/{webhook['id']}", ROOT)]

    facts = facts_on(page)
    assert (facts["Unread"], facts["Oldest unread"], facts["Last read"]) == ("0", "none", "never")
    assert facts["Deactivated unless read before"].startswith("8 Mar 2026, 12:00")
    assert "Nothing was read in this period." in page.main.text
    assert row_on(listed) == ["Active", "never read nothing waits", "nothing read"]


async def test_what_was_read_and_what_waits_is_counted_without_tests(
    api: Api, ada: httpx.AsyncClient
):
    admin, webhook = await consumer_of(api)
    path = f"{ROOT}/{webhook['id']}"
    for number in range(3):
        await new_run(admin, run_key=f"run-{number}")
        api.clock.advance(timedelta(minutes=1))
    page = await page_at(ada, path)
    await submit(ada, page, page.form(f"{path}/test"))
    read = data_of(await admin.get(EVENTS))
    done = [one["id"] for one in read if one is not read[1]]
    data_of(await admin.post("/consumers/laptop/acknowledge", json={"ids": done}))

    page, listed = [await page_at(ada, one) for one in (path, ROOT)]

    facts = facts_on(page)
    assert facts["Unread"] == "1"
    assert facts["Oldest unread"] == "2 min ago , 1 Mar 2026, 12:01:00 UTC"
    assert facts["Last read"] == "0 s ago , 1 Mar 2026, 12:03:00 UTC"
    overview = page.main.one("section", class_="overview")
    assert [one.text for one in overview.all("strong")] == ["2"]
    assert "1 Mar 12:00 UTC: 2 read" in overview.text
    assert "failed" not in overview.text
    state, waiting, share = row_on(listed)
    assert waiting.endswith("1 waits since 1 Mar 2026, 12:01:00 UTC")
    assert (state, share) == ("Active", "2 read")


async def test_its_log_says_what_waits_to_be_read_and_what_was(api: Api, ada: httpx.AsyncClient):
    admin, webhook = await consumer_of(api)
    await new_run(admin, run_key="read")
    (event,) = data_of(await admin.get(EVENTS))
    data_of(await admin.post("/consumers/laptop/acknowledge", json={"ids": [event["id"]]}))
    api.clock.advance(timedelta(minutes=1))
    await new_run(admin, run_key="unread")

    page = await page_at(ada, f"{ROOT}/{webhook['id']}")
    opened = await page_at(ada, f"/accounts/1/deliveries/{event['id']}")

    unread, read = page.deliveries
    assert "waits to be read" in unread.text
    assert "read" in [one.text for one in read.all("td")]
    assert "Acknowledged by its consumer" in opened.main.text


async def test_the_accounts_attempts_have_none_of_a_consumer(api: Api, ada: httpx.AsyncClient):
    admin, _ = await consumer_of(api)
    await new_run(admin)
    (event,) = data_of(await admin.get(EVENTS))

    data_of(await admin.post("/consumers/laptop/acknowledge", json={"ids": [event["id"]]}))

    overview = await page_at(ada, "/accounts/1/overview")
    hours = overview.main.all("td", data_label="attempts succeeded")
    assert {one.text for one in hours} == {"0"}


async def test_one_is_created_and_changed_in_the_form_and_a_bad_name_is_told_at_its_field(
    api: Api, ada: httpx.AsyncClient
):
    typed = {"name": "Mine", "event_types": ["job.run.started"]}

    refused = await submit(
        ada, await page_at(ada, f"{ROOT}/new"), client_url="consume:My Laptop", **typed
    )
    created = await submit(
        ada, await page_at(ada, f"{ROOT}/new"), client_url="consume:laptop", **typed
    )
    again = await submit(
        ada, await page_at(ada, f"{ROOT}/new"), client_url="consume:laptop", **typed
    )
    (row,) = await rows_of(api.store, webhooks)
    path = f"{ROOT}/{row.id}"
    changed = await submit(ada, await page_at(ada, f"{path}/edit"), name="Renamed")
    moved = await submit(
        ada, await page_at(ada, f"{path}/edit"), client_url="https://receiver.example.com/"
    )

    assert "small letters" in Page(refused).error_of("client_url")
    led_to(created)
    assert "has a consumer laptop; choose another name" in Page(again).main.text
    led_to(changed)
    assert "keeps its address" in Page(moved).error_of("client_url")
    (row,) = await rows_of(api.store, webhooks)
    assert (row.name, row.is_consumed) == ("Renamed", True)
    assert facts_on(await page_at(ada, path))["Last read"] == "never"
