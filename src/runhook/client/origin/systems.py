"""Systems that start dbt, and their variables: a table, innermost system first.

An orchestrator within a CI job wins over it, and that over the machine it runs on. A row's texts
are templates: `{NAME}` is a variable, `{ONE|OTHER}` the first of two, `{name}` is looked up by
``LaunchContext``; a text with a gap counts as empty.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from runhook.client.origin.made_up_names import (
    argo_workflow,
    is_of_cron_job,
    job_of_pod,
    labels_in,
    matrix_leg,
    nomad_job,
)
from runhook.client.processes.ancestry import parent_of

SCHEDULED = "scheduled"
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One row: how a system is recognised, and where it says what."""

    name: str
    found_by: str
    """A template; the system is recognised if it can be filled."""
    job_name: tuple[str, ...] = ()
    """The first that can be filled: the same in each run, and another one for a matrix' leg."""
    external_id: str = ""
    attempt: str = ""
    category_of: str = ""
    categories: Mapping[str, str] = field(default_factory=dict)
    """By how ``category_of`` begins; what begins otherwise is `other`."""
    category: str = ""
    """If it is always the same."""
    reason: tuple[str, ...] = ()
    """The first that can be filled, unless the run is scheduled, which is reason enough."""
    has_own_words: bool = False
    """Whether ``reason`` holds for a scheduled run too."""
    pull_request: str = ""
    """A number, or an address that ends with it."""
    link: str = ""
    commit: str = ""


USUAL_NAMES = System(
    name="variables",
    found_by="",
    job_name=("{DBT_JOB_NAME|DBT_CLOUD_JOB_NAME|JOB_NAME}",),
    external_id="{JOB_RUN_ID|DBT_CLOUD_RUN_ID}",
    category_of="{DBT_CAUSE_CATEGORY|DBT_CLOUD_RUN_REASON_CATEGORY}",
    reason=("{DBT_CAUSE|DBT_CLOUD_RUN_REASON}",),
    pull_request="{DBT_PULL_REQUEST_ID|DBT_CLOUD_PR_ID}",
    commit="{DBT_CLOUD_GIT_SHA}",
)
"""Names that people set for other tools already; they win over what is recognised."""

AIRFLOWS_REASON = (
    "Triggered via Apache Airflow by task '{AIRFLOW_CTX_TASK_ID}' in the {AIRFLOW_CTX_DAG_ID} DAG."
)
"""What runs of dbt Cloud say that Airflow's provider starts."""

