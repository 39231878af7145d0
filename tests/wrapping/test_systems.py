"""What a run's report says of the system that starts dbt: a test for each, and their order."""

import json
import threading
from argparse import Namespace
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from runhook.client.dbt.surroundings import Surroundings
from runhook.client.origin.facts import as_start, find_job_name, start_facts, system_of
from runhook.client.origin.made_up_names import labels_in
from runhook.client.origin.systems import SYSTEMS, LaunchContext
from runhook.client.settings import ClientSettings, read_settings
from tests.support.patience import look_until
from tests.wrapping.support import StubService, Wrapper


def settings(**flags: str) -> ClientSettings:
    unset = dict.fromkeys(["url", "account_id", "job", "project", "environment", "reason", "grace"])
    return read_settings(Namespace(**{**unset, "no_messages": False, **flags}), {})


def told(
    environ: Mapping[str, str],
    *,
    has_terminal: bool = False,
    ancestors: tuple[str, ...] = (),
    cgroup: str = "",
    **flags: str,
) -> dict[str, Any]:
    """What a start says beside the project and environment."""
    place = LaunchContext(environ, has_terminal, ancestors, cgroup)
    around = Surroundings(["dbt", "build"], environ, Path("/nowhere"))
    start = as_start(start_facts(settings(**flags), around, place, lambda text: text))
    assert (start.pop("project_name"), start.pop("environment_name")) == ("default", "default")
    if start["job_name"] == "unnamed (dbt build)":
        del start["job_name"]
    return start


