"""Runs as JSON: what reporters say, and what they learn."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from runhook.domain.errors import InvalidError
from runhook.domain.runs.run import (
    FinishReport,
    Progress,
    ProgressReport,
    Run,
    RunOutcome,
    RunStatus,
    RunStep,
    StartReport,
    Trigger,
    silence_in,
)
from runhook.server.api.wire import NO_NUL, Moment, Name, Sentence, Text

FIRST_YEAR, LAST_YEAR = 2000, 2200
LARGEST_NUMBER = 2**31 - 1
Short = Annotated[str, Meta(max_length=64, pattern=NO_NUL)]


class TriggerIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What triggered a run, as its reporter says."""

    system: Short = ""
    external_id: Annotated[str, Meta(max_length=255, pattern=NO_NUL)] = ""
    attempt: Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)] | None = None
    category: Short = ""
    pull_request: Annotated[int, Meta(ge=1, le=LARGEST_NUMBER)] | None = None
    link: Sentence = ""
    commit: Short = ""

    def to_trigger(self) -> Trigger:
        """The trigger."""
        return Trigger(**asdict(self))


class StartIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A reporter's word that a run has started."""

    job_name: Name
    run_key: Name | None = None
    project_name: Name = "default"
    environment_name: Name = "default"
    run_reason: Sentence = ""
    dbt_version: Short = ""
    started_at: Moment | None = None
    heartbeats: bool = False
    cancelable: bool = False
    give_up_after: Name | None = None
    trigger: TriggerIn | None = None
    late: bool = False

    def to_report(self) -> StartReport:
        """The report; a run without a key of its own gets a new one.

        Raises:
            InvalidError: a time is impossible, or ``give_up_after`` is not a span of time.
        """
        return StartReport(
            run_key=self.run_key or str(uuid.uuid4()),
            job_name=self.job_name,
            project_name=self.project_name,
            environment_name=self.environment_name,
            run_reason=self.run_reason,
            dbt_version=self.dbt_version,
            started_at=utc("started_at", self.started_at),
            heartbeats=self.heartbeats,
            cancelable=self.cancelable,
            longest_silence=None if self.give_up_after is None else silence_in(self.give_up_after),
            trigger=None if self.trigger is None else self.trigger.to_trigger(),
            is_late=self.late,
        )


UNDER_WAY = "running"
STATUS_WORDS = {
    "success": RunStatus.SUCCESS,
    "error": RunStatus.ERROR,
    "canceled": RunStatus.CANCELLED,
}


def reported_status(name: str, word: str) -> RunStatus:
    """Status for a reporter's word.

    Raises:
        InvalidError: it is not one of the three.
    """
    if word not in STATUS_WORDS:
        raise InvalidError(
            f"`{word[:40]}` is not one of `success`, `error` and `canceled`", field=name
        )
    return STATUS_WORDS[word]


class StepIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """One command of a run that is over."""

    name: Annotated[str, Meta(min_length=1, max_length=2_000)]
    status: str
    started_at: Moment | None = None
    finished_at: Moment | None = None
    logs: str = ""

    def to_step(self, name: str) -> RunStep:
        """The step; ``name`` is its path in the report.

        Raises:
            InvalidError: the status is not one of the three, or a time is impossible.
        """
        return RunStep(
            name=self.name,
            status=reported_status(f"{name}.status", self.status),
            started_at=utc(f"{name}.started_at", self.started_at),
            finished_at=utc(f"{name}.finished_at", self.finished_at),
            logs=self.logs,
        )


MOST_STEPS = 50
MOST_LOGS = 100_000
"""Characters of all steps together: a page of runs with their steps must stay a page."""


class FinishIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A reporter's word that a run is over."""

    status: str
    finished_at: Moment | None = None
    status_message: Text | None = None
    outcome: RunOutcome | None = None
    results: dict[str, Any] | None = None
    steps: Annotated[list[StepIn], Meta(max_length=MOST_STEPS)] | None = None
    dbt_version: Short | None = None
    late: bool = False

    def to_report(self) -> FinishReport:
        """The report.

        Raises:
            InvalidError: a status is not one of the three, a time is impossible, or the steps' logs
                are too long.
        """
        steps = self.steps or []
        if sum(len(step.logs) for step in steps) > MOST_LOGS:
            raise InvalidError(
                f"the logs have more than {MOST_LOGS} characters altogether", field="steps"
            )
        return FinishReport(
            status=reported_status("status", self.status),
            finished_at=utc("finished_at", self.finished_at),
            status_message=self.status_message,
            outcome=self.outcome,
            results=self.results,
            steps=tuple(step.to_step(f"steps[{at}]") for at, step in enumerate(steps)),
            dbt_version=self.dbt_version,
            is_late=self.late,
        )


