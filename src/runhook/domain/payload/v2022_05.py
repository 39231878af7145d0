"""Payload version 2022-05: the webhooks page of dbt Cloud as it was in May 2022.

Every id inside `data` is a string, `account_id` is a number; times are UTC, to the second.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from runhook.domain.messages.notices import Deactivation, MissedRun, Notice
from runhook.domain.messages.telling import Telling
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import SCHEDULED, Run
from runhook.domain.spans import span_text


def render(event: Event, telling: Telling, beside: Mapping[str, object]) -> dict[str, object]:
    """Render the payload; key order is the documentation's, and ``beside`` comes last."""
    run = event.run
    return {
        "account_id": run.account_id,
        "event_id": telling.delivery_id,
        "timestamp": clock_text(event.occurred_at),
        "event_type": event.type.value,
        "data": {
            "run_reason": "job_scheduled" if run.run_reason == SCHEDULED else run.run_reason,
            "job_id": str(run.job.id),
            "job_name": run.job.name,
            "run_id": str(run.id),
            "environment_id": str(run.job.environment_id),
            "environment_name": run.job.environment_name,
            "run_started_at": clock_text(run.started_at),
            **ending(event.type, run),
            "webhook_name": telling.webhook_name,
            "dbt_version": run.dbt_version,
            "project_name": run.job.project_name,
            **beside,
        },
    }


def ending(event_type: EventType, run: Run) -> dict[str, str]:
    """Keys about the end of a run; none for one that has only started."""
    if run.finished_at is None:
        return {}
    ended_at = clock_text(run.finished_at)
    status = run.outcome.value if run.outcome else ""
    return {
        EventType.CANCELED: {"run_canceled_at": ended_at},
        EventType.COMPLETED: {"run_finished_at": ended_at, "run_status": status},
        EventType.ERRORED: {"run_errored_at": ended_at, "run_status": status},
    }[event_type]


def render_deactivation(notice: Deactivation, telling: Telling) -> dict[str, object]:
    """Payload of a deactivation, which dbt's documentation does not have, in its style."""
    return {
        **around_notice(notice, telling),
        "data": {
            "deactivated_webhook_id": notice.webhook_id,
            "deactivated_webhook_name": notice.webhook_name,
            "deactivate_reason": notice.reason,
            "failing_since": clock_text(notice.failing_since),
            "consecutive_failures": notice.consecutive_failures,
            "webhook_name": telling.webhook_name,
        },
    }


def render_missed(notice: MissedRun, telling: Telling) -> dict[str, object]:
    """Payload of a missed run, which dbt's documentation does not have, in its style."""
    return {
        **around_notice(notice, telling),
        "data": {
            "job_id": str(notice.job.id),
            "job_name": notice.job.name,
            "environment_id": str(notice.job.environment_id),
            "environment_name": notice.job.environment_name,
            "run_expected_at": clock_text(notice.expected_at),
            "expected_every": span_text(notice.expectation.every),
            "missed_runs": notice.missed_count,
            "last_run_id": "" if notice.last_run_id is None else str(notice.last_run_id),
            "last_run_started_at": (
                "" if notice.last_started_at is None else clock_text(notice.last_started_at)
            ),
            "webhook_name": telling.webhook_name,
            "project_name": notice.job.project_name,
        },
    }


def clock_text(time: datetime) -> str:
    """Write a time as the page does."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def around_notice(notice: Notice, telling: Telling) -> dict[str, object]:
    """Common keys of a notice's payload."""
    return {
        "account_id": notice.account_id,
        "event_id": telling.delivery_id,
        "timestamp": clock_text(notice.occurred_at),
        "event_type": notice.type.value,
    }