AIRFLOW = {
    "AIRFLOW_CTX_DAG_ID": "shop",
    "AIRFLOW_CTX_TASK_ID": "dbt",
    "AIRFLOW_CTX_DAG_RUN_ID": "scheduled__2026-03-01T00:00:00+00:00",
    "AIRFLOW_CTX_TRY_NUMBER": "2",
}
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_WORKFLOW": "CI",
    "GITHUB_JOB": "dbt",
    "GITHUB_RUN_ID": "812",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_EVENT_NAME": "schedule",
    "GITHUB_TRIGGERING_ACTOR": "ada",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "shop/dbt",
    "GITHUB_SHA": "0a1b2c",
    "GITHUB_REF": "refs/heads/main",
}
GITHUB_LINK = "https://github.com/shop/dbt/actions/runs/812"
GITLAB = {
    "GITLAB_CI": "true",
    "CI_JOB_NAME": "dbt",
    "CI_PIPELINE_ID": "5",
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_JOB_URL": "https://gitlab.com/shop/-/jobs/9",
    "CI_COMMIT_SHA": "0a1b2c",
    "GITLAB_USER_LOGIN": "ada",
}
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "airflow": (
        {"environ": AIRFLOW},
        {
            "job_name": "shop.dbt",
            "run_reason": "Triggered via Apache Airflow by task 'dbt' in the shop DAG.",
            "trigger": {
                "system": "airflow",
                "external_id": "scheduled__2026-03-01T00:00:00+00:00",
                "attempt": 2,
                "category": "scheduled",
            },
        },
    ),
    "dagster": (
        {"environ": {"DAGSTER_RUN_JOB_NAME": "nightly", "DAGSTER_DBT_CLI": "true"}},
        {
            "job_name": "nightly",
            "run_reason": "Triggered via Dagster",
            "trigger": {"system": "dagster"},
        },
    ),
    "prefect": (
        {"environ": {"PREFECT__FLOW_RUN_ID": "f1", "PREFECT_UI_URL": "http://prefect:4200"}},
        {
            "run_reason": "Triggered via Prefect",
            "trigger": {
                "system": "prefect",
                "external_id": "f1",
                "link": "http://prefect:4200/runs/flow-run/f1",
            },
        },
    ),
    "argo_workflows": (
        {"environ": {"ARGO_NODE_ID": "dbt-x-1", "ARGO_CONTAINER_NAME": "main"}},
        {
            "run_reason": "Triggered via Argo Workflows",
            "trigger": {"system": "argo_workflows", "external_id": "dbt-x-1"},
        },
    ),
    "github_actions": (
        {"environ": GITHUB},
        {
            "job_name": "CI / dbt",
            "run_reason": "scheduled",
            "trigger": {
                "system": "github_actions",
                "external_id": "812",
                "attempt": 1,
                "category": "scheduled",
                "link": GITHUB_LINK,
                "commit": "0a1b2c",
            },
        },
    ),
    "gitlab_ci": (
        {"environ": GITLAB},
        {
            "job_name": "dbt",
            "run_reason": "Merge request !7",
            "trigger": {
                "system": "gitlab_ci",
                "external_id": "5",
                "category": "gitlab_merge_request",
                "pull_request": 7,
                "link": "https://gitlab.com/shop/-/jobs/9",
                "commit": "0a1b2c",
            },
        },
    ),
    "buildkite": (
        {
            "environ": {
                "BUILDKITE": "true",
                "BUILDKITE_PIPELINE_SLUG": "shop",
                "BUILDKITE_BUILD_ID": "b1",
                "BUILDKITE_RETRY_COUNT": "0",
                "BUILDKITE_SOURCE": "webhook",
                "BUILDKITE_MESSAGE": "free text",
                "BUILDKITE_PULL_REQUEST": "false",
                "BUILDKITE_BUILD_URL": "https://buildkite.com/shop/builds/1",
                "BUILDKITE_COMMIT": "0a1b2c",
            }
        },
        {
            "job_name": "shop",
            "run_reason": "Triggered via Buildkite (webhook)",
            "trigger": {
                "system": "buildkite",
                "external_id": "b1",
                "attempt": 0,
                "category": "other",
                "link": "https://buildkite.com/shop/builds/1",
                "commit": "0a1b2c",
            },
        },
    ),
    "circleci": (
        {
            "environ": {
                "CIRCLECI": "true",
                "CIRCLE_JOB": "dbt",
                "CIRCLE_WORKFLOW_ID": "w1",
                "CIRCLE_PULL_REQUEST": "https://github.com/shop/dbt/pull/7",
                "CIRCLE_BUILD_URL": "https://circleci.com/gh/shop/1",
                "CIRCLE_SHA1": "0a1b2c",
            }
        },
        {
            "job_name": "dbt",
            "run_reason": "Triggered via CircleCI",
            "trigger": {
                "system": "circleci",
                "external_id": "w1",
                "pull_request": 7,
                "link": "https://circleci.com/gh/shop/1",
                "commit": "0a1b2c",
            },
        },
    ),
    "jenkins": (
        {
            "environ": {
                "JENKINS_URL": "http://jenkins",
                "JOB_NAME": "shop/dbt",
                "BUILD_TAG": "jenkins-shop-3",
                "BUILD_CAUSE": "TIMERTRIGGER",
                "CHANGE_ID": "7",
                "BUILD_URL": "http://jenkins/job/shop/3/",
            }
        },
        {
            "job_name": "shop/dbt",
            "run_reason": "scheduled",
            "trigger": {
                "system": "jenkins",
                "external_id": "jenkins-shop-3",
                "category": "scheduled",
                "pull_request": 7,
                "link": "http://jenkins/job/shop/3/",
            },
        },
    ),
    "azure_devops": (
        {
            "environ": {
                "TF_BUILD": "True",
                "BUILD_DEFINITIONNAME": "shop",
                "BUILD_BUILDID": "3",
                "SYSTEM_JOBATTEMPT": "1",
                "BUILD_REASON": "PullRequest",
                "BUILD_REQUESTEDFOR": "Ada",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/shop/",
                "SYSTEM_TEAMPROJECT": "dbt",
                "BUILD_SOURCEVERSION": "0a1b2c",
            }
        },
        {
            "job_name": "shop",
            "run_reason": "PullRequest by Ada",
            "trigger": {
                "system": "azure_devops",
                "external_id": "3",
                "attempt": 1,
                "category": "azure_pull_request",
                "pull_request": 7,
                "link": "https://dev.azure.com/shop/dbt/_build/results?buildId=3",
                "commit": "0a1b2c",
            },
        },
    ),
    "notebook": (
        {"environ": {"JPY_PARENT_PID": "3", "USER": "ada"}},
        {
            "run_reason": "Kicked off from a notebook by ada",
            "trigger": {"system": "notebook", "category": "other"},
        },
    ),
    "cli": (
        {"environ": {"USER": "ada"}, "has_terminal": True},
        {
            "run_reason": "Kicked off from CLI by ada",
            "trigger": {"system": "cli", "category": "other"},
        },
    ),
    "aws_lambda": (
        {"environ": {"AWS_LAMBDA_FUNCTION_NAME": "nightly", "AWS_LAMBDA_LOG_STREAM_NAME": "l1"}},
        {
            "job_name": "nightly",
            "run_reason": "Triggered via AWS Lambda",
            "trigger": {"system": "aws_lambda", "external_id": "l1"},
        },
    ),
    "cloud_run_jobs": (
        {
            "environ": {
                "CLOUD_RUN_JOB": "nightly",
                "CLOUD_RUN_EXECUTION": "nightly-x7k2p",
                "CLOUD_RUN_TASK_INDEX": "0",
                "CLOUD_RUN_TASK_COUNT": "1",
                "CLOUD_RUN_TASK_ATTEMPT": "0",
            }
        },
        {
            "job_name": "nightly",
            "run_reason": "Triggered via Cloud Run",
            "trigger": {"system": "cloud_run_jobs", "external_id": "nightly-x7k2p", "attempt": 0},
        },
    ),
    "cloud_run": (
        {"environ": {"K_SERVICE": "dbt", "K_REVISION": "dbt-00002-abc"}},
        {
            "job_name": "dbt",
            "run_reason": "Triggered via Cloud Run",
            "trigger": {"system": "cloud_run", "external_id": "dbt-00002-abc"},
        },
    ),
    "aws_batch": (
        {
            "environ": {
                "AWS_BATCH_JOB_ID": "4c1",
                "AWS_BATCH_JQ_NAME": "nightly",
                "AWS_BATCH_JOB_ATTEMPT": "1",
            }
        },
        {
            "job_name": "nightly",
            "run_reason": "Triggered via AWS Batch",
            "trigger": {"system": "aws_batch", "external_id": "4c1", "attempt": 1},
        },
    ),
    "aws_ecs": (
        {"environ": {"ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:1/v4/a"}},
        {"run_reason": "Triggered via Amazon ECS", "trigger": {"system": "aws_ecs"}},
    ),
    "azure_container_apps": (
        {
            "environ": {
                "CONTAINER_APP_JOB_NAME": "nightly",
                "CONTAINER_APP_JOB_EXECUTION_NAME": "nightly-8ex2",
            }
        },
        {
            "job_name": "nightly",
            "run_reason": "Triggered via Azure Container Apps",
            "trigger": {"system": "azure_container_apps", "external_id": "nightly-8ex2"},
        },
    ),
    "nomad": (
        {"environ": {"NOMAD_ALLOC_ID": "a1", "NOMAD_JOB_NAME": "nightly/periodic-1719878400"}},
        {
            "job_name": "nightly",
            "run_reason": "scheduled",
            "trigger": {"system": "nomad", "external_id": "a1", "category": "scheduled"},
        },
    ),
    "kubernetes": (
        {
            "environ": {
                "KUBERNETES_SERVICE_HOST": "10.0.0.1",
                "HOSTNAME": "nightly-dbt-29384756-x7k2p",
            }
        },
        {
            "job_name": "nightly-dbt",
            "run_reason": "scheduled",
            "trigger": {
                "system": "kubernetes",
                "external_id": "nightly-dbt-29384756-x7k2p",
                "category": "scheduled",
            },
        },
    ),
    "systemd": (
        {
            "environ": {"INVOCATION_ID": "a1", "JOURNAL_STREAM": "8:1"},
            "cgroup": "0::/system.slice/nightly-dbt.service\n",
        },
        {
            "job_name": "nightly-dbt",
            "run_reason": "scheduled",
            "trigger": {"system": "systemd", "external_id": "a1", "category": "scheduled"},
        },
    ),
    "cron": (
        {"environ": {}, "ancestors": ("sh", "cron", "systemd")},
        {"run_reason": "scheduled", "trigger": {"system": "cron", "category": "scheduled"}},
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_system_tells(name: str):
    given, expected = ROWS[name]

    assert told(**given) == expected


@pytest.fixture
def agent_of_ecs() -> Iterator[str]:
    """Answers as Amazon's agent does, at an address as it has it."""

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            task = {
                "Family": "dbt-nightly",
                "TaskARN": "arn:aws:ecs:eu:1:task/c/9781c248",
                "Limits": {},
            }
            content = json.dumps(task if self.path == "/v4/abc/task" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Agent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v4/abc"
        server.shutdown()
        thread.join()


def test_every_system_has_its_test():
    assert list(ROWS) == [system.name for system in SYSTEMS]


def test_a_pod_that_no_cron_job_has_made_is_not_scheduled():
    by_hand = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "backfill-x7k2p"}

    assert told(by_hand) == {
        "job_name": "backfill",
        "run_reason": "Triggered via Kubernetes",
        "trigger": {
            "system": "kubernetes",
            "external_id": "backfill-x7k2p",
            "category": "other",
        },
    }


def test_where_nothing_is_recognised_a_run_is_scheduled():
    assert told({"HOSTNAME": "box", "INVOCATION_ID": "a1"}) == {"run_reason": "scheduled"}


def test_the_innermost_system_wins():
    places = [given for given, _ in ROWS.values()]
    everywhere: dict[str, Any] = {
        "environ": {name: value for one in places for name, value in one["environ"].items()},
        "has_terminal": True,
        "ancestors": ("cron",),
        "cgroup": "0::/a.service",
    }
    for system in SYSTEMS:
        assert system_of(LaunchContext(**everywhere)).name == system.name
        given = ROWS[system.name][0]
        for name in given["environ"]:
            if name != "USER":
                everywhere["environ"].pop(name, None)
        if "has_terminal" in given:
            everywhere["has_terminal"] = False
        everywhere["environ"].pop("BUILD_TAG", None)
        if system.name == "jenkins":
            everywhere["environ"].pop("JENKINS_URL", None)


@pytest.mark.parametrize(
    ("changed", "number", "reason"),
    [
        (
            {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"},
            7,
            "Pull request #7",
        ),
        ({"GITHUB_EVENT_NAME": "workflow_dispatch"}, None, "workflow_dispatch by ada"),
    ],
)
def test_a_workflow_tells_its_pull_request(
    changed: dict[str, str], number: int | None, reason: str
):
    start = told({**GITHUB, **changed})

    assert start["run_reason"] == reason
    assert start["trigger"].get("pull_request") == number
    expected = "github_pull_request" if number else "other"
    assert start["trigger"]["category"] == expected


@pytest.mark.parametrize(
    ("event", "number"), [('{"number": 7}', 7), ('{"number": "x"}', None), ("[]", None), ("", None)]
)
def test_a_workflow_for_the_target_of_a_pull_request_finds_its_number_in_the_event(
    tmp_path: Path, event: str, number: int | None
):
    (tmp_path / "event.json").write_text(event)
    changed = {
        "GITHUB_EVENT_NAME": "pull_request_target",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }

    start = told({**GITHUB, **changed})

    assert start["trigger"].get("pull_request") == number
    assert start["trigger"]["category"] == "github_pull_request"


@pytest.mark.parametrize(
    ("pod", "job", "category"),
    [
        ("nightly-dbt-29384756-x7k2p", "nightly-dbt", "scheduled"),
        ("nightly-28512345-abcde", "nightly", "scheduled"),
        ("nightly-29384756-3-x7k2p", "nightly", "scheduled"),
        ("backfill-x7k2p", "backfill", "other"),
        ("nightly-dbt-7x9kq", "nightly-dbt", "other"),
        ("dbt-6d4b75cb6d-hq5zc", "dbt", "other"),
        ("dbt-docs-7c9f8d6b5-abcde", "dbt-docs", "other"),
        ("dbt-0", "dbt", "other"),
        ("dbt-run-k3jx81qz", "dbt-run", "other"),
        ("dbt-run.0a1b2c3d4e5f60718293a4b5c6d7e8f9", "dbt-run", "other"),
        ("nightly-x7k2p-dbt-build-pod", "nightly-dbt-build", "other"),
        ("dbt", "dbt", "other"),
        ("dbt-build", "dbt-build", "other"),
        ("shop-nightly-analytics", "shop-nightly-analytics", "other"),
    ],
)
def test_a_pods_name_tells_its_job(pod: str, job: str, category: str):
    start = told({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": pod})

    assert (start["job_name"], start["trigger"]["category"]) == (job, category)


@pytest.mark.parametrize(
    ("labels", "job"),
    [
        ({"job-name": "nightly-29384756"}, "nightly"),
        ({"batch.kubernetes.io/job-name": "backfill"}, "backfill"),
        ({"dag_id": "shop", "task_id": "dbt", "run_id": "manual"}, "shop.dbt"),
        ({"tekton.dev/pipeline": "nightly", "tekton.dev/pipelineTask": "dbt"}, "nightly / dbt"),
        ({"app": "dbt"}, "made"),
    ],
)
def test_a_pods_labels_tell_its_job_better(labels: dict[str, str], job: str):
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "made-x7k2p"}

    fact = find_job_name(LaunchContext(environ, has_terminal=False, labels=labels))

    assert fact is not None
    assert fact.value == job


def test_reads_labels_as_kubernetes_mounts_them():
    assert labels_in('app="dbt"\ndag_id="shop"\nx="a\\"b"\nstrange\n') == {
        "app": "dbt",
        "dag_id": "shop",
        "x": 'a\\"b',
    }


@pytest.mark.parametrize(
    ("pod", "job"),
    [
        ({"POD_NAME": "nightly-x7k2p", "HOSTNAME": "node-7"}, "nightly"),
        ({"HOSTNAME": "nightly-29384756-3", "JOB_COMPLETION_INDEX": "3"}, "nightly"),
        ({"HOSTNAME": "backfill-3", "JOB_COMPLETION_INDEX": "3"}, "backfill"),
    ],
)
def test_a_pod_is_known_by_what_its_job_tells_it(pod: dict[str, str], job: str):
    assert told({"KUBERNETES_SERVICE_HOST": "10.0.0.1", **pod})["job_name"] == job


@pytest.mark.parametrize(
    ("workflow", "job"),
    [
        ({"ARGO_WORKFLOW_NAME": "nightly-1719878400"}, "nightly"),
        ({"ARGO_WORKFLOW_NAME": "nightly-x7k2p"}, "nightly"),
        ({"ARGO_WORKFLOW_NAME": "nightly"}, "nightly"),
        ({"ARGO_NODE_ID": "nightly-x7k2p-1234567890"}, "nightly"),
    ],
)
def test_a_workflow_of_argo_has_one_name_in_all_its_runs(workflow: dict[str, str], job: str):
    assert told({"ARGO_NODE_ID": "n-1234567890", **workflow})["job_name"] == job


@pytest.mark.parametrize(
    ("environ", "job"),
    [
        (
            {**GITHUB, "MATRIX_CONTEXT": '{"target": "prod", "python": 3.11}'},
            "CI / dbt (prod, 3.11)",
        ),
        ({**GITHUB, "MATRIX_CONTEXT": "null"}, "CI / dbt"),
        ({**GITHUB, "MATRIX_CONTEXT": "[" * 100_000}, "CI / dbt"),
        ({**GITLAB, "CI_JOB_NAME": "dbt: [prod, eu]"}, "dbt: [prod, eu]"),
        (
            {
                "BUILDKITE": "true",
                "BUILDKITE_PIPELINE_SLUG": "shop",
                "BUILDKITE_LABEL": "dbt prod",
                "BUILDKITE_PARALLEL_JOB": "1",
                "BUILDKITE_PARALLEL_JOB_COUNT": "5",
            },
            "shop / dbt prod (2/5)",
        ),
        (
            {
                "CIRCLECI": "true",
                "CIRCLE_JOB": "dbt",
                "CIRCLE_NODE_INDEX": "0",
                "CIRCLE_NODE_TOTAL": "2",
            },
            "dbt (1/2)",
        ),
        (
            {"TF_BUILD": "True", "BUILD_DEFINITIONNAME": "shop", "AGENT_JOBNAME": "prod_eu"},
            "shop / prod_eu",
        ),
        ({"TF_BUILD": "True", "BUILD_DEFINITIONNAME": "shop", "AGENT_JOBNAME": "Job"}, "shop"),
        (
            {"CLOUD_RUN_JOB": "nightly", "CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "3"},
            "nightly (3/3)",
        ),
        ({"NOMAD_ALLOC_ID": "a", "NOMAD_JOB_NAME": "a/dispatch-17-x", "USER": "u"}, "a"),
    ],
)
def test_legs_of_a_matrix_are_told_apart(environ: dict[str, str], job: str):
    assert told(environ)["job_name"] == job


def test_a_task_of_ecs_is_named_by_the_agent_on_its_machine(agent_of_ecs: str):
    """It is not waited for where it does not answer at once, as on a busy machine."""

    def is_named() -> bool:
        start = told({"ECS_CONTAINER_METADATA_URI_V4": agent_of_ecs})
        named = (start.get("job_name"), start["trigger"].get("external_id"))
        assert named in {("dbt-nightly", "9781c248"), (None, None)}
        return named != (None, None)

    look_until(is_named)


@pytest.mark.parametrize("unit", ["run-r1a2b3c", "run-1234", "user@1000", "cron"])
def test_a_unit_that_was_made_for_the_occasion_names_no_job(unit: str):
    start = told(
        {"INVOCATION_ID": "a1", "JOURNAL_STREAM": "8:1"},
        cgroup=f"0::/system.slice/{unit}.service\n",
    )

    assert "job_name" not in start


def test_a_manual_run_of_airflow_is_of_another_kind():
    manual = {**AIRFLOW, "AIRFLOW_CTX_DAG_RUN_ID": "manual__2026-03-01T00:00:00+00:00"}

    assert told(manual)["trigger"]["category"] == "other"


def test_names_that_people_use_already_win_over_what_is_recognised():
    usual = {
        "DBT_JOB_NAME": "theirs",
        "JOB_NAME": "not theirs",
        "JOB_RUN_ID": "r1",
        "DBT_CAUSE": "because",
        "DBT_CAUSE_CATEGORY": "github_pull_request",
        "DBT_PULL_REQUEST_ID": "8",
    }

    start = told({**GITHUB, **usual})

    assert (start["job_name"], start["run_reason"]) == ("theirs", "because")
    assert start["trigger"]["external_id"] == "r1"
    assert start["trigger"]["category"] == "github_pull_request"
    assert start["trigger"]["pull_request"] == 8
    assert start["trigger"]["link"] == GITHUB_LINK


def test_flags_win_over_all():
    start = told({**GITHUB, "DBT_CAUSE": "because"}, job="nightly", reason="I say so")

    assert (start["job_name"], start["run_reason"]) == ("nightly", "I say so")


def test_facts_are_never_longer_than_the_service_takes():
    start = told({name: value + "x" * 3_000 for name, value in GITHUB.items()})

    assert len(start["job_name"]) == 255
    assert len(start["trigger"]["link"]) == 2_000
    assert len(start["trigger"]["commit"]) == 64
    assert "attempt" not in start["trigger"]


def test_a_machine_with_nothing_to_tell_names_no_job():
    assert find_job_name(LaunchContext({}, has_terminal=True)) is None


def test_what_is_recognised_is_reported(wrapper: Wrapper, service: StubService):
    wrapper.without("RUNHOOK_JOB").with_variables(**GITHUB).run("dbt", "build")

    start = service.body("runs")
    assert start["job_name"] == "CI / dbt"
    assert start["trigger"]["link"] == GITHUB_LINK


def test_secrets_in_what_is_told_are_replaced(wrapper: Wrapper, service: StubService):
    secretive = {**GITHUB, "GITHUB_SHA": "hunter2hunter2", "MY_PASSWORD": "hunter2hunter2"}

    wrapper.without("RUNHOOK_JOB").with_variables(**secretive).run(
        "dbt", "build", flags=["--reason", "with hunter2hunter2"]
    )

    assert "hunter2" not in json.dumps(service.body("runs"))