SYSTEMS = (
    System(
        name="airflow",
        found_by="{AIRFLOW_CTX_DAG_ID}",
        job_name=("{AIRFLOW_CTX_DAG_ID}.{AIRFLOW_CTX_TASK_ID}",),
        external_id="{AIRFLOW_CTX_DAG_RUN_ID}",
        attempt="{AIRFLOW_CTX_TRY_NUMBER}",
        category_of="{AIRFLOW_CTX_DAG_RUN_ID}",
        categories={"scheduled__": SCHEDULED},
        reason=(AIRFLOWS_REASON,),
        has_own_words=True,
    ),
    System(
        name="dagster",
        found_by="{DAGSTER_RUN_JOB_NAME|DAGSTER_DBT_CLI}",
        job_name=("{DAGSTER_RUN_JOB_NAME}",),
        reason=("Triggered via Dagster",),
    ),
    System(
        name="prefect",
        found_by="{PREFECT__FLOW_RUN_ID}",
        external_id="{PREFECT__FLOW_RUN_ID}",
        reason=("Triggered via Prefect",),
        link="{PREFECT_UI_URL}/runs/flow-run/{PREFECT__FLOW_RUN_ID}",
    ),
    System(
        name="argo_workflows",
        found_by="{ARGO_NODE_ID}",
        job_name=("{argo_workflow}",),
        external_id="{ARGO_NODE_ID}",
        reason=("Triggered via Argo Workflows",),
    ),
    System(
        name="github_actions",
        found_by="{GITHUB_ACTIONS}",
        job_name=(
            "{GITHUB_WORKFLOW} / {GITHUB_JOB} ({github_matrix})",
            "{GITHUB_WORKFLOW} / {GITHUB_JOB}",
        ),
        external_id="{GITHUB_RUN_ID}",
        attempt="{GITHUB_RUN_ATTEMPT}",
        category_of="{GITHUB_EVENT_NAME}",
        categories={"schedule": SCHEDULED, "pull_request": "github_pull_request"},
        reason=(
            "Pull request #{github_pull_request}",
            "{GITHUB_EVENT_NAME} by {GITHUB_TRIGGERING_ACTOR|GITHUB_ACTOR}",
        ),
        pull_request="{github_pull_request}",
        link="{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        commit="{GITHUB_SHA}",
    ),
    System(
        name="gitlab_ci",
        found_by="{GITLAB_CI}",
        job_name=("{CI_JOB_NAME}",),
        external_id="{CI_PIPELINE_ID}",
        category_of="{CI_PIPELINE_SOURCE}",
        categories={"schedule": SCHEDULED, "merge_request_event": "gitlab_merge_request"},
        reason=(
            "Merge request !{CI_MERGE_REQUEST_IID}",
            "{CI_PIPELINE_SOURCE} by {GITLAB_USER_LOGIN}",
        ),
        pull_request="{CI_MERGE_REQUEST_IID}",
        link="{CI_JOB_URL}",
        commit="{CI_COMMIT_SHA}",
    ),
    System(
        name="buildkite",
        found_by="{BUILDKITE}",
        job_name=(
            "{BUILDKITE_PIPELINE_SLUG} / {BUILDKITE_STEP_KEY|BUILDKITE_LABEL} ({buildkite_part})",
            "{BUILDKITE_PIPELINE_SLUG} / {BUILDKITE_STEP_KEY|BUILDKITE_LABEL}",
            "{BUILDKITE_PIPELINE_SLUG} ({buildkite_part})",
            "{BUILDKITE_PIPELINE_SLUG}",
        ),
        external_id="{BUILDKITE_BUILD_ID}",
        attempt="{BUILDKITE_RETRY_COUNT}",
        category_of="{BUILDKITE_SOURCE}",
        categories={"schedule": SCHEDULED},
        reason=("Triggered via Buildkite ({BUILDKITE_SOURCE})",),
        pull_request="{BUILDKITE_PULL_REQUEST}",
        link="{BUILDKITE_BUILD_URL}",
        commit="{BUILDKITE_COMMIT}",
    ),
    System(
        name="circleci",
        found_by="{CIRCLECI}",
        job_name=("{CIRCLE_JOB} ({circle_part})", "{CIRCLE_JOB}"),
        external_id="{CIRCLE_WORKFLOW_ID}",
        reason=("Triggered via CircleCI",),
        pull_request="{CIRCLE_PULL_REQUEST}",
        link="{CIRCLE_BUILD_URL}",
        commit="{CIRCLE_SHA1}",
    ),
    System(
        name="jenkins",
        found_by="{JENKINS_URL|BUILD_TAG}",
        job_name=("{JOB_NAME}",),
        external_id="{BUILD_TAG}",
        category_of="{BUILD_CAUSE}",
        categories={"TIMERTRIGGER": SCHEDULED},
        reason=("Triggered via Jenkins",),
        pull_request="{CHANGE_ID}",
        link="{BUILD_URL}",
        commit="{GIT_COMMIT}",
    ),
    System(
        name="azure_devops",
        found_by="{TF_BUILD}",
        job_name=("{BUILD_DEFINITIONNAME} / {azure_job}", "{BUILD_DEFINITIONNAME}"),
        external_id="{BUILD_BUILDID}",
        attempt="{SYSTEM_JOBATTEMPT}",
        category_of="{BUILD_REASON}",
        categories={"Schedule": SCHEDULED, "PullRequest": "azure_pull_request"},
        reason=("{BUILD_REASON} by {BUILD_REQUESTEDFOR}",),
        pull_request="{SYSTEM_PULLREQUEST_PULLREQUESTNUMBER|SYSTEM_PULLREQUEST_PULLREQUESTID}",
        link="{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
        commit="{BUILD_SOURCEVERSION}",
    ),
    System(
        # Before a person: commands of a cell have a terminal, which the kernel makes.
        name="notebook",
        found_by="{JPY_SESSION_NAME|JPY_PARENT_PID}",
        category=OTHER,
        reason=("Kicked off from a notebook by {user}",),
    ),
    System(
        name="cli",
        found_by="{terminal}",
        category=OTHER,
        reason=("Kicked off from CLI by {user}",),
    ),
    System(
        name="aws_lambda",
        found_by="{AWS_LAMBDA_FUNCTION_NAME}",
        job_name=("{AWS_LAMBDA_FUNCTION_NAME}",),
        external_id="{AWS_LAMBDA_LOG_STREAM_NAME}",
        reason=("Triggered via AWS Lambda",),
    ),
    System(
        name="cloud_run_jobs",
        found_by="{CLOUD_RUN_JOB}",
        job_name=("{CLOUD_RUN_JOB} ({cloud_run_part})", "{CLOUD_RUN_JOB}"),
        external_id="{CLOUD_RUN_EXECUTION}",
        attempt="{CLOUD_RUN_TASK_ATTEMPT}",
        reason=("Triggered via Cloud Run",),
    ),
    System(
        name="cloud_run",
        found_by="{K_SERVICE}",
        job_name=("{K_SERVICE}",),
        external_id="{K_REVISION}",
        reason=("Triggered via Cloud Run",),
    ),
    System(
        name="aws_batch",
        found_by="{AWS_BATCH_JOB_ID}",
        job_name=("{AWS_BATCH_JQ_NAME}",),
        external_id="{AWS_BATCH_JOB_ID}",
        attempt="{AWS_BATCH_JOB_ATTEMPT}",
        reason=("Triggered via AWS Batch",),
    ),
    System(
        name="aws_ecs",
        found_by="{ECS_CONTAINER_METADATA_URI_V4}",
        job_name=("{ecs_family}",),
        external_id="{ecs_task}",
        reason=("Triggered via Amazon ECS",),
    ),
    System(
        name="azure_container_apps",
        found_by="{CONTAINER_APP_JOB_NAME|CONTAINER_APP_NAME}",
        job_name=("{CONTAINER_APP_JOB_NAME|CONTAINER_APP_NAME}",),
        external_id="{CONTAINER_APP_JOB_EXECUTION_NAME|CONTAINER_APP_REPLICA_NAME}",
        reason=("Triggered via Azure Container Apps",),
    ),
    System(
        name="nomad",
        found_by="{NOMAD_ALLOC_ID}",
        job_name=("{nomad_job}",),
        external_id="{NOMAD_ALLOC_ID}",
        category="{nomad_category}",
        reason=("Triggered via Nomad",),
    ),
    System(
        name="kubernetes",
        found_by="{KUBERNETES_SERVICE_HOST}",
        job_name=("{pods_job}",),
        external_id="{POD_NAME|HOSTNAME}",
        category="{pods_category}",
        # Of a pod that no CronJob has made.
        reason=("Triggered via Kubernetes",),
    ),
    System(
        name="systemd",
        found_by="{INVOCATION_ID}{journal}",
        job_name=("{unit}",),
        external_id="{INVOCATION_ID}",
        category=SCHEDULED,
        reason=(SCHEDULED,),
    ),
    System(name="cron", found_by="{cron}", category=SCHEDULED, reason=(SCHEDULED,)),
)

