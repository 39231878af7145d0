"""Notices: facts that no run caused, and that an account's webhooks can select."""

from dataclasses import dataclass
from datetime import datetime

from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import AccountId, Job, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Deactivation:
    """A webhook was deactivated because its endpoint failed, or was gone."""

    account_id: AccountId
    webhook_id: WebhookId
    webhook_name: str
    reason: str
    failing_since: datetime
    consecutive_failures: int
    occurred_at: datetime

    @property
    def type(self) -> EventType:
        """The event type that webhooks select to be told of it."""
        return EventType.DEACTIVATED


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedRun:
    """A run that was expected has not started."""

    account_id: AccountId
    job: Job
    expectation: Expectation
    expected_at: datetime
    """When it should have started at the latest, without the grace."""
    missed_count: int
    """How many have been missed since the last one that started, this one included."""
    last_run_id: RunId | None
    """The job's newest run, None if none is kept."""
    last_started_at: datetime | None
    occurred_at: datetime

    @property
    def type(self) -> EventType:
        """The event type that webhooks select to be told of it."""
        return EventType.MISSED


Notice = Deactivation | MissedRun
