"""What is told of a run by what starts dbt: a test for each system, and who wins over whom."""

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runhook.client.facts import as_start, facts_of, job_name, system_of
from runhook.client.settings import Settings, read_settings
from runhook.client.surroundings import Surroundings
from runhook.client.systems import SYSTEMS, Place
from tests.wrapping.support import StubService, Wrapper


def settings(**flags: str) -> Settings:
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
    place = Place(environ, has_terminal, ancestors, cgroup)
    around = Surroundings(["dbt", "build"], environ, Path("/nowhere"))
    start = as_start(facts_of(settings(**flags), around, place, lambda text: text))
    assert (start.pop("project_name"), start.pop("environment_name")) == ("default", "default")
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
        assert system_of(Place(**everywhere)).name == system.name
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
        ("backfill-x7k2p", "backfill", "other"),
        ("dbt", "dbt", "other"),
    ],
)
def test_a_pods_name_tells_its_job(pod: str, job: str, category: str):
    start = told({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": pod})

    assert (start["job_name"], start["trigger"]["category"]) == (job, category)


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
    assert job_name(Place({}, has_terminal=True)) is None


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
