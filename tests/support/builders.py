"""Values of the domain as tests need them: whole and valid, with the fields that matter overridden.

What is not overridden is as in the examples of dbt Cloud's webhooks page of 2022.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from runhook.domain.messages.notices import Deactivation, MissedRun
from runhook.domain.messages.telling import PayloadVersion, WebhookId
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.node_filters import NodeFilter
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
    RunStep,
    Trigger,
)
from runhook.domain.webhooks.failing import Health
from runhook.domain.webhooks.options import NO_OPTIONS, OPTIONS, Options, ResultFilter
from runhook.domain.webhooks.webhook import Webhook

STARTED_AT = datetime(2022, 5, 2, 10, 41, 31, tzinfo=UTC)
FINISHED_AT = datetime(2022, 5, 2, 10, 42, 31, tzinfo=UTC)
OCCURRED_AT = datetime(2022, 5, 2, 12, 42, 31, tzinfo=UTC)

JOB = Job(
    id=JobId(2),
    name="test-job",
    project_id=ProjectId(37),
    project_name="My New Project",
    environment_id=EnvironmentId(121221),
    environment_name="development",
)
RUNNING = Run(
    id=RunId(109281092812),
    account_id=AccountId(123),
    job=JOB,
    run_key="nightly-2022-05-02",
    run_reason="job_scheduled",
    dbt_version="1.0.0",
    status=RunStatus.RUNNING,
    started_at=STARTED_AT,
    created_at=STARTED_AT,
)
WEBHOOK = Webhook(
    id=WebhookId("wsu_2PK4VE772408oHuYxq9BYDN6ONi"),
    account_id=AccountId(123),
    name="My Account Run Events Webhook",
    client_url="https://receiver.example.com/dbt",
    event_types=tuple(EventType),
    created_at=STARTED_AT,
    updated_at=STARTED_AT,
)
STATUS_OF_EVENT = {
    EventType.STARTED: RunStatus.RUNNING,
    EventType.CANCELED: RunStatus.CANCELLED,
    EventType.COMPLETED: RunStatus.SUCCESS,
    EventType.ERRORED: RunStatus.ERROR,
}
RUN_EVENTS = tuple(STATUS_OF_EVENT)
DEACTIVATION = Deactivation(
    account_id=AccountId(123),
    webhook_id=WebhookId("wsu_2PK5Gz3mJk6nVw1sT8aXyRQ4bCd"),
    webhook_name="Nightly to Slack",
    reason="The endpoint has been failing.",
    failing_since=STARTED_AT,
    consecutive_failures=1_000,
    occurred_at=OCCURRED_AT,
)


MISSED_RUN = MissedRun(
    account_id=AccountId(123),
    job=JOB,
    expectation=Expectation.of("1 day", "15 minutes"),
    expected_at=STARTED_AT + timedelta(days=1),
    missed_count=1,
    last_run_id=RunId(109281092812),
    last_started_at=STARTED_AT,
    occurred_at=OCCURRED_AT + timedelta(days=1),
)


class JobFields(TypedDict, total=False):
    id: JobId
    name: str
    project_id: ProjectId
    project_name: str
    environment_id: EnvironmentId
    environment_name: str


class RunFields(TypedDict, total=False):
    id: RunId
    account_id: AccountId
    job: Job
    run_key: str
    run_reason: str
    dbt_version: str
    status: RunStatus
    status_message: str | None
    outcome: RunOutcome | None
    results: Mapping[str, object] | None
    steps: tuple[RunStep, ...]
    started_at: datetime
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    heartbeats: bool
    cancelable: bool
    longest_silence: timedelta
    lost_at: datetime | None
    trigger: Trigger | None
    is_late: bool
    created_at: datetime
    event_count: int


class EventFields(TypedDict, total=False):
    type: EventType
    run: Run
    sequence: int
    occurred_at: datetime
    has_new_failures: bool


class DeactivationFields(TypedDict, total=False):
    account_id: AccountId
    webhook_id: WebhookId
    webhook_name: str
    reason: str
    failing_since: datetime
    consecutive_failures: int
    occurred_at: datetime


class MissedRunFields(TypedDict, total=False):
    account_id: AccountId
    job: Job
    expected_at: datetime
    missed_count: int
    last_run_id: RunId | None
    last_started_at: datetime | None
    occurred_at: datetime


class WebhookFields(TypedDict, total=False):
    id: WebhookId
    account_id: AccountId
    name: str
    description: str
    client_url: str
    event_types: tuple[EventType, ...]
    job_ids: tuple[JobId, ...]
    environment_ids: tuple[EnvironmentId, ...]
    active: bool
    payload_version: PayloadVersion
    include_results: bool
    format: str
    result_filter: tuple[ResultFilter, ...]
    node_filter: NodeFilter | None
    deactivate_reason: str | None
    health: Health
    http_status_code: int | None
    dispatched_at: datetime | None
    created_at: datetime
    updated_at: datetime


def a_job(**fields: Unpack[JobFields]) -> Job:
    """A job with its project and environment."""
    return replace(JOB, **fields)


def a_run(**fields: Unpack[RunFields]) -> Run:
    """A run of ``a_job()`` that is going on; with a status that ends runs, one that has ended."""
    status = fields.get("status", RunStatus.RUNNING)
    if status.is_over:
        fields.setdefault("outcome", OUTCOMES_OF_STATUS[status][0])
        fields.setdefault("finished_at", FINISHED_AT)
    return replace(RUNNING, **fields)


def an_event(**fields: Unpack[EventFields]) -> Event:
    """A run's first event, `job.run.completed` if not told otherwise, of a run that fits it."""
    type_ = fields.setdefault("type", EventType.COMPLETED)
    fields.setdefault("run", a_run(status=STATUS_OF_EVENT[type_]))
    return replace(
        Event(type=type_, run=fields["run"], sequence=1, occurred_at=OCCURRED_AT), **fields
    )


def a_deactivation(**fields: Unpack[DeactivationFields]) -> Deactivation:
    """A notice of another webhook of ``a_webhook()``'s account."""
    return replace(DEACTIVATION, **fields)


def a_missed_run(**fields: Unpack[MissedRunFields]) -> MissedRun:
    """A notice of a run of ``a_job()`` that did not start."""
    return replace(MISSED_RUN, **fields)


def a_webhook(*, options: Options = NO_OPTIONS, **fields: Unpack[WebhookFields]) -> Webhook:
    """An active webhook that wants every event of every job, in payload version 2022-05.

    Its options can be given by their own names.
    """
    chosen = {one.name: fields.pop(one.name) for one in OPTIONS if one.name in fields}
    return replace(WEBHOOK, options=replace(options, **chosen), **fields)
