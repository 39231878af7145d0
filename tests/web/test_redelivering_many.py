"""Redelivering many deliveries on the pages: counted, begun, followed and canceled."""

import pytest

from runhook.dispatcher.redeliverer import Redeliverer
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import Tenant, end_waiting, rows_of
from tests.support.api import Api
from tests.web.pages import Page, led_to, page_at, submit

ROOT = "/accounts/1"


@pytest.fixture
async def tenant(api: Api) -> Tenant:
    return Tenant(api.store, api.clock, FIRST_ACCOUNT)


@pytest.fixture
async def skipped(tenant: Tenant) -> Webhook:
    """A webhook that was inactive while three runs started, and is active again."""
    webhook = await tenant.webhook(event_types=["job.run.started"])
    await tenant.deactivate(webhook)
    for number in range(3):
        await tenant.start(f"run-{number}")
    return await tenant.activate(webhook)


async def test_what_matches_a_log_is_counted_redelivered_and_followed(
    api: Api, ada, skipped, tenant
):
    log = await page_at(ada, f"{ROOT}/deliveries?state=skipped&time=24h")
    (link,) = (one for one in log.main.all("a") if one.text == "Redeliver all matching…")
    counted = await page_at(ada, link.attributes["href"])
    form = counted.main.one("form")
    assert form.one("button").text == "Redeliver 3 deliveries"

    led = led_to(await submit(ada, counted, form, state="skipped"))
    begun = await page_at(ada, led)
    assert begun.main.one("p", class_="verdict").text == "0 of 3 arrived, 3 to be queued."
    await Redeliverer(api.store, api.clock).tick()

    over = await page_at(ada, led)
    assert over.main.one("p", class_="verdict").text == "0 of 3 arrived, 3 waiting."
    assert await tenant.states(skipped) == [DeliveryState.PENDING] * 3
    async with api.store.write() as tx:
        await end_waiting(tx, DeliveryState.SUCCEEDED)
    arrived = await page_at(ada, led)
    assert arrived.main.one("p", class_="verdict").text == "3 of 3 arrived."
    assert live_of(arrived) != live_of(over)
    listed = await page_at(ada, f"{ROOT}/redeliveries")
    assert listed.main.one("tbody").one("a").attributes["href"] == led


def live_of(page: Page) -> str:
    """Address that a page of a redelivery asks for changes."""
    return page.root.one(id="redelivery").attributes["data-live"]


async def test_a_redelivery_is_canceled_before_its_end(api: Api, ada, skipped, tenant):
    counted = await page_at(ada, f"{ROOT}/redeliveries/new?webhook={skipped.id}")
    led = led_to(await submit(ada, counted, counted.main.one("form"), state="skipped"))
    begun = await page_at(ada, led)

    assert led_to(await submit(ada, begun, begun.form(f"{led}/cancel"))) == led

    canceled = await page_at(ada, led)
    assert canceled.main.all("form") == []
    assert canceled.main.one(class_="state").text == "canceled"
    assert await tenant.states(skipped) == [DeliveryState.SKIPPED] * 3


async def test_ticked_rows_are_counted_first_and_sent_once_more(api: Api, ada, skipped, tenant):
    log = await page_at(ada, f"{ROOT}/deliveries")
    ids = [box.attributes["value"] for box in log.main.all("input", form="tick")][:2]
    counted = Page(await ada.get(f"{ROOT}/redeliveries/picked", params={"delivery": ids}))
    assert counted.heading == "Redeliver 2 of 2 selected"

    led = led_to(await submit(ada, counted, counted.main.one("form"), delivery=ids))

    begun = await page_at(ada, led)
    assert begun.form(f"{led}/cancel").one("button").text == "Cancel the rest"
    assert begun.main.one("p", class_="verdict").text == "0 of 2 arrived, 2 to be queued."
    assert [link.text for link in begun.main.all("a") if "/deliveries/wev_" in str(link.attributes)]
    await Redeliverer(api.store, api.clock).tick()
    followed = await page_at(ada, led)
    assert followed.main.one("p", class_="verdict").text == "0 of 2 arrived, 2 waiting."
    rows = await rows_of(api.store, deliveries)
    assert {row.id for row in rows if row.state is DeliveryState.PENDING} == set(ids)


async def test_what_was_ticked_and_cannot_be_sent_says_why(ada, skipped, tenant):
    await tenant.deactivate(skipped)
    (delivery, *_) = await tenant.deliveries(skipped)

    picked = await page_at(ada, f"{ROOT}/redeliveries/picked?delivery={delivery.id}")

    assert picked.heading == "Redeliver 0 of 1 selected"
    assert "The webhook is not active" in picked.main.one("tbody").text
    assert picked.main.all("form") == []


async def test_nothing_ticked_is_nothing_to_redeliver(ada, skipped):
    picked = await page_at(ada, f"{ROOT}/redeliveries/picked")

    assert "Nothing was selected" in picked.main.text
    assert picked.main.all("form") == []


async def test_what_matches_is_narrowed_by_the_answer_in_the_words_of_the_log(ada, skipped):
    unanswered = await page_at(ada, f"{ROOT}/redeliveries/new?time=24h&code=0")
    refused = await page_at(ada, f"{ROOT}/redeliveries/new?time=24h&code=5")

    assert "none" in [one.text for one in unanswered.main.all("dd")]
    led = led_to(await submit(ada, unanswered, unanswered.main.one("form")))
    assert "none" in [one.text for one in (await page_at(ada, led)).main.all("dd")]
    assert "Nothing to redeliver" in refused.main.text


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("state=succeeded", "arrived or wait"),
        ("code=7", "not one of the classes"),
        ("delivery=wev_unknown", "has no delivery wev_unknown"),
        ("since=2001-01-01T00:00", "are kept for 30 days"),
        ("until=2001-01-01T00:00", "give a time after"),
        ("webhook=wsu_unknown", "has no webhook"),
        ("run=x", "is a number"),
    ],
)
async def test_what_cannot_be_redelivered_in_bulk_is_told(ada, query: str, problem: str):
    page = await page_at(ada, f"{ROOT}/redeliveries/new?{query}", 400)

    assert problem in page.main.one(role="alert").text


async def test_nothing_to_redeliver_is_told_without_a_button(ada):
    page = await page_at(ada, f"{ROOT}/redeliveries/new")

    assert "Nothing to redeliver" in page.main.text
    assert page.main.all("form") == []
