"""Made-up events, with which a webhook's owner tries it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from string import ascii_lowercase, ascii_uppercase, digits

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Audience, Draft
from runhook.domain.messages.notices import Deactivation, MissedRun, Notice
from runhook.domain.messages.telling import DeliveryId, PayloadVersion, WebhookId
from runhook.domain.runs.events import RESULT_EVENTS, Event, EventType
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import (
    OUTCOMES_OF_STATUS,
    AccountId,
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
from runhook.domain.webhooks.options import NO_OPTIONS, Options, changed_options
from runhook.domain.webhooks.renderings import Renderings
from runhook.domain.webhooks.requests import signed_request
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import Endpoint, Webhook

SAMPLE_WEBHOOK_ID = WebhookId("wsu_sample")
SAMPLE_WEBHOOK_NAME = "Sample webhook"
SAMPLE_JOB = Job(
    id=JobId(123),
    name="Sample job",
    project_id=ProjectId(456),
    project_name="Sample project",
    environment_id=EnvironmentId(789),
    environment_name="Sample environment",
)
SAMPLE_EXPECTATION = Expectation(every=timedelta(days=1), grace=timedelta(minutes=15))
SAMPLE_SETTINGS: Mapping[str, Mapping[str, object]] = {
    "email": {"to": ["data@example.com"]},
    "github_status": {"repository": "acme/warehouse", "token": "a-token-of-github"},
    "gitlab_status": {"project": "acme/warehouse", "token": "a-token-of-gitlab"},
    "jsm": {"api_key": "12345678-1234-1234-1234-123456789012"},
    "pagerduty": {"routing_key": "0123456789abcdef0123456789abcdef"},
    "template": {"body": '{"text": "{{ headline }}"}'},
}
"""Settings for the formats that require some."""
ID_ALPHABET = digits + ascii_uppercase + ascii_lowercase
ID_CHARACTERS = 27
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


def sample_request(
    type_: EventType,
    *,
    payload_version: PayloadVersion,
    format_name: str,
    settings: Mapping[str, object],
    url: str,
    secret: Secret,
    chance: bytes,
    now: datetime,
) -> Draft:
    """Make up the request of a delivery, signed.

    Args:
        type_: the event's type.
        payload_version: of dbt Cloud's payload.
        format_name: the format's name.
        settings: of the format, as JSON; made up if empty.
        url: the endpoint, unless the format's settings name it.
        secret: signs the request.
        chance: 16 bytes for the delivery's id.
        now: when it is sent.

    Raises:
        InvalidError: a setting is not valid, or the format has nothing to say of the event.
    """
    given = settings or SAMPLE_SETTINGS.get(format_name, {})
    options = changed_options(NO_OPTIONS, {"format": format_name, "format_settings": given})
    webhook = sample_webhook(
        type_,
        replace(options, payload_version=payload_version),
        now=now,
        client_url=FORMATS[format_name].address(options.settings) or url,
    )
    delivery_id = DeliveryId(f"wev_{base62(chance)}")
    event = sample_event(webhook, now=now, type_=type_)
    rendered = Renderings(is_sample=True).of(webhook, event, delivery_id)
    endpoint = Endpoint(
        webhook_id=webhook.id,
        client_url=webhook.client_url,
        secrets=(secret,),
        options=webhook.options,
    )
    return signed_request(endpoint, rendered, delivery_id=delivery_id, now=now)


def sample_webhook(
    type_: EventType, options: Options, *, now: datetime, client_url: str = ""
) -> Webhook:
    """Make up a webhook that gets events of a type."""
    return Webhook(
        id=SAMPLE_WEBHOOK_ID,
        account_id=AccountId(1),
        name=SAMPLE_WEBHOOK_NAME,
        client_url=client_url,
        event_types=(type_,),
        options=options,
        created_at=now,
        updated_at=now,
    )


def base62(chance: bytes) -> str:
    """Write bytes as ids are written, in 27 letters and digits."""
    number, text = int.from_bytes(chance, "big"), ""
    for _ in range(ID_CHARACTERS):
        number, digit = divmod(number, len(ID_ALPHABET))
        text = ID_ALPHABET[digit] + text
    return text


def sample_event(
    webhook: Webhook, *, now: datetime, type_: EventType | None = None
) -> Event | Notice:
    """Make up an event of an invented run, job or webhook.

    Args:
        webhook: the webhook that gets it.
        now: when it happens.
        type_: any type that the webhook's format can render; None for ``usual_type``.

    Raises:
        InvalidError: the webhook's format has nothing to say of such an event.
    """
    if type_ is None:
        type_ = usual_type(webhook)
    elif type_ not in FORMATS[webhook.options.format].told_types:
        raise InvalidError(
            f"{webhook.format_title} has nothing to say of `{type_.value}`", field="event_type"
        )
    if type_ is EventType.DEACTIVATED:
        return sample_deactivation(webhook, now=now)
    if type_ is EventType.MISSED:
        return sample_missed(webhook, now=now)
    return sample_of_run(webhook, type_, now=now)


def usual_type(webhook: Webhook) -> EventType:
    """The event type of a test that asks for none.

    It is `job.run.completed`, or the first event type that the webhook selected if not that one. In
    formats for people it is a failure, if they get any.
    """
    told = FORMATS[webhook.options.format].told_types
    types = [one for one in webhook.event_types if one in told] or webhook.event_types
    usual = [EventType.COMPLETED]
    if is_for_people(webhook):
        usual.insert(0, EventType.ERRORED)
    return next((one for one in usual if one in types), types[0])


def is_for_people(webhook: Webhook) -> bool:
    """Whether people read a webhook's messages, or are paged by them."""
    return FORMATS[webhook.options.format].audience in {Audience.PEOPLE, Audience.INCIDENTS}


def is_bare(webhook: Webhook) -> bool:
    """Whether a sample run needs no trigger."""
    return FORMATS[webhook.options.format].audience is not Audience.COMMITS


def sample_deactivation(webhook: Webhook, *, now: datetime) -> Deactivation:
    """Make up a notice of an invented webhook."""
    return Deactivation(
        account_id=webhook.account_id,
        webhook_id=SAMPLE_WEBHOOK_ID,
        webhook_name=SAMPLE_WEBHOOK_NAME,
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
