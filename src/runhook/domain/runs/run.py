"""Runs: one execution of a dbt job, its states, and the only ways to change them.

Statuses and their numbers are dbt Cloud's (Admin API v2). A run is started once and finished once;
a report that repeats what is known changes nothing, one that contradicts it is refused.

A run whose reporter falls silent for too long is lost: it ends without its reporter's word. Only
that word ends this: a finish that comes after all corrects the record, once, and is from then on
what other finishes are compared with. A heartbeat or a cancellation leaves a lost run as it is.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NewType

from runhook.domain.errors import ConflictError, InvalidError
from runhook.domain.spans import span_in, span_text

AccountId = NewType("AccountId", int)
ProjectId = NewType("ProjectId", int)
EnvironmentId = NewType("EnvironmentId", int)
JobId = NewType("JobId", int)
RunId = NewType("RunId", int)

SCHEDULED = "scheduled"
"""The run_reason of a run that a schedule started, in dbt Cloud's word of today."""


class RunStatus(IntEnum):
    """dbt Cloud's run statuses."""

    QUEUED = 1
    STARTING = 2
    RUNNING = 3
    SUCCESS = 10
    ERROR = 20
    CANCELLED = 30

    @property
    def is_over(self) -> bool:
        """Whether a run in this status has ended."""
        return self >= RunStatus.SUCCESS


class RunOutcome(StrEnum):
    """How a run that was not canceled ended, finer than its status.

    These are the values of `run_status` in payload version 2022-05.
    """

    COMPLETE = "complete"
    """Everything succeeded."""
    FAILED = "failed"
    """dbt ran, and models or tests failed."""
    ERRORED = "errored"
    """dbt could not run: usage, compilation, killed, lost."""


OUTCOMES_OF_STATUS: Mapping[RunStatus, tuple[RunOutcome | None, ...]] = {
    RunStatus.SUCCESS: (RunOutcome.COMPLETE,),
    # The first is for reporters that do not know.
    RunStatus.ERROR: (RunOutcome.ERRORED, RunOutcome.FAILED),
    RunStatus.CANCELLED: (None,),
}

