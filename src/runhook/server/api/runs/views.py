"""The shapes of runs, jobs, projects and environments in dbt Cloud's Admin API.

Keys, their order and their types are those of its v2 and v3 answers; keys of ours come last. A key
that has a value here is one that Runhook has nothing for: it has this value in every answer, since
clients read it all the same.
"""

from typing import Any

from msgspec import Struct, field

ACTIVE = 1
"""dbt Cloud's state of what is not deleted."""


class TriggerView(Struct, kw_only=True):
    """Why a run took place."""

    id: int
    cause: str
    job_definition_id: int
    git_branch: str | None = None
    git_sha: str | None
    github_pull_request_id: int | None
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
    project: ProjectView | None
    repository: None = None
    connection: None = None
    credentials: None = None
    jobs: None = None
    custom_environment_variables: None = None


class ExecutionView(Struct, kw_only=True):
    """Limits of a job's runs, which Runhook does not know."""

    timeout_seconds: int = 0


class TriggersView(Struct, kw_only=True):
    """Triggers of a job, which Runhook does not know."""

    github_webhook: bool = False
    git_provider_webhook: bool = False
    custom_branch_only: bool = False
    schedule: bool = False
    on_merge: bool = False


class JobSettingsView(Struct, kw_only=True):
    """Threads and target of a job, which Runhook does not know."""

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
    """The schedule of a job without one, as dbt Cloud shows it: present, and not in use."""

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
    created_at: str | None
    updated_at: str | None
    execute_steps: list[str]
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
    most_recent_run: "RunView | None"
    most_recent_completed_run: "RunView | None"
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
    trigger: TriggerView | None
    job: JobView | None
    environment: EnvironmentView | None
    repository: None = None
    run_steps: list[StepView]
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
