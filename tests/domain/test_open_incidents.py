"""Which webhooks follow jobs, and what stays open somewhere when such a webhook changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import JobId
from runhook.domain.webhooks.incidents import (
    OUTDATED_INCIDENT,
    OUTDATED_NEWS,
    follows,
    forgets_jobs,
    idle_incidents,
    idle_warning,
    left_open_by,
    left_open_warning,
    manner_of,
    outdated_warning,
    usual_notify,
)
from runhook.domain.webhooks.options import Notify
from runhook.domain.webhooks.webhook import Webhook
from tests.support.builders import a_job, a_webhook

FIRST, SECOND = a_job(id=JobId(1)), a_job(id=JobId(2))
PAGER = a_webhook(format="pagerduty", job_ids=(FIRST.id, SECOND.id))
CHAT = a_webhook(format="slack")
PROGRAM = a_webhook()


def with_options(webhook: Webhook, **options: object) -> Webhook:
    return replace(webhook, options=replace(webhook.options, **options))


@pytest.mark.parametrize(
    ("name", "notify"),
    [
        ("dbt_cloud", Notify.EVERY),
        ("cloudevents", Notify.EVERY),
        ("template", Notify.EVERY),
        ("github_status", Notify.EVERY),
        ("slack", Notify.CHANGES),
        ("email", Notify.CHANGES),
        ("pagerduty", Notify.CHANGES),
        ("jsm", Notify.CHANGES),
    ],
)
def test_people_are_told_of_changes_and_programs_of_every_event(name: str, notify: Notify):
    assert usual_notify(name) is notify


@pytest.mark.parametrize(
    ("webhook", "warning"),
    [
        (PAGER, OUTDATED_INCIDENT),
        (with_options(PAGER, notify=Notify.CHANGES), OUTDATED_INCIDENT),
        (with_options(CHAT, notify=Notify.CHANGES), OUTDATED_NEWS),
        (with_options(PROGRAM, notify=Notify.FAILURES), OUTDATED_NEWS),
        (CHAT, ""),
        (PROGRAM, ""),
        (with_options(PROGRAM, hold=timedelta(minutes=5)), ""),
    ],
)
def test_an_old_event_sent_again_may_mislead_where_not_each_is_told(webhook: Webhook, warning: str):
    assert outdated_warning(webhook.options) == warning


@pytest.mark.parametrize(
    ("webhook", "is_followed"),
    [
        (PROGRAM, False),
        (CHAT, False),
        (PAGER, True),
        (with_options(PROGRAM, notify=Notify.FAILURES), True),
        (with_options(PROGRAM, hold=timedelta(minutes=5)), True),
        (replace(PAGER, active=False), True),
        (replace(PAGER, job_ids=(SECOND.id,)), False),
        (replace(PAGER, event_types=(EventType.STARTED,)), True),
    ],
)
def test_a_webhook_follows_its_jobs_where_one_event_depends_on_another(
    webhook: Webhook, *, is_followed: bool
):
    assert follows(webhook, FIRST) is is_followed


@pytest.mark.parametrize(
    ("before", "after", "forgets"),
    [
        (PAGER, PAGER, False),
        (PAGER, replace(PAGER, name="other", event_types=(EventType.ERRORED,)), False),
        (PAGER, replace(PAGER, active=False), False),
        (PAGER, replace(PAGER, moves=1), True),
        (PROGRAM, PAGER, True),
        (PAGER, PROGRAM, True),
        (PROGRAM, PROGRAM, True),
    ],
)
def test_what_was_told_is_void_for_a_webhook_that_did_not_follow_its_jobs(
    before: Webhook, after: Webhook, *, forgets: bool
):
    assert forgets_jobs(before, after) is forgets


@pytest.mark.parametrize(
    ("after", "count"),
    [
        (PAGER, 0),
        (None, 2),
        (replace(PAGER, event_types=(EventType.STARTED, EventType.CANCELED)), 2),
        (replace(PAGER, event_types=(EventType.MISSED,)), 0),
        (replace(PAGER, job_ids=(SECOND.id,)), 1),
        (replace(PAGER, job_ids=(JobId(3),)), 2),
        (replace(PAGER, active=False), 0),
    ],
)
def test_incidents_stay_open_that_a_change_keeps_from_being_ended(
    after: Webhook | None, count: int
):
    assert left_open_by(PAGER, after, [FIRST, SECOND], is_other_key=False) == count
    assert left_open_by(PAGER, after, [], is_other_key=True) == 0
    assert left_open_by(CHAT, after, [FIRST, SECOND], is_other_key=True) == 0


def test_incidents_stay_open_with_somebody_to_whom_nothing_is_sent_any_more():
    assert left_open_by(PAGER, PAGER, [FIRST, SECOND], is_other_key=True) == 2


def test_incidents_wait_for_a_webhook_that_is_not_active():
    inactive = replace(PAGER, active=False, job_ids=(FIRST.id,))

    assert idle_incidents(inactive, [FIRST, SECOND]) == 1
    assert idle_incidents(PAGER, [FIRST, SECOND]) == 0
    assert idle_incidents(replace(CHAT, active=False), [FIRST, SECOND]) == 0


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, ""),
        (1, "1 alert stays open in PagerDuty, and Runhook no longer ends it: do so there."),
        (2, "2 alerts stay open in PagerDuty, and Runhook no longer ends them: do so there."),
    ],
)
def test_what_stays_open_is_said(count: int, sentence: str):
    assert left_open_warning("PagerDuty", count) == sentence


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, ""),
        (
            1,
            (
                "1 alert stays open in PagerDuty while the webhook is not active. Once that is "
                "active again, its job's next success ends it; or end it there by hand."
            ),
        ),
        (
            2,
            (
                "2 alerts stay open in PagerDuty while the webhook is not active. Once that is "
                "active again, each job's next success ends its own; or end them there by hand."
            ),
        ),
    ],
)
def test_what_waits_for_a_webhook_to_be_active_is_said(count: int, sentence: str):
    assert idle_warning("PagerDuty", count) == sentence


@pytest.mark.parametrize(
    ("webhook", "is_once"),
    [
        (PROGRAM, False),
        (CHAT, True),
        (PAGER, True),
        (a_webhook(format="github_status"), True),
        (with_options(PROGRAM, notify=Notify.FAILURES), True),
    ],
)
def test_a_program_is_told_of_both_events_of_a_failed_run_and_others_of_the_first(
    webhook: Webhook, *, is_once: bool
):
    assert manner_of(webhook).tells_ends_once is is_once


def test_a_webhook_is_told_as_long_as_it_is_active():
    assert manner_of(CHAT).is_active
    assert not manner_of(replace(CHAT, active=False)).is_active