LONGEST_SILENCE: Mapping[bool, timedelta] = {True: timedelta(minutes=5), False: timedelta(hours=24)}
"""How long nothing may be heard of a run before it is lost, unless its reporter says otherwise:
whether it promised heartbeats decides. `runhook run` sends one every 30 seconds, so that a
suspended machine or a short outage of the network loses no run."""
SHORTEST_SILENCE, MOST_SILENCE = LONGEST_SILENCE[True], timedelta(days=7)
"""Bounds of what a reporter may ask for; after a week a client drops unsent reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A dbt job with the project and environment it belongs to."""

    id: JobId
    name: str
    project_id: ProjectId
    project_name: str
    environment_id: EnvironmentId
    environment_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """One command of a run, such as `dbt build`. ``logs`` is what it printed, or a part of it."""

    name: str
    status: RunStatus
    started_at: datetime | None = None
    finished_at: datetime | None = None
    logs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What set a run off, as far as its reporter knows; an empty text where it does not.

    ``system`` is the scheduler or CI system, ``external_id`` its own name for this execution,
    ``attempt`` counts its tries of it; ``category`` is one of dbt Cloud's
    (DBT_CLOUD_RUN_REASON_CATEGORY), such as `scheduled` or `github_pull_request`.
    """

    system: str = ""
    external_id: str = ""
    attempt: int | None = None
    category: str = ""
    pull_request: int | None = None
    link: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReport:
    """A reporter says: this run of this job has started.

    ``run_key`` is the reporter's own name for the run: the same key and facts again are the same
    run. ``dbt_version`` is empty where it is not known yet; ``started_at`` None means now.
    ``heartbeats`` is the promise to send them, ``cancelable`` the promise to end the run if a
    heartbeat's answer asks for it, and ``longest_silence`` how long nothing may be heard of it,
    None for the usual time; these are facts. A report that ``is_late`` was held up on its way; it
    says the same as one that was not.
    """

    run_key: str
    job_name: str
    project_name: str
    environment_name: str
    run_reason: str
    dbt_version: str
    started_at: datetime | None = None
    heartbeats: bool = False
    cancelable: bool = False
    longest_silence: timedelta | None = None
    trigger: Trigger | None = None
    is_late: bool = False

    def fingerprint(self) -> str:
        """A digest that only reports of the same facts share, whatever release makes it.

        It is kept with the run, and the report may be repeated after an upgrade. So facts go in by
        name and only where they differ from the default: a field that is added later changes no
        digest of a report that does not give it.
        """
        facts = _given(self)
        facts.pop("is_late", None)
        return hashlib.sha256(
            json.dumps(facts, default=_plain, sort_keys=True).encode()
        ).hexdigest()


def _given(record: StartReport | Trigger) -> dict[str, object]:
    """What a report says beyond its defaults, by name."""
    values = {one.name: (getattr(record, one.name), one.default) for one in fields(record)}
    return {name: value for name, (value, default) in values.items() if value != default}


def _plain(fact: object) -> object:
    """Write a fact that JSON does not have in a way that stays the same."""
    match fact:
        case datetime():
            return fact.astimezone(UTC).isoformat()
        case timedelta():
            return fact.total_seconds()
        case Trigger():
            return _given(fact)
    raise TypeError(f"a report has no {type(fact).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishReport:
    """A reporter says: this run is over, and how it ended.

    ``status_message`` is a sentence for people; ``outcome`` None takes the usual one of the
    status; ``results`` is the reporter's summary of dbt's node results; ``steps`` are the run's
    commands in their order, if the reporter distinguishes them; ``dbt_version`` None leaves what
    the start said. ``is_late`` as in ``StartReport``.
    """

    status: RunStatus
    finished_at: datetime | None = None
    status_message: str | None = None
    outcome: RunOutcome | None = None
    results: Mapping[str, object] | None = None
    steps: tuple[RunStep, ...] = ()
    dbt_version: str | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run that goes on has come, as far as its reporter knows; None where it does not."""

    step: int = 0
    """How many steps have begun."""
    planned_steps: int | None = None
    """How many steps there will be, those that are over included."""
    nodes_done: int | None = None
    """How many nodes of the step that goes on are over."""
    nodes_total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReport:
    """A reporter says how far a run has come: ``steps`` are those that have begun."""

    steps: tuple[RunStep, ...] = ()
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job, as Runhook knows it. Times are aware and in UTC."""

    id: RunId
    account_id: AccountId
    job: Job
    run_key: str
    run_reason: str
    dbt_version: str
    heartbeats: bool = False
    """Whether its reporter promised to send them."""
    cancelable: bool = False
    """Whether its reporter lets others end it."""
    longest_silence: timedelta = LONGEST_SILENCE[False]
    """How long nothing may be heard of it before it is lost."""
    status: RunStatus
    status_message: str | None = None
    outcome: RunOutcome | None = None
    results: Mapping[str, object] | None = None
    steps: tuple[RunStep, ...] = ()
    """Steps reported so far; ``steps.steps_of`` has what is shown."""
    progress: Progress | None = None
    """None once the run is over, or if none was reported."""
    started_at: datetime
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    """When its cancellation was requested by a user, or announced by its reporter."""
    lost_at: datetime | None = None
    """When it was given up; None again once its reporter has reported the end."""
    trigger: Trigger | None = None
    is_late: bool = False
    """Whether its start or its end was reported later than it happened."""
    created_at: datetime
    event_count: int = 0
    """How many events this run has given rise to so far."""

    @property
    def is_lost(self) -> bool:
        """Whether it ended without its reporter's word."""
        return self.lost_at is not None


class RunKeyTakenError(ConflictError):
    """A run with this run_key was reported before, with other facts."""


class RunAlreadyFinishedError(ConflictError):
    """The run was already finished, with other facts."""


class RunNotCancelableError(ConflictError):
    """The run's reporter does not let others end it."""