CRONS = {"cron", "crond", "anacron", "fcron", "supercronic"}
MADE_UP_UNIT = re.compile(
    r"run-[ru]?[0-9a-f]+(?:-i\d+)?|user@\d+|(?:cron|crond|anacron|atd|ssh|sshd|docker|containerd)"
)
LABELS_FILE = Path("/etc/podinfo/labels")
ECS_SECONDS = 0.1
LARGEST_ANSWER = 1 << 20
PLACEHOLDER = re.compile(r"{([\w|]+)}")


@dataclass(frozen=True)
class LaunchContext:
    """The environment a command is started in: its variables, its parents, its pod."""

    environ: Mapping[str, str]
    has_terminal: bool
    ancestors: tuple[str, ...] = ()
    """The names of the processes above this one."""
    cgroup: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the pod, if they are mounted where Kubernetes' documentation mounts them."""

    def first_of(self, templates: tuple[str, ...]) -> str:
        """The first of these templates that can be filled; empty if none can."""
        return next(filter(None, map(self.fill, templates)), "")

    def fill(self, template: str) -> str:
        """Fill a template; empty if a value is missing."""
        values = [
            next(filter(None, map(self._value, names.split("|"))), "")
            for names in PLACEHOLDER.findall(template)
        ]
        if not all(values):
            return ""
        remaining = iter(values)
        return PLACEHOLDER.sub(lambda _: next(remaining), template)

    def _value(self, name: str) -> str:
        if name.islower():
            return self._find_out(name)
        return self.environ.get(name, "").strip()

    def _find_out(self, name: str) -> str:
        """Look up a value that no variable holds, only when asked for."""
        finder = FINDERS.get(name)
        return "" if finder is None else finder(self)

    @cached_property
    def unit(self) -> str:
        """The systemd unit; empty for one that was made for the occasion, or runs others' jobs."""
        found = re.search(r"/([^/\s]+)\.service\s*$", self.cgroup)
        is_name = found is not None and not MADE_UP_UNIT.fullmatch(found[1])
        return found[1] if found is not None and is_name else ""

    @cached_property
    def ecs_task(self) -> Mapping[str, str]:
        """Metadata of the task from Amazon's agent, if it responds at once."""
        return task_of(self.environ.get("ECS_CONTAINER_METADATA_URI_V4", ""))

    def part(self, index: str, count: str, first: int = 0) -> str:
        """`2/5` for one of several that run at once; empty for the only one."""
        try:
            position, total = int(self.environ[index]) - first + 1, int(self.environ[count])
        except (KeyError, ValueError):
            return ""
        return f"{position}/{total}" if total > 1 else ""


