import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Audience, Draft
from runhook.domain.messages.message import message_of
from runhook.domain.messages.notices import Deactivation, MissedRun
from runhook.domain.messages.telling import DeliveryId, PayloadVersion
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import RunOutcome, RunStatus
from runhook.domain.webhooks.samples import (
    DURATION,
    SAMPLE_JOB,
    SAMPLE_RESULTS,
    SAMPLE_SETTINGS,
    SAMPLE_TRIGGER,
    base62,
    sample_event,
    sample_recovery,
    sample_request,
    usual_type,
)
from runhook.domain.webhooks.signature import Secret, authorization_signature
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


def test_a_sample_is_of_a_run_that_took_a_minute():
    sample = sample_event(a_webhook(include_results=True), now=NOW)
    assert isinstance(sample, Event)
    run = sample.run

    assert (sample.type, sample.sequence, sample.occurred_at) == (EventType.COMPLETED, 1, NOW)
    assert (run.id, run.account_id, run.job) == (12345, a_webhook().account_id, SAMPLE_JOB)
    assert (run.run_key, run.run_reason, run.dbt_version) == (
        "sample",
        "Test of this webhook",
        "1.9.0",
    )
    assert (run.status, run.outcome) == (RunStatus.ERROR, RunOutcome.FAILED)
    assert (run.results, run.status_message) == (SAMPLE_RESULTS, None)
    assert (run.started_at, run.finished_at, run.created_at) == (
        NOW - DURATION,
        NOW,
        NOW - DURATION,
    )
    assert run.trigger == SAMPLE_TRIGGER


def test_a_sample_of_a_run_that_goes_on_has_no_end_and_nothing_to_tell_of_nodes():
    sample = sample_event(a_webhook(event_types=(EventType.STARTED,)), now=NOW)
    assert isinstance(sample, Event)

    assert (sample.run.status, sample.run.outcome) == (RunStatus.RUNNING, None)
    assert (sample.run.finished_at, sample.run.results, sample.run.trigger) == (None, None, None)


def test_a_sample_of_a_recovery_is_of_a_run_that_succeeded():
    event = sample_recovery(a_webhook(format="slack"), now=NOW)

    assert (event.type, event.occurred_at) == (EventType.COMPLETED, NOW)
    assert (event.run.status, event.run.outcome) == (RunStatus.SUCCESS, RunOutcome.COMPLETE)
    assert (event.run.results, event.run.status_message) == (None, None)


def test_samples_of_notices_are_of_a_job_and_a_webhook_that_are_made_up():
    missed = sample_event(a_webhook(event_types=(EventType.MISSED,)), now=NOW)
    deactivated = sample_event(a_webhook(event_types=(EventType.DEACTIVATED,)), now=NOW)

    assert isinstance(missed, MissedRun)
    assert (missed.job, missed.account_id) == (SAMPLE_JOB, a_webhook().account_id)
    assert (missed.missed_count, missed.last_run_id, missed.occurred_at) == (1, 12345, NOW)
    assert missed.expected_at == NOW - timedelta(minutes=15)
    assert missed.last_started_at == NOW - timedelta(days=1, minutes=15)
    assert isinstance(deactivated, Deactivation)
    assert (deactivated.webhook_id, deactivated.webhook_name) == ("wsu_sample", "Sample webhook")
    assert (deactivated.reason, deactivated.occurred_at) == ("Test of this webhook", NOW)
    assert deactivated.failing_since < NOW
    assert deactivated.consecutive_failures > 0


def test_bytes_are_written_as_ids_that_sort_as_they_do():
    assert base62(bytes(16)) == "0" * 27
    assert base62(bytes(15) + b"\x3e") == "0" * 25 + "10"
    assert base62(bytes(15) + b"\x3d") == "0" * 26 + "z"
    assert base62(b"\x01" + bytes(15)) > base62(b"\x00" + b"\xff" * 15)


