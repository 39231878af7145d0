"""A made-up event, for a webhook's owner to try it out."""

from dataclasses import replace
from datetime import datetime, timedelta

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Audience
from runhook.domain.messages.notices import Deactivation, MissedRun, Notice
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.events import RESULT_EVENTS, Event, EventType
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import (
    OUTCOMES_OF_STATUS,
    EnvironmentId,
    Job,
    JobId,
    ProjectId,
    Run,
    RunId,
    RunOutcome,
    RunStatus,
    Trigger,
)
from runhook.domain.webhooks.failing import HOPELESS_SINCE, PAUSE_AFTER
from runhook.domain.webhooks.webhook import Webhook

SAMPLE_JOB = Job(
    id=JobId(123),
    name="Sample job",
    project_id=ProjectId(456),
    project_name="Sample project",
    environment_id=EnvironmentId(789),
    environment_name="Sample environment",
)
SAMPLE_EXPECTATION = Expectation(every=timedelta(days=1), grace=timedelta(minutes=15))
DURATION = timedelta(minutes=1)
SAMPLE_RESULTS = {
    "counts": {"success": 11, "error": 1},
    "failed_total": 1,
    "failed": [
        {
            "unique_id": "model.sample.orders",
            "resource_type": "model",
            "status": "error",
            "message": "Database Error in model orders: this is a sample",
            "groups": ["sales"],
            "owners": [{"name": "Sales team", "email": "sales@example.com", "group": "sales"}],
            "tags": ["nightly"],
            "path": "models/orders.sql",
            "package": "sample",
            "exposures": [{"name": "revenue", "owner_name": "Board"}],
        }
    ],
}
SAMPLE_MESSAGE = "This is a test of the webhook; nothing has failed."
SAMPLE_TRIGGER = Trigger(
    link="https://ci.example.com/runs/1",
    commit="0123456789abcdef0123456789abcdef01234567",
    pull_request=1,
)
STATUS_OF_SAMPLE = {
    EventType.STARTED: RunStatus.RUNNING,
    EventType.CANCELED: RunStatus.CANCELLED,
    EventType.COMPLETED: RunStatus.SUCCESS,
    EventType.ERRORED: RunStatus.ERROR,
}


def sample_event(webhook: Webhook, *, now: datetime) -> Event | Notice:
    """Make up an event that the webhook could get, of an invented run, job or webhook.

    It is `job.run.completed`, or the first event type that the webhook selected if not that one. In
    formats for people it is a failure, if they get any.
    """
    told = FORMATS[webhook.options.format].told_types
    types = [one for one in webhook.event_types if one in told] or webhook.event_types
    usual = [EventType.COMPLETED]
    if is_for_people(webhook):
        usual.insert(0, EventType.ERRORED)
    type_ = next((one for one in usual if one in types), types[0])
    if type_ is EventType.DEACTIVATED:
        return sample_deactivation(webhook, now=now)
    if type_ is EventType.MISSED:
        return sample_missed(webhook, now=now)
    return sample_of_run(webhook, type_, now=now)


def is_for_people(webhook: Webhook) -> bool:
    """Whether people read what a webhook sends, or are called by it."""
    return FORMATS[webhook.options.format].audience in {Audience.PEOPLE, Audience.INCIDENTS}


def is_bare(webhook: Webhook) -> bool:
    """Whether a sample needs nothing that sets runs off."""
    return FORMATS[webhook.options.format].audience is not Audience.COMMITS


def sample_deactivation(webhook: Webhook, *, now: datetime) -> Deactivation:
    """Make up a notice of an invented webhook."""
    return Deactivation(
        account_id=webhook.account_id,
        webhook_id=WebhookId("wsu_sample"),
        webhook_name="Sample webhook",
        reason="Test of this webhook",
        failing_since=now - HOPELESS_SINCE,
        consecutive_failures=PAUSE_AFTER,
        occurred_at=now,
    )


def sample_missed(webhook: Webhook, *, now: datetime) -> MissedRun:
    """Make up a notice of an invented job's missed run."""
    return MissedRun(
        account_id=webhook.account_id,
        job=SAMPLE_JOB,
        expectation=SAMPLE_EXPECTATION,
        expected_at=now - SAMPLE_EXPECTATION.grace,
        missed_count=1,
        last_run_id=RunId(12345),
        last_started_at=now - SAMPLE_EXPECTATION.grace - SAMPLE_EXPECTATION.every,
        occurred_at=now,
    )


def sample_recovery(webhook: Webhook, *, now: datetime) -> Event:
    """Make up the success of an invented run."""
    event = sample_of_run(webhook, EventType.COMPLETED, now=now)
    run = replace(
        event.run,
        status=RunStatus.SUCCESS,
        outcome=RunOutcome.COMPLETE,
        results=None,
        status_message=None,
    )
    return replace(event, run=run)


def sample_of_run(webhook: Webhook, type_: EventType, *, now: datetime) -> Event:
    """Make up an event of an invented run; a failed one, if its results are sent."""
    is_told = webhook.options.include_results or is_for_people(webhook)
    has_results = is_told and type_ in RESULT_EVENTS
    status = RunStatus.ERROR if has_results else STATUS_OF_SAMPLE[type_]
    outcomes = OUTCOMES_OF_STATUS.get(status, (None,))
    run = Run(
        id=RunId(12345),
        account_id=webhook.account_id,
        job=SAMPLE_JOB,
        run_key="sample",
        run_reason="Test of this webhook",
        dbt_version="1.9.0",
        status=status,
        outcome=RunOutcome.FAILED if has_results else outcomes[0],
        results=SAMPLE_RESULTS if has_results else None,
        status_message=SAMPLE_MESSAGE if has_results and is_for_people(webhook) else None,
        trigger=None if is_bare(webhook) and not has_results else SAMPLE_TRIGGER,
        started_at=now - DURATION,
        finished_at=now if status.is_over else None,
        created_at=now - DURATION,
    )
    return Event(type=type_, run=run, sequence=1, occurred_at=now)