def utc(name: str, moment: datetime | None) -> datetime | None:
    """A moment in UTC.

    Raises:
        InvalidError: no run can be in that year.
    """
    if moment is None:
        return None
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise InvalidError(f"the year {moment.year} cannot be right", field=name)
    return moment.astimezone(UTC)


class RunOut(Struct, kw_only=True):
    """A run as reporters see it."""

    id: int
    account_id: int
    job_id: int
    environment_id: int
    project_id: int
    run_key: str
    job_name: str
    environment_name: str
    project_name: str
    run_reason: str
    dbt_version: str
    status: int
    status_humanized: str
    status_message: str | None
    outcome: str | None
    started_at: datetime
    finished_at: datetime | None
    cancelable: bool
    cancel_requested: bool
    late: bool
    results: dict[str, Any] | None


# The Admin API's words; webhooks say Errored.
HUMANIZED = {
    RunStatus.QUEUED: "Queued",
    RunStatus.STARTING: "Starting",
    RunStatus.RUNNING: "Running",
    RunStatus.SUCCESS: "Success",
    RunStatus.ERROR: "Error",
    RunStatus.CANCELLED: "Cancelled",
}


def reported_run(run: Run) -> RunOut:
    """Show a run."""
    return RunOut(
        id=run.id,
        account_id=run.account_id,
        job_id=run.job.id,
        environment_id=run.job.environment_id,
        project_id=run.job.project_id,
        run_key=run.run_key,
        job_name=run.job.name,
        environment_name=run.job.environment_name,
        project_name=run.job.project_name,
        run_reason=run.run_reason,
        dbt_version=run.dbt_version,
        status=run.status.value,
        status_humanized=HUMANIZED[run.status],
        status_message=run.status_message,
        outcome=run.outcome.value if run.outcome else None,
        started_at=run.started_at,
        finished_at=run.finished_at,
        cancelable=run.cancelable,
        cancel_requested=run.cancel_requested_at is not None,
        late=run.is_late,
        results=None if run.results is None else dict(run.results),
    )


class StepBegunIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """One command of a run that goes on: over, or under way."""

    name: Annotated[str, Meta(min_length=1, max_length=2_000, pattern=NO_NUL)]
    status: str = UNDER_WAY
    started_at: Moment | None = None
    finished_at: Moment | None = None

    def to_step(self, name: str) -> RunStep:
        """The step; ``name`` is its path in the report.

        Raises:
            InvalidError: a step cannot have the status, or a time is impossible.
        """
        is_over = self.status != UNDER_WAY
        return RunStep(
            name=self.name,
            status=reported_status(f"{name}.status", self.status) if is_over else RunStatus.RUNNING,
            started_at=utc(f"{name}.started_at", self.started_at),
            finished_at=utc(f"{name}.finished_at", self.finished_at),
        )


class ProgressIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A reporter's word on how far a run has come."""

    steps: Annotated[list[StepBegunIn], Meta(max_length=MOST_STEPS)] = []
    planned_steps: Annotated[int, Meta(ge=1, le=LARGEST_NUMBER)] | None = None
    nodes_done: Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)] | None = None
    nodes_total: Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)] | None = None

    def to_report(self) -> ProgressReport:
        """The report.

        Raises:
            InvalidError: a step is invalid, or more nodes are done than there are.
        """
        if (self.nodes_done or 0) > (self.nodes_total or 0):
            raise InvalidError("more than `nodes_total`", field="nodes_done")
        return ProgressReport(
            steps=tuple(
                step.to_step(f"steps[{position}]") for position, step in enumerate(self.steps)
            ),
            progress=Progress(
                step=len(self.steps),
                planned_steps=self.planned_steps,
                nodes_done=self.nodes_done,
                nodes_total=self.nodes_total,
            ),
        )


class HeartbeatOut(Struct, kw_only=True):
    """What a reporter learns from its heartbeat: of a cancelable run, whether it is to end."""

    cancel_requested: bool | UnsetType = UNSET


def heartbeat_of(run: Run) -> HeartbeatOut:
    """Answer a heartbeat."""
    if not run.cancelable:
        return HeartbeatOut()
    return HeartbeatOut(cancel_requested=run.cancel_requested_at is not None)
