"""What starts dbt, and what its variables tell: a table, innermost system first.

An orchestrator within a CI job wins over it, and that over the machine it runs on. A row's texts
are templates: `{NAME}` is a variable, `{ONE|OTHER}` the first of two, `{name}` what ``Place`` finds
out; a text with a gap is none.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from runhook.client.nesting import parent_of

SCHEDULED = "scheduled"
OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One row: how a system is recognised, and where it says what."""

    name: str
    found_by: str
    """A template; whatever fills it says that this is the system."""
    job_name: str = ""
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
    job_name="{DBT_JOB_NAME|DBT_CLOUD_JOB_NAME|JOB_NAME}",
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
        job_name="{AIRFLOW_CTX_DAG_ID}.{AIRFLOW_CTX_TASK_ID}",
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
        job_name="{DAGSTER_RUN_JOB_NAME}",
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
        job_name="{ARGO_WORKFLOW_NAME}",
        external_id="{ARGO_NODE_ID}",
        reason=("Triggered via Argo Workflows",),
    ),
    System(
        name="github_actions",
        found_by="{GITHUB_ACTIONS}",
        job_name="{GITHUB_WORKFLOW} / {GITHUB_JOB}",
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
        job_name="{CI_JOB_NAME}",
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
        job_name="{BUILDKITE_PIPELINE_SLUG}",
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
        job_name="{CIRCLE_JOB}",
        external_id="{CIRCLE_WORKFLOW_ID}",
        reason=("Triggered via CircleCI",),
        pull_request="{CIRCLE_PULL_REQUEST}",
        link="{CIRCLE_BUILD_URL}",
        commit="{CIRCLE_SHA1}",
    ),
    System(
        name="jenkins",
        found_by="{JENKINS_URL|BUILD_TAG}",
        job_name="{JOB_NAME}",
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
        job_name="{BUILD_DEFINITIONNAME}",
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
        name="kubernetes",
        found_by="{KUBERNETES_SERVICE_HOST}",
        job_name="{pods_job}",
        external_id="{HOSTNAME}",
        category="{pods_category}",
        # Of a pod that no CronJob has made.
        reason=("Triggered via Kubernetes",),
    ),
    System(
        name="systemd",
        found_by="{INVOCATION_ID}{journal}",
        job_name="{unit}",
        external_id="{INVOCATION_ID}",
        category=SCHEDULED,
        reason=(SCHEDULED,),
    ),
    System(name="cron", found_by="{cron}", category=SCHEDULED, reason=(SCHEDULED,)),
)

CRONS = {"cron", "crond", "anacron", "fcron", "supercronic"}
POD_OF_CRON_JOB = re.compile(r"(.+)-\d{8}-[a-z0-9]{5}")
"""A CronJob's pod is named after the minute it was due, and a Job's ends in five characters."""
POD_OF_JOB = re.compile(r"(.+)-[a-z0-9]{5}")
PLACEHOLDER = re.compile(r"{([\w|]+)}")


@dataclass(frozen=True)
class Place:
    """Where a command is started: its variables, and what can be found out besides."""

    environ: Mapping[str, str]
    has_terminal: bool
    ancestors: tuple[str, ...] = ()
    """The names of the processes above this one."""
    cgroup: str = ""

    def fill(self, template: str) -> str:
        """Return a template with its values; empty if one of them is missing."""
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
            return self._found_out.get(name, "")
        return self.environ.get(name, "").strip()

    @cached_property
    def _found_out(self) -> dict[str, str]:
        environ = self.environ
        pod = environ.get("HOSTNAME", "")
        of_cron_job = POD_OF_CRON_JOB.fullmatch(pod)
        of_job = of_cron_job or POD_OF_JOB.fullmatch(pod)
        unit = re.search(r"/([^/\s]+)\.service\s*$", self.cgroup)
        return {
            "terminal": "yes" if self.has_terminal else "",
            "user": environ.get("LOGNAME") or environ.get("USER") or f"user {os.getuid()}",
            "cron": "yes" if CRONS & set(self.ancestors) else "",
            # A value, so that a template can ask for both variables.
            "journal": " " if environ.get("JOURNAL_STREAM") else "",
            "unit": unit[1] if unit else "",
            "pods_job": of_job[1] if of_job else pod,
            "pods_category": SCHEDULED if of_cron_job else OTHER,
            "github_pull_request": github_pull_request(environ),
        }


def this_place(environ: Mapping[str, str]) -> Place:
    """Look around."""
    from runhook.client.surroundings import stdin_is_terminal  # noqa: PLC0415 - no cycle

    return Place(
        environ=environ,
        has_terminal=stdin_is_terminal(),
        ancestors=tuple(names_of_ancestors()),
        cgroup=read_text(Path("/proc/self/cgroup")),
    )


def names_of_ancestors() -> list[str]:
    """Return the names of the processes above this one, as far as /proc tells (Linux)."""
    names = []
    process = os.getppid()
    while process > 0:
        names.append(read_text(Path(f"/proc/{process}/comm")).strip().lower())
        process = parent_of(process)
    return names


def github_pull_request(environ: Mapping[str, str]) -> str:
    """Return the number of the pull request that a workflow runs for; empty if for none."""
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
    """Return a file's text; empty if it cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
