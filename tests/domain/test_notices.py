import json

import pytest

from runhook.domain.messages.telling import DeliveryId, PayloadVersion
from runhook.domain.payload import DEACTIVATION_RENDERERS, MISSED_RENDERERS
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, JobId
from tests.support.builders import RUN_EVENTS, a_deactivation, a_missed_run, a_webhook
from tests.support.rendering import render

DELIVERY_ID = DeliveryId("wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt")


def test_a_notice_is_for_webhooks_of_its_account_that_selected_it():
    notice = a_deactivation()

    assert a_webhook(event_types=(EventType.DEACTIVATED,)).wants_notice(notice)
    assert not a_webhook(event_types=RUN_EVENTS).wants_notice(notice)
    assert not a_webhook(account_id=AccountId(456)).wants_notice(notice)


def test_a_notice_is_never_for_the_webhook_that_it_is_about():
    assert not a_webhook().wants_notice(a_deactivation(webhook_id=a_webhook().id))


def test_what_jobs_a_webhook_is_narrowed_to_keeps_no_notice_from_it():
    assert a_webhook(job_ids=(JobId(5),)).wants_notice(a_deactivation())


def test_every_payload_version_renders_notices():
    assert set(DEACTIVATION_RENDERERS) == set(MISSED_RENDERERS) == set(PayloadVersion)


def test_version_2022_05_tells_of_a_deactivation_in_its_style():
    body = render(a_deactivation(), a_webhook(), DELIVERY_ID)

    assert list(json.loads(body).items()) == [
        ("account_id", 123),
        ("event_id", DELIVERY_ID),
        ("timestamp", "2022-05-02 12:42:31"),
        ("event_type", "webhook.deactivated"),
        (
            "data",
            {
                "deactivated_webhook_id": "wsu_2PK5Gz3mJk6nVw1sT8aXyRQ4bCd",
                "deactivated_webhook_name": "Nightly to Slack",
                "deactivate_reason": "The endpoint has been failing.",
                "failing_since": "2022-05-02 10:41:31",
                "consecutive_failures": 1000,
                "webhook_name": "My Account Run Events Webhook",
            },
        ),
    ]


def test_version_2022_05_tells_of_a_missed_run_in_its_style():
    body = render(a_missed_run(), a_webhook(), DELIVERY_ID)

    assert list(json.loads(body)["data"].items()) == [
        ("job_id", "2"),
        ("job_name", "test-job"),
        ("environment_id", "121221"),
        ("environment_name", "development"),
        ("run_expected_at", "2022-05-03 10:41:31"),
        ("expected_every", "1 day"),
        ("missed_runs", 1),
        ("last_run_id", "109281092812"),
        ("last_run_started_at", "2022-05-02 10:41:31"),
        ("webhook_name", "My Account Run Events Webhook"),
        ("project_name", "My New Project"),
    ]


def test_version_2023_02_tells_of_a_missed_run_in_its_style():
    webhook = a_webhook(payload_version=PayloadVersion.V2023_02)
    body = render(a_missed_run(), webhook, DELIVERY_ID)

    assert list(json.loads(body)["data"].items()) == [
        ("jobId", "2"),
        ("jobName", "test-job"),
        ("environmentId", "121221"),
        ("environmentName", "development"),
        ("projectName", "My New Project"),
        ("projectId", "37"),
        ("runExpectedAt", "2022-05-03T10:41:31Z"),
        ("expectedEvery", "1 day"),
        ("missedRuns", 1),
        ("lastRunId", "109281092812"),
        ("lastRunStartedAt", "2022-05-02T10:41:31Z"),
    ]


@pytest.mark.parametrize("version", PayloadVersion)
def test_a_missed_run_of_a_job_whose_runs_are_gone_has_no_last_one(version):
    notice = a_missed_run(last_run_id=None, last_started_at=None)
    data = json.loads(render(notice, a_webhook(payload_version=version), DELIVERY_ID))["data"]

    assert [one for key, one in data.items() if key.startswith("last")] == ["", ""]


def test_version_2023_02_tells_of_a_deactivation_in_its_style():
    webhook = a_webhook(payload_version=PayloadVersion.V2023_02)
    body = render(a_deactivation(), webhook, DELIVERY_ID)

    assert list(json.loads(body).items()) == [
        ("accountId", 123),
        ("eventId", DELIVERY_ID),
        ("timestamp", "2022-05-02T12:42:31Z"),
        ("eventType", "webhook.deactivated"),
        ("webhookId", webhook.id),
        ("webhookName", "My Account Run Events Webhook"),
        (
            "data",
            {
                "deactivatedWebhookId": "wsu_2PK5Gz3mJk6nVw1sT8aXyRQ4bCd",
                "deactivatedWebhookName": "Nightly to Slack",
                "deactivateReason": "The endpoint has been failing.",
                "failingSince": "2022-05-02T10:41:31Z",
                "consecutiveFailures": 1000,
            },
        ),
    ]


@pytest.mark.parametrize("version", PayloadVersion)
def test_a_notice_never_tells_an_url_which_may_hold_a_secret(version):
    body = render(a_deactivation(), a_webhook(payload_version=version), DELIVERY_ID)

    assert b"http" not in body
