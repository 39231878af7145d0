"""Runs, jobs, projects and environments, shown as dbt Cloud's Admin API does.

Times of runs have a space in the middle and six digits of a second, those of all else a `T`:
consumers parse both.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from runhook.domain.runs.run import AccountId, Job, Run, RunStatus, RunStep, Trigger
from runhook.domain.runs.steps import dbt_command, steps_of
from runhook.server.api.runs.humanized import ago, clock_time, in_words
from runhook.server.api.runs.reporting_wire import HUMANIZED
from runhook.server.api.runs.views import (
    EnvironmentView,
    JobView,
    ProjectView,
    RunView,
    StepView,
    TriggerView,
)
from runhook.server.api.wire import Envelope
from runhook.storage.engine.pages import Page, Slice
from runhook.storage.runs.jobs import Environment, LoggedJob, Project
from runhook.storage.runs.rows import LoggedRun

Item = TypeVar("Item")

MOST_STEPS_OF_A_RUN = 100
"""A step's id is made of its run's and its index, so that no two have the same."""


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
    return job_view(run.job, run.account_id, commands=commands_of(run))


def view_of_job(
    logged: LoggedJob,
    *,
    commands: Sequence[str] = (),
    newest: RunView | None = None,
    newest_ended: RunView | None = None,
) -> JobView:
    """Show a job of a list, or by itself."""
    return job_view(
        logged.job,
        logged.account_id,
        commands=commands,
        created_at=logged.created_at.isoformat(),
        newest=newest,
        newest_ended=newest_ended,
    )


def job_view(
    job: Job,
    account_id: int,
    *,
    commands: Sequence[str],
    created_at: str | None = None,
    newest: RunView | None = None,
    newest_ended: RunView | None = None,
) -> JobView:
    """Show a job."""
    return JobView(
        id=job.id,
        account_id=account_id,
        project_id=job.project_id,
        environment_id=job.environment_id,
        name=job.name,
        created_at=created_at,
        updated_at=created_at,
        execute_steps=list(commands),
        most_recent_run=newest,
        most_recent_completed_run=newest_ended,
        project_name=job.project_name,
        environment_name=job.environment_name,
    )


def environment_of_run(run: Run) -> EnvironmentView:
    """Show the environment of a run."""
    return EnvironmentView(
        id=run.job.environment_id,
        account_id=run.account_id,
        project_id=run.job.project_id,
        name=run.job.environment_name,
        created_at=None,
        updated_at=None,
        project=None,
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