def sample(type_: EventType = EventType.COMPLETED, **given: object) -> Draft:
    """A sample request, of dbt Cloud's payload unless said otherwise."""
    usual = {
        "payload_version": PayloadVersion.V2023_02,
        "format_name": "dbt_cloud",
        "settings": {},
        "url": "https://receiver.example.com/dbt",
        "secret": Secret.from_bytes(bytes(32)),
        "chance": bytes(16),
        "now": NOW,
    }
    return sample_request(type_, **(usual | given))


@pytest.mark.parametrize("type_", EventType)
def test_a_sample_request_is_of_the_event_that_is_asked_for(type_):
    draft = sample(type_)
    body = json.loads(draft.body)

    assert body["eventType"] == type_.value
    assert (body["webhookId"], body["webhookName"]) == ("wsu_sample", "Sample webhook")
    assert body["eventId"] == draft.headers["webhook-id"]
    assert body["timestamp"] == "2026-03-01T12:00:00Z"


def test_a_sample_request_says_in_the_service_that_it_is_none_of_a_real_run():
    alert = json.loads(sample(EventType.ERRORED, format_name="pagerduty").body)

    assert alert["dedup_key"].endswith("-test")


def test_settings_of_a_sample_request_are_those_that_are_given():
    settings = {"routing_key": "f" * 32, "region": "eu"}

    draft = sample(EventType.ERRORED, format_name="pagerduty", settings=settings)

    assert draft.url == "https://events.eu.pagerduty.com/v2/enqueue"
    assert json.loads(draft.body)["routing_key"] == "f" * 32


def test_a_sample_of_what_a_format_says_nothing_of_is_refused():
    with pytest.raises(InvalidError) as refused:
        sample(EventType.STARTED, format_name="pagerduty")

    assert refused.value.field == "event_type"
    assert refused.value.sentence == "PagerDuty has nothing to say of `job.run.started`"


@pytest.mark.parametrize(
    ("format_", "selected", "told"),
    [
        ("dbt_cloud", (EventType.ERRORED, EventType.COMPLETED), EventType.COMPLETED),
        ("dbt_cloud", (EventType.ERRORED, EventType.STARTED), EventType.ERRORED),
        ("slack", (EventType.COMPLETED, EventType.ERRORED), EventType.ERRORED),
        ("slack", (EventType.STARTED, EventType.COMPLETED), EventType.COMPLETED),
        ("pagerduty", (EventType.STARTED,), EventType.STARTED),
    ],
)
def test_a_sample_that_asks_for_no_event_is_of_the_most_telling_one(format_, selected, told):
    assert usual_type(a_webhook(format=format_, event_types=selected)) is told


def test_people_are_told_that_a_sample_is_a_test():
    event = sample_event(a_webhook(format="slack"), now=NOW)
    assert isinstance(event, Event)

    assert event.run.status_message == "This is a test of the webhook; nothing has failed."


@pytest.mark.parametrize("version", PayloadVersion)
def test_a_sample_request_is_signed_and_goes_where_it_is_told_to(version):
    secret = Secret.from_bytes(bytes(32))
    draft = sample(payload_version=version, secret=secret)

    assert (draft.method, draft.url) == ("POST", "https://receiver.example.com/dbt")
    assert draft.headers["Authorization"] == authorization_signature(secret, draft.body)
    assert draft.headers["webhook-id"] == "wev_" + "0" * 27
    body = json.loads(draft.body)
    assert body.get("accountId", body.get("account_id")) == 1
    assert ("accountId" in body) is (version is PayloadVersion.V2023_02)


@pytest.mark.parametrize("name", SAMPLE_SETTINGS)
def test_a_sample_has_settings_where_a_format_has_to_have_some(name):
    is_incident = FORMATS[name].audience is Audience.INCIDENTS
    draft = sample(EventType.ERRORED if is_incident else EventType.COMPLETED, format_name=name)

    assert draft.body
