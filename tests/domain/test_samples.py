import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Audience
from runhook.domain.messages.message import message_of
from runhook.domain.messages.telling import DeliveryId, PayloadVersion
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.samples import sample_event
from tests.support.builders import RUN_EVENTS, a_deactivation, a_missed_run, a_webhook, an_event
from tests.support.rendering import render

FOR_PEOPLE = [
    name for name, one in FORMATS.items() if one.audience in {Audience.PEOPLE, Audience.INCIDENTS}
]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def shape_of(value: object) -> object:
    """The keys in their order and the types of the values."""
    if isinstance(value, dict):
        return [(key, shape_of(one)) for key, one in value.items()]
    return type(value)


def real_one(type_: EventType):
    """A fact of this type as it happens."""
    notices = {EventType.DEACTIVATED: a_deactivation(), EventType.MISSED: a_missed_run()}
    return an_event(type=type_) if type_ in RUN_EVENTS else notices[type_]


@pytest.mark.parametrize("version", PayloadVersion)
@pytest.mark.parametrize("type_", EventType)
def test_a_sample_has_the_shape_of_a_real_payload(version, type_):
    webhook = a_webhook(payload_version=version, event_types=(type_,))
    sample = sample_event(webhook, now=NOW)

    rendered = [
        json.loads(render(event, webhook, DeliveryId("wev_1")))
        for event in (sample, real_one(type_))
    ]

    assert sample.type is type_
    assert shape_of(rendered[0]) == shape_of(rendered[1])


@pytest.mark.parametrize("version", PayloadVersion)
def test_a_sample_with_results_has_a_node_that_failed(version):
    webhook = a_webhook(payload_version=version, include_results=True)
    sample = sample_event(webhook, now=NOW)
    assert isinstance(sample, Event)

    data = json.loads(render(sample, webhook, DeliveryId("wev_1")))["data"]

    assert data.get("failed_nodes", data.get("failedNodes"))
    assert sample.run.status is RunStatus.ERROR


def test_a_sample_is_of_a_completed_run_if_the_webhook_is_told_of_these():
    webhook = a_webhook(event_types=(EventType.STARTED, EventType.COMPLETED))

    assert sample_event(webhook, now=NOW).type is EventType.COMPLETED


def test_a_sample_is_one_that_the_webhook_wants():
    for type_ in EventType:
        webhook = a_webhook(event_types=(type_,))

        sample = sample_event(webhook, now=NOW)
        is_event = isinstance(sample, Event)
        assert webhook.wants(sample) if is_event else webhook.wants_notice(sample)


@pytest.mark.parametrize("name", FOR_PEOPLE)
def test_people_are_shown_a_failure_with_a_node_that_failed(name):
    webhook = a_webhook(format=name, event_types=(EventType.STARTED, EventType.ERRORED))
    types = (EventType.ERRORED, EventType.COMPLETED)
    for type_ in types:
        sample = sample_event(replace(webhook, event_types=(type_,)), now=NOW)
        assert isinstance(sample, Event)
        assert FORMATS[name].tells(sample)
        message = message_of(sample, webhook.telling(DeliveryId("wev_1"), is_sample=True))

        assert message.headline == "✗ Sample job failed in Sample environment"
        assert message.nodes


def test_a_sample_is_of_what_the_format_tells_of():
    webhook = a_webhook(format="pagerduty", event_types=(EventType.STARTED, EventType.MISSED))

    assert sample_event(webhook, now=NOW).type is EventType.MISSED


def test_a_sample_joins_no_incident_and_no_thread_of_a_real_run_or_job():
    webhook = a_webhook(format="pagerduty")
    sample = sample_event(webhook, now=NOW)
    made_up, real = (
        message_of(
            sample,
            webhook.telling(
                DeliveryId("wev_1"), is_sample=is_sample, public_url="https://runhook.example.com"
            ),
        )
        for is_sample in (True, False)
    )

    assert made_up.correlation_key == f"{real.correlation_key}-test"
    assert made_up.run_id is None
    assert made_up.run_link is not None
    assert made_up.run_link.url == "https://runhook.example.com/accounts/123/runs"
