"""Runs, jobs, projects and environments as dbt Cloud's Admin API shows them, with our keys behind.

Keys and types are those of its v2 and v3 answers; what Runhook does not know is null, false or
empty as it is there. Times of runs have a space in the middle and six digits of a second, those of
all else a `T`: consumers parse both.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct, field

from runhook.domain.runs.run import AccountId, Job, Run, RunStatus, RunStep, Trigger
from runhook.domain.runs.steps import dbt_command, steps_of
from runhook.server.api.runs.humanized import ago, clock_time, in_words
from runhook.server.api.runs.reporting_wire import HUMANIZED
from runhook.server.api.wire import Envelope
from runhook.storage.engine.pages import Page, Slice
from runhook.storage.runs.jobs import Environment, LoggedJob, Project
from runhook.storage.runs.rows import LoggedRun

Item = TypeVar("Item")

ACTIVE = 1
"""dbt Cloud's state of what is not deleted."""
MOST_STEPS_OF_A_RUN = 100
"""A step's id is made of its run's and its index, so that no two have the same."""


class TriggerView(Struct, kw_only=True):
    """Why a run took place."""

    id: int
    cause: str
    job_definition_id: int
    git_branch: str | None = None
    git_sha: str | None = None
    github_pull_request_id: int | None = None
    schema_override: str | None = None
    dbt_version_override: str | None = None
    threads_override: int | None = None
    target_name_override: str | None = None
    generate_docs_override: bool | None = None
    timeout_seconds_override: int | None = None
    steps_override: list[str] | None = None
    created_at: str
    system: str
    external_id: str
    attempt: int | None
    category: str
    link: str


class StepView(Struct, kw_only=True):
    """One command of a run."""

    id: int
    run_id: int
    account_id: int
    index: int
    status: int
    name: str
    logs: str
    debug_logs: str | None = None
    truncated_debug_logs: str | None = None
    log_location: str = "db"
    log_path: str | None = None
    debug_log_path: str | None = None
    log_archive_type: str = "db"
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None
    status_color: str
    status_humanized: str
    duration: str
    duration_humanized: str
    run_step_command: str | None = None


class ProjectView(Struct, kw_only=True):
    """A project."""

    id: int
    account_id: int
    name: str
    description: str = ""
    connection_id: int | None = None
    repository_id: int | None = None
    semantic_layer_config_id: int | None = None
    skipped_setup: bool = False
    state: int = ACTIVE
    dbt_project_subdirectory: str | None = None
    docs_job_id: int | None = None
    freshness_job_id: int | None = None
    type: int = 0
    created_at: str
    updated_at: str
    connection: None = None
    environments: None = None
    repository: None = None
    group_permissions: list[str] = field(default_factory=list)
    docs_job: None = None
    freshness_job: None = None


class EnvironmentView(Struct, kw_only=True):
    """An environment."""

    id: int
    account_id: int
    project_id: int
    connection_id: int | None = None
    credentials_id: int | None = None
    repository_id: int | None = None
    extended_attributes_id: int | None = None
    name: str
    dbt_version: str = ""
    type: str = "deployment"
    deployment_type: str | None = None
    use_custom_branch: bool = False
    custom_branch: str | None = None
    supports_docs: bool = False
    state: int = ACTIVE
    created_at: str | None
    updated_at: str | None
    project: ProjectView | None = None
    repository: None = None
    connection: None = None
    credentials: None = None
    jobs: None = None
    custom_environment_variables: None = None


class ExecutionView(Struct, kw_only=True):
    """How a job is run: we do not know."""

    timeout_seconds: int = 0


class TriggersView(Struct, kw_only=True):
    """What starts a job: nothing that Runhook knows of."""

    github_webhook: bool = False
    git_provider_webhook: bool = False
    custom_branch_only: bool = False
    schedule: bool = False
    on_merge: bool = False


class JobSettingsView(Struct, kw_only=True):
    """With how many threads and for which target: we do not know."""

    threads: int = 0
    target_name: str = ""


