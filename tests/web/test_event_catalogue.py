"""The event catalogue: every event, with an example and a schema in each payload version."""

import json

import pytest

from runhook.domain.runs.events import EventType
from runhook.server.web.page.showing import EVENT_NAMES
from tests.web.pages import page_at

EVENTS = "/accounts/1/events"


async def test_every_event_is_listed_with_what_it_means_and_when_it_is_sent(ada):
    page = await page_at(ada, EVENTS)

    rows = page.main.one("tbody").all("tr")
    assert [one.one("span").text for one in rows] == [one.value for one in EVENT_NAMES]
    assert all(all(cell.text for cell in one.all("td")) for one in rows)


async def test_an_event_has_an_example_and_a_schema_in_both_versions(
    ada, subtests: pytest.Subtests
):
    for type_ in list(EventType):
        with subtests.test(type_=type_):
            page = await page_at(ada, f"{EVENTS}/{type_.value}?results=true")

            example, schema, other, other_schema = (
                json.loads(one.text) for one in page.main.all("pre")
            )
            assert list(schema["properties"]) == list(example)
            assert list(other_schema["properties"]) == list(other)
            assert (example["event_type"], other["eventType"]) == (type_.value, type_.value)


async def test_what_only_one_version_has_is_marked(ada):
    page = await page_at(ada, f"{EVENTS}/job.run.completed")

    old, new = (
        [one.text.partition(":")[0] for one in pre.all("mark")]
        for pre in page.main.all("pre")
        if pre.attributes["aria-label"].startswith("Example")
    )
    assert old == []
    assert new == ['"webhookId"', '"projectId"', '"runStatusCode"', '"runStatusMessage"']


async def test_the_form_leads_to_the_catalogue_and_an_unknown_event_is_not_found(ada):
    form = await page_at(ada, "/accounts/1/webhooks/new")

    assert EVENTS in [one.attributes["href"] for one in form.main.all("a")]
    await page_at(ada, f"{EVENTS}/job.run.invented", code=404)