def finish(run: Run, report: FinishReport, *, now: datetime) -> Run:
    """End a run; the same object if the report changes nothing.

    Of a lost run the first report counts, whichever status it names.

    Raises:
        InvalidError: the status does not end a run, or the outcome does not fit the status.
        RunAlreadyFinishedError: the run had ended otherwise.
    """
    outcome = outcome_of(report)
    if run.status.is_over and not run.is_lost:
        if same_ending(run, report, outcome):
            return run
        raise RunAlreadyFinishedError(
            f"Run {run.id} already ended as {run.status.name.lower()}, with other facts than these."
        )
    return replace(
        run,
        status=report.status,
        status_message=report.status_message,
        outcome=outcome,
        results=report.results,
        steps=report.steps,
        progress=None,
        dbt_version=report.dbt_version or run.dbt_version,
        is_late=run.is_late or report.is_late,
        # A clock that was set back during the run must not make it end before it began.
        finished_at=max(report.finished_at or now, run.started_at),
        lost_at=None,
    )


def lose(run: Run, *, silence: timedelta, now: datetime) -> Run:
    """Give a run up; the same object if it is over.

    It is canceled if a cancellation had been announced, else it is errored.

    Args:
        run: the run whose reporter is silent.
        silence: time since the last report, or since the start.
        now: when it is given up; counts as its end, as the true one is not known.
    """
    if run.status.is_over:
        return run
    status = RunStatus.ERROR if run.cancel_requested_at is None else RunStatus.CANCELLED
    return replace(
        run,
        status=status,
        status_message=f"lost contact after {silence // timedelta(seconds=1)} s"
        if run.heartbeats
        else f"its end was not reported within {span_text(run.longest_silence)}",
        outcome=OUTCOMES_OF_STATUS[status][0],
        finished_at=max(now, run.started_at),
        # The step that went on ended with it.
        steps=tuple(
            one if one.status.is_over else replace(one, status=status) for one in run.steps
        ),
        progress=None,
        lost_at=now,
    )


def advance(run: Run, report: ProgressReport) -> Run:
    """Update a run's progress; the same object if it is over, or came no farther."""
    if run.status.is_over or (run.steps, run.progress) == (report.steps, report.progress):
        return run
    return replace(run, steps=report.steps, progress=report.progress)


def silence_in(text: str) -> timedelta:
    """Parse how long a reporter may be silent, from words such as `6 hours`.

    Raises:
        InvalidError: it is not a span of time, or out of bounds.
    """
    return span_in("give_up_after", text, SHORTEST_SILENCE, MOST_SILENCE)


def outcome_of(report: FinishReport) -> RunOutcome | None:
    """Outcome that the report names, or the usual one of its status."""
    possible = OUTCOMES_OF_STATUS.get(report.status)
    if possible is None:
        raise InvalidError(f"a run does not end as {report.status.name.lower()}", field="status")
    if report.outcome is None:
        return possible[0]
    if report.outcome not in possible:
        fitting = " or ".join(f"`{one}`" for one in possible if one) or "none"
        raise InvalidError(
            f"`{report.outcome}` does not fit the status; expected {fitting}", field="outcome"
        )
    return report.outcome


def same_ending(run: Run, report: FinishReport, outcome: RunOutcome | None) -> bool:
    """Tell a repeated finish from one that contradicts the first."""
    finished_at = max(report.finished_at, run.started_at) if report.finished_at else run.finished_at
    known = (run.status, run.outcome, run.finished_at, run.status_message, run.results, run.steps)
    return known == (
        report.status,
        outcome,
        finished_at,
        report.status_message,
        report.results,
        report.steps,
    )


def request_cancel(run: Run, *, now: datetime) -> Run:
    """Request a run's cancellation; unchanged if it was requested, or is over.

    Raises:
        RunNotCancelableError: its reporter does not accept cancellations.
    """
    if not (run.cancelable or run.status.is_over or run.cancel_requested_at):
        raise RunNotCancelableError(
            f"Run {run.id} cannot be canceled from here, because its reporter does not allow it; "
            "`runhook run --allow-cancel` does. Stop dbt where it runs."
        )
    return note_cancel(run, now=now)


def note_cancel(run: Run, *, now: datetime) -> Run:
    """Note that the reporter says the run is being canceled; the same object if nothing changes."""
    if run.status.is_over or run.cancel_requested_at is not None:
        return run
    return replace(run, cancel_requested_at=now)