class ScheduleDateView(Struct, kw_only=True):
    """The days of a schedule that is not in use."""

    type: str = "every_day"


class ScheduleTimeView(Struct, kw_only=True):
    """The hours of a schedule that is not in use."""

    type: str = "every_hour"
    interval: int = 1


class ScheduleView(Struct, kw_only=True):
    """A schedule as dbt Cloud shows one of a job without: it is there, and not in use."""

    cron: str = "0 * * * *"
    """The hours below, in cron's words: clients read no schedule without."""
    date: ScheduleDateView = field(default_factory=ScheduleDateView)
    time: ScheduleTimeView = field(default_factory=ScheduleTimeView)


class JobView(Struct, kw_only=True):
    """A job. The times are null where it is part of a run."""

    execution: ExecutionView = field(default_factory=ExecutionView)
    generate_docs: bool = False
    run_generate_sources: bool = False
    run_compare_changes: bool = False
    id: int
    account_id: int
    project_id: int
    environment_id: int
    name: str
    description: str = ""
    dbt_version: str | None = None
    raw_dbt_version: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    execute_steps: list[str] = field(default_factory=list)
    state: int = ACTIVE
    deactivated: bool = False
    run_failure_count: int = 0
    deferring_job_definition_id: int | None = None
    deferring_environment_id: int | None = None
    lifecycle_webhooks: bool = False
    lifecycle_webhooks_url: str | None = None
    triggers: TriggersView = field(default_factory=TriggersView)
    settings: JobSettingsView = field(default_factory=JobSettingsView)
    schedule: ScheduleView = field(default_factory=ScheduleView)
    is_deferrable: bool = False
    job_type: str = "other"
    triggers_on_draft_pr: bool = False
    job_completion_trigger_condition: None = None
    generate_sources: bool = False
    cron_humanized: str = ""
    next_run: str | None = None
    next_run_humanized: str | None = None
    most_recent_run: "RunView | None" = None
    most_recent_completed_run: "RunView | None" = None
    project_name: str
    environment_name: str


class RunView(Struct, kw_only=True):
    """A run. What is related to it is null, or an empty list, unless `include_related` names it."""

    id: int
    trigger_id: int
    account_id: int
    environment_id: int
    project_id: int
    job_definition_id: int
    status: int
    dbt_version: str
    git_branch: str | None = None
    git_sha: str | None = None
    status_message: str | None
    owner_thread_id: str | None = None
    executed_by_thread_id: str | None = None
    deferring_run_id: int | None = None
    artifacts_saved: bool
    artifact_s3_path: str | None = None
    has_docs_generated: bool = False
    has_sources_generated: bool = False
    notifications_sent: bool = False
    blocked_by: list[int] = field(default_factory=list)
    scribe_enabled: bool = False
    created_at: str
    updated_at: str
    dequeued_at: str
    started_at: str
    finished_at: str | None
    last_checked_at: str | None = None
    last_heartbeat_at: str
    should_start_at: str | None = None
    trigger: TriggerView | None = None
    job: JobView | None = None
    environment: EnvironmentView | None = None
    repository: None = None
    run_steps: list[StepView] = field(default_factory=list)
    status_humanized: str
    in_progress: bool
    is_complete: bool
    is_success: bool
    is_error: bool
    is_cancelled: bool
    is_running: bool
    duration: str
    queued_duration: str
    run_duration: str
    duration_humanized: str
    queued_duration_humanized: str
    run_duration_humanized: str
    created_at_humanized: str
    finished_at_humanized: str
    retrying_run_id: int | None = None
    can_retry: bool = False
    retry_not_supported_reason: str | None = None
    job_id: int
    href: str
    used_repo_cache: bool | None = None
    run_key: str
    job_name: str
    environment_name: str
    project_name: str
    run_reason: str
    outcome: str | None
    results: dict[str, Any] | None
    cancelable: bool
    cancel_requested: bool
    late: bool