def azure_job(place: LaunchContext) -> str:
    """Name that tells a pipeline's jobs apart; of a matrix it is the leg's name."""
    name = place.environ.get("AGENT_JOBNAME", "").strip()
    part = place.part("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", first=1)
    if name in {"", "Job", "__default"}:
        return f"Job {part}" if part else ""
    return name


FINDERS: Mapping[str, Callable[[LaunchContext], str]] = {
    "terminal": lambda place: "yes" if place.has_terminal else "",
    "user": lambda place: (
        place.environ.get("LOGNAME") or place.environ.get("USER") or f"user {os.getuid()}"
    ),
    "cron": lambda place: "yes" if CRONS & set(place.ancestors) else "",
    # A value, so that a template can ask for both variables.
    "journal": lambda place: " " if place.environ.get("JOURNAL_STREAM") else "",
    "unit": lambda place: place.unit,
    "pods_job": lambda place: job_of_pod(place.environ, place.labels),
    "pods_category": lambda place: (
        SCHEDULED if is_of_cron_job(place.environ, place.labels) else OTHER
    ),
    "github_pull_request": lambda place: github_pull_request(place.environ),
    "github_matrix": lambda place: matrix_leg(place.environ),
    "buildkite_part": lambda place: place.part(
        "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT"
    ),
    "circle_part": lambda place: place.part("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL"),
    "cloud_run_part": lambda place: place.part("CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"),
    "azure_job": azure_job,
    "argo_workflow": lambda place: argo_workflow(place.environ),
    "nomad_job": lambda place: nomad_job(place.environ),
    "nomad_category": lambda place: (
        SCHEDULED if "/periodic-" in place.environ.get("NOMAD_JOB_NAME", "") else OTHER
    ),
    "ecs_family": lambda place: place.ecs_task.get("Family", ""),
    "ecs_task": lambda place: place.ecs_task.get("TaskARN", "").rpartition("/")[2],
}


def this_place(environ: Mapping[str, str]) -> LaunchContext:
    """Collect what this process can see of the system that launched it."""
    from runhook.client.dbt.surroundings import stdin_is_terminal  # noqa: PLC0415 - no cycle

    return LaunchContext(
        environ=environ,
        has_terminal=stdin_is_terminal(),
        ancestors=tuple(names_of_ancestors()),
        cgroup=read_text(Path("/proc/self/cgroup")),
        labels=labels_in(read_text(LABELS_FILE)),
    )


def names_of_ancestors() -> list[str]:
    """Names of the processes above this one, as far as /proc shows them (Linux)."""
    names = []
    process = os.getppid()
    while process > 0:
        names.append(read_text(Path(f"/proc/{process}/comm")).strip().lower())
        process = parent_of(process)
    return names


def task_of(address: str) -> Mapping[str, str]:
    """Ask Amazon's agent, on this very machine, what the task is called; it has little time."""
    if not address.startswith("http://"):
        return {}
    import http.client  # noqa: PLC0415 - on ECS only
    import json  # noqa: PLC0415 - as above
    from urllib.parse import urlsplit  # noqa: PLC0415 - as above

    try:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.netloc, timeout=ECS_SECONDS)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/task")
            metadata = json.loads(connection.getresponse().read(LARGEST_ANSWER))
        finally:
            connection.close()
        return {name: value for name, value in metadata.items() if isinstance(value, str)}
    except (OSError, http.client.HTTPException, ValueError, AttributeError, RecursionError):
        return {}


def github_pull_request(environ: Mapping[str, str]) -> str:
    """Number of the pull request that a workflow runs for; empty if for none."""
    if found := re.fullmatch(r"refs/pull/(\d+)/\w+", environ.get("GITHUB_REF", "")):
        return found[1]
    if not environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return ""
    import json  # noqa: PLC0415 - for `pull_request_target` only, whose ref is the base's

    try:
        return str(int(json.loads(read_text(Path(environ["GITHUB_EVENT_PATH"])))["number"]))
    except (KeyError, TypeError, ValueError):
        return ""


def read_text(path: Path) -> str:
    """Read a text file; empty if it cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
