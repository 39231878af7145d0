"""Payload version 2023-02: what dbt Cloud sends today.

`accountId` and `runStatusCode` are numbers, every id inside `data` is a string, and
`runStatusMessage` is never null. The timestamp has fractions, the run's times do not.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from runhook.domain.messages.notices import Deactivation, MissedRun, Notice
from runhook.domain.messages.telling import Telling
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import Run, RunStatus
from runhook.domain.spans import span_text

STATUS_WORDS = {
    EventType.STARTED: ("Running", RunStatus.RUNNING),
    EventType.ERRORED: ("Errored", RunStatus.ERROR),
    EventType.CANCELED: ("Cancelled", RunStatus.CANCELLED),
}
COMPLETED_STATUS_WORDS = {
    RunStatus.SUCCESS: "Success",
    RunStatus.ERROR: "Errored",
}
ENDING_KEYS = {
    EventType.COMPLETED: "runFinishedAt",
    EventType.ERRORED: "runErroredAt",
    EventType.CANCELED: "runCanceledAt",
}


def render(event: Event, telling: Telling, beside: Mapping[str, object]) -> dict[str, object]:
    """Render the payload; key order is dbt Cloud's, and ``beside`` comes last."""
    run = event.run
    status_word, status = webhook_status(event)
    return {
        "accountId": run.account_id,
        "eventId": telling.delivery_id,
        "timestamp": precise_text(event.occurred_at),
        "eventType": event.type.value,
        "webhookId": telling.webhook_id,
        "webhookName": telling.webhook_name,
        "data": {
            "jobId": str(run.job.id),
            "jobName": run.job.name,
            "runId": str(run.id),
            "environmentId": str(run.job.environment_id),
            "environmentName": run.job.environment_name,
            "dbtVersion": run.dbt_version,
            "projectName": run.job.project_name,
            "projectId": str(run.job.project_id),
            "runStatus": status_word,
            "runStatusCode": status.value,
            "runStatusMessage": "None" if run.status_message is None else run.status_message,
            "runReason": run.run_reason,
            "runStartedAt": second_text(run.started_at),
            **ending(event.type, run),
            **beside,
        },
    }


def webhook_status(event: Event) -> tuple[str, RunStatus]:
    """Status of the event in webhooks' words (`Errored`, not the Admin API's `Error`)."""
    if event.type is EventType.COMPLETED:
        return COMPLETED_STATUS_WORDS[event.run.status], event.run.status
    return STATUS_WORDS[event.type]


def ending(event_type: EventType, run: Run) -> dict[str, str]:
    """Key with the end of a run; none for one that has only started."""
    if run.finished_at is None:
        return {}
    return {ENDING_KEYS[event_type]: second_text(run.finished_at)}


def render_deactivation(notice: Deactivation, telling: Telling) -> dict[str, object]:
    """Payload of a deactivation, which dbt Cloud does not have, in its style."""
    return {
        **around_notice(notice, telling),
        "data": {
            "deactivatedWebhookId": notice.webhook_id,
            "deactivatedWebhookName": notice.webhook_name,
            "deactivateReason": notice.reason,
            "failingSince": second_text(notice.failing_since),
            "consecutiveFailures": notice.consecutive_failures,
        },
    }


def render_missed(notice: MissedRun, telling: Telling) -> dict[str, object]:
    """Payload of a missed run, which dbt Cloud does not have, in its style."""
    return {
        **around_notice(notice, telling),
        "data": {
            "jobId": str(notice.job.id),
            "jobName": notice.job.name,
            "environmentId": str(notice.job.environment_id),
            "environmentName": notice.job.environment_name,
            "projectName": notice.job.project_name,
            "projectId": str(notice.job.project_id),
            "runExpectedAt": second_text(notice.expected_at),
            "expectedEvery": span_text(notice.expectation.every),
            "missedRuns": notice.missed_count,
            "lastRunId": "" if notice.last_run_id is None else str(notice.last_run_id),
            "lastRunStartedAt": (
                "" if notice.last_started_at is None else second_text(notice.last_started_at)
            ),
        },
    }


def second_text(time: datetime) -> str:
    """Write a time as RFC 3339 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_text(time: datetime) -> str:
    """Write a time as RFC 3339 in UTC, with its fraction's trailing zeros trimmed."""
    fraction = f".{time.microsecond:06d}".rstrip("0").rstrip(".")
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def around_notice(notice: Notice, telling: Telling) -> dict[str, object]:
    """Common keys of a notice's payload."""
    return {
        "accountId": notice.account_id,
        "eventId": telling.delivery_id,
        "timestamp": precise_text(notice.occurred_at),
        "eventType": notice.type.value,
        "webhookId": telling.webhook_id,
        "webhookName": telling.webhook_name,
    }