def listed(
    data: list[Item], page: Page[Any], part: Slice[Any], account_id: AccountId
) -> Envelope[list[Item]]:
    """Envelope of a page, as the Admin API has it."""
    return Envelope(
        data=data,
        extra={
            "filters": {"limit": part.limit, "offset": part.offset, "account_id": account_id},
            "order_by": f"-{part.order.value}" if part.is_descending else part.order.value,
            "pagination": {"count": len(data), "total_count": page.total},
        },
    )


def shown_run(
    logged: LoggedRun, *, base_url: str, related: frozenset[str], now: datetime
) -> RunView:
    """Show a run.

    Args:
        logged: which one.
        base_url: where people reach this service.
        related: what `include_related` names.
        now: the end of what is still going on.
    """
    run = logged.run
    job = run.job
    end = run.finished_at or now
    queued = max(run.started_at - run.created_at, timedelta())
    taken = max(end - run.started_at, timedelta())
    return RunView(
        id=run.id,
        trigger_id=run.id,
        account_id=run.account_id,
        environment_id=job.environment_id,
        project_id=job.project_id,
        job_definition_id=job.id,
        status=run.status.value,
        dbt_version=run.dbt_version,
        status_message=run.status_message,
        artifacts_saved=logged.has_artifacts,
        created_at=time_of_run(run.created_at),
        updated_at=time_of_run(max(run.finished_at or logged.heartbeat_at, logged.heartbeat_at)),
        dequeued_at=time_of_run(run.started_at),
        started_at=time_of_run(run.started_at),
        finished_at=optional_time(run.finished_at),
        last_heartbeat_at=time_of_run(logged.heartbeat_at),
        trigger=trigger_of(run) if "trigger" in related else None,
        job=job_of_run(run) if "job" in related else None,
        environment=environment_of_run(run) if "environment" in related else None,
        run_steps=shown_steps(run, now) if related & {"run_steps", "debug_logs"} else [],
        status_humanized=HUMANIZED[run.status],
        in_progress=not run.status.is_over,
        is_complete=run.status.is_over,
        is_success=run.status is RunStatus.SUCCESS,
        is_error=run.status is RunStatus.ERROR,
        is_cancelled=run.status is RunStatus.CANCELLED,
        is_running=run.status is RunStatus.RUNNING,
        duration=clock_time(queued + taken),
        queued_duration=clock_time(queued),
        run_duration=clock_time(taken),
        duration_humanized=in_words(queued + taken),
        queued_duration_humanized=in_words(queued),
        run_duration_humanized=in_words(taken),
        created_at_humanized=ago(run.created_at, now),
        finished_at_humanized=ago(run.finished_at, now),
        job_id=job.id,
        href=f"{base_url}/deploy/{run.account_id}/projects/{job.project_id}/runs/{run.id}/",
        run_key=run.run_key,
        job_name=job.name,
        environment_name=job.environment_name,
        project_name=job.project_name,
        run_reason=run.run_reason,
        outcome=run.outcome.value if run.outcome else None,
        results=None if run.results is None else dict(run.results),
        cancelable=run.cancelable,
        cancel_requested=run.cancel_requested_at is not None,
        late=run.is_late,
    )


def trigger_of(run: Run) -> TriggerView:
    """Show why a run took place; each run has a trigger of its own."""
    trigger = run.trigger or Trigger()
    return TriggerView(
        id=run.id,
        cause=run.run_reason,
        job_definition_id=run.job.id,
        git_sha=trigger.commit or None,
        # dbt Cloud has one key for all providers' numbers that Runhook could know.
        github_pull_request_id=trigger.pull_request,
        created_at=time_of_run(run.created_at),
        system=trigger.system,
        external_id=trigger.external_id,
        attempt=trigger.attempt,
        category=trigger.category,
        link=trigger.link,
    )


