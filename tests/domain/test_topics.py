"""Topics lead an event to every webhook that may want it, and to few others."""

from datetime import timedelta

import pytest

from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import EnvironmentId, JobId, ProjectId
from runhook.domain.webhooks.options import Notify
from runhook.domain.webhooks.topics import topics_of_event, topics_of_webhook
from runhook.domain.webhooks.webhook import Webhook
from tests.support.builders import a_job, a_webhook

JOB = a_job(id=JobId(1), environment_id=EnvironmentId(2), project_id=ProjectId(3))
HOLD = timedelta(minutes=5)


def are_led_together(webhook: Webhook, event_type: EventType, job=JOB) -> bool:
    topics = topics_of_event(webhook.account_id, event_type, job)
    return not topics_of_webhook(webhook).isdisjoint(topics)


def events_found_by(webhook: Webhook) -> set[str]:
    return {one.value for one in EventType if are_led_together(webhook, one)}


def test_an_event_has_a_topic_for_each_scope_that_it_is_in():
    assert topics_of_event(123, EventType.ERRORED, JOB) == [
        "123 job.run.errored any",
        "123 job.run.errored job 1",
        "123 job.run.errored environment 2",
        "123 job.run.errored project 3",
    ]
    assert topics_of_event(123, EventType.DEACTIVATED, None) == ["123 webhook.deactivated any"]


def test_a_webhook_has_a_topic_for_each_event_and_narrowest_scope_and_for_all_that_narrows_it():
    webhook = a_webhook(
        event_types=(EventType.STARTED, EventType.DEACTIVATED),
        job_ids=(JobId(1), JobId(4)),
        project_ids=(ProjectId(3),),
    )

    assert topics_of_webhook(webhook) == {
        "123 job.run.started job 1",
        "123 job.run.started job 4",
        "123 webhook.deactivated any",
        "123 narrowed job 1",
        "123 narrowed job 4",
        "123 narrowed project 3",
    }


@pytest.mark.parametrize(
    ("narrowed", "is_found"),
    [
        ({}, True),
        ({"job_ids": (JobId(1),)}, True),
        ({"job_ids": (JobId(9),)}, False),
        ({"environment_ids": (EnvironmentId(2),)}, True),
        ({"environment_ids": (EnvironmentId(1),)}, False),
        ({"project_ids": (ProjectId(3),)}, True),
        ({"project_ids": (ProjectId(1),)}, False),
    ],
)
def test_an_event_finds_webhooks_that_are_narrowed_to_where_it_is(narrowed, is_found):
    assert are_led_together(a_webhook(**narrowed), EventType.COMPLETED) is is_found


def test_events_of_another_account_lead_to_no_webhook():
    others = topics_of_event(124, EventType.COMPLETED, JOB)

    assert topics_of_webhook(a_webhook()).isdisjoint(others)


@pytest.mark.parametrize(
    ("options", "selected", "found"),
    [
        ({}, EventType.ERRORED, set()),
        ({"notify": Notify.CHANGES}, EventType.ERRORED, {"job.run.completed"}),
        ({"notify": Notify.FAILURES}, EventType.MISSED, {"job.run.completed"}),
        ({"notify": Notify.CHANGES}, EventType.STARTED, set()),
        ({"hold": HOLD}, EventType.ERRORED, {"job.run.completed", "job.run.canceled"}),
        ({"hold": HOLD}, EventType.STARTED, set()),
    ],
)
def test_one_that_follows_jobs_is_found_by_what_ends_a_failure(options, selected, found):
    webhook = a_webhook(event_types=(selected,), **options)

    assert events_found_by(webhook) == {selected.value} | found