def shown_steps(run: Run, now: datetime) -> list[StepView]:
    """Show a run's steps, counted from 1."""
    return [shown_step(step, run, index, now) for index, step in enumerate(steps_of(run), start=1)]


COLORS = {RunStatus.SUCCESS: "green", RunStatus.ERROR: "red", RunStatus.CANCELLED: "gray"}


def place_of_step(step_id: int) -> tuple[int, int]:
    """The run that a step belongs to, and its number there, from 1."""
    run_id, before = divmod(step_id - 1, MOST_STEPS_OF_A_RUN)
    return run_id, before + 1


def shown_step(step: RunStep, run: Run, index: int, now: datetime) -> StepView:
    """Show a step; one without times took none."""
    end = step.finished_at or (step.started_at if step.status.is_over else now)
    taken = end - step.started_at if step.started_at and end else timedelta()
    return StepView(
        id=run.id * MOST_STEPS_OF_A_RUN + index,
        run_id=run.id,
        account_id=run.account_id,
        index=index,
        status=step.status.value,
        name=step.name,
        logs=step.logs,
        created_at=time_of_run(step.started_at or run.started_at),
        updated_at=time_of_run(step.finished_at or run.finished_at or run.started_at),
        started_at=optional_time(step.started_at),
        finished_at=optional_time(step.finished_at),
        status_color=COLORS.get(step.status, "blue"),
        status_humanized=HUMANIZED[step.status],
        duration=clock_time(taken),
        duration_humanized=in_words(taken),
    )


def commands_of(run: Run) -> list[str]:
    """Commands that a run's steps invoked dbt with, as a job's `execute_steps`."""
    commands = [dbt_command(step.name) for step in steps_of(run)]
    return [command for command in commands if command is not None]


def job_of_run(run: Run) -> JobView:
    """Show the job of a run."""
    view = job_view(run.job, run.account_id)
    view.execute_steps = commands_of(run)
    return view


def job_view(job: Job, account_id: int) -> JobView:
    """Show a job, as lists and pages alike do."""
    return JobView(
        id=job.id,
        account_id=account_id,
        project_id=job.project_id,
        environment_id=job.environment_id,
        name=job.name,
        project_name=job.project_name,
        environment_name=job.environment_name,
    )


def view_of_job(
    logged: LoggedJob,
    *,
    commands: Sequence[str] = (),
    newest: RunView | None = None,
    newest_ended: RunView | None = None,
) -> JobView:
    """Show a job."""
    view = job_view(logged.job, logged.account_id)
    view.execute_steps = list(commands)
    view.created_at = view.updated_at = logged.created_at.isoformat()
    view.most_recent_run = newest
    view.most_recent_completed_run = newest_ended
    return view


def environment_of_run(run: Run) -> EnvironmentView:
    """Show the environment of a run."""
    return EnvironmentView(
        id=run.job.environment_id,
        account_id=run.account_id,
        project_id=run.job.project_id,
        name=run.job.environment_name,
        created_at=None,
        updated_at=None,
    )


def shown_environment(environment: Environment) -> EnvironmentView:
    """Show an environment with its project."""
    made = environment.created_at.isoformat()
    return EnvironmentView(
        id=environment.id,
        account_id=environment.account_id,
        project_id=environment.project.id,
        name=environment.name,
        created_at=made,
        updated_at=made,
        project=shown_project(environment.project),
    )


def shown_project(project: Project) -> ProjectView:
    """Show a project."""
    made = project.created_at.isoformat()
    return ProjectView(
        id=project.id,
        account_id=project.account_id,
        name=project.name,
        created_at=made,
        updated_at=made,
    )


def time_of_run(moment: datetime) -> str:
    """Format a time as runs have it: `2021-11-26 16:48:41.431645+00:00`."""
    return moment.isoformat(sep=" ", timespec="microseconds")


def optional_time(moment: datetime | None) -> str | None:
    """Format a run's time; null for the future."""
    return None if moment is None else time_of_run(moment)
