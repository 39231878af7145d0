"""`runhook doctor` says what would be reported, and what stands in the way."""

import json
from typing import Any

import pytest

from tests.wrapping.support import StubService, Wrapper, refused


def ask(wrapper: Wrapper, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the findings."""
    ended = wrapper.runhook("doctor", "--json", *words)
    return ended.returncode, json.loads(ended.stdout)


def check(findings: dict[str, Any], name: str) -> tuple[bool, str]:
    (found,) = [one for one in findings["checks"] if one["name"] == name]
    return found["fine"], found["message"]


def test_says_what_would_be_reported_and_why(wrapper: Wrapper, service: StubService):
    service.answer = lambda _request, _position: refused(400)
    on_github = wrapper.with_variables(
        GITHUB_ACTIONS="true",
        GITHUB_RUN_ID="7",
        GITHUB_EVENT_NAME="schedule",
        DBT_PASSWORD="Vq7-x1-nightly",
    ).without("RUNHOOK_JOB")

    code, findings = ask(on_github, "--job", "the nightly-77", "--", "dbt", "build", "-t", "prod")

    assert (code, findings["fine"]) == (0, True)
    facts = {name: (one["value"], one["source"]) for name, one in findings["facts"].items()}
    assert facts["found"] == ("github_actions", "what starts dbt")
    assert facts["job_name"] == ("the nightly-77", "--job or RUNHOOK_JOB")
    assert facts["environment_name"] == ("prod", "dbt's target")
    assert facts["external_id"] == ("7", "github_actions")
    assert check(findings, "service") == (True, f"{service.url} answers")
    assert check(findings, "token") == (True, "may report runs of account 1")
    assert check(findings, "spool") == (True, str(wrapper.spool))
    assert check(findings, "command") == (True, str(wrapper.folder / "bin" / "dbt"))
    # Nothing was reported: a run without a job cannot be started.
    assert [(one.verb, one.body) for one in service.requests] == [("runs", {})]
    assert [*wrapper.spool.iterdir()] == []


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "check RUNHOOK_TOKEN"),
        (403, "permission set job_runner"),
        (404, "check RUNHOOK_ACCOUNT_ID"),
        (503, "answered 503"),
        (201, "is it Runhook?"),
    ],
)
def test_a_token_that_does_not_do(wrapper: Wrapper, service: StubService, status: int, remedy: str):
    data = b'{"data": {"id": 1}}' if status == 201 else b"{}"
    service.answer = lambda _request, _position: (status, data, {})

    code, findings = ask(wrapper)

    assert code == 1
    fine, message = check(findings, "token")
    assert (fine, remedy in message) == (False, True)


@pytest.mark.parametrize(
    ("variables", "name", "complaint"),
    [
        ({"RUNHOOK_URL": "http://127.0.0.1:9"}, "service", "connection refused"),
        ({"RUNHOOK_URL": "nowhere"}, "service", "not an http"),
        ({"RUNHOOK_TOKEN": ""}, "service", "set RUNHOOK_TOKEN"),
        ({"RUNHOOK_SPOOL_DIR": "/proc/nowhere"}, "spool", "cannot be written"),
        ({"HOME": "", "XDG_STATE_HOME": ""}, "spool", "set RUNHOOK_SPOOL_DIR"),
        ({"PATH": "/nowhere"}, "command", "not found in PATH"),
        ({"RUNHOOK_JOB": ""}, "job", "give --job or RUNHOOK_JOB"),
    ],
    ids=["refused", "no address", "no token", "no folder", "no home", "no dbt", "no job"],
)
def test_what_stands_in_the_way(
    wrapper: Wrapper, service: StubService, variables: dict[str, str], name: str, complaint: str
):
    service.answer = lambda _request, _position: refused(400)

    code, findings = ask(wrapper.with_variables(**variables))

    assert code == 1
    fine, message = check(findings, name)
    assert (fine, complaint in message) == (False, True)
    assert [one["name"] for one in findings["checks"] if not one["fine"]] == [name]


def test_no_secret_is_printed(wrapper: Wrapper, service: StubService):
    address = service.url.replace("http://", "http://me:in-the-url@")
    told = wrapper.with_variables(
        RUNHOOK_TOKEN="a-long-token",
        RUNHOOK_URL=address,
        DBT_ENV_SECRET_A="s3",
        RUNHOOK_SPOOL_DIR=str(wrapper.folder / "s3"),
        http_proxy="http://me:in-the-proxy@127.0.0.1:1",
        RUNHOOK_RUN="0" * 32,
    )

    ended = told.runhook("doctor")

    assert "NO" in ended.stdout
    assert "names no run under way" in ended.stdout
    for secret in ("a-long-token", "in-the-url", "in-the-proxy", "s3"):
        assert secret not in ended.stdout + ended.stderr


def test_runs_that_wait_are_counted(wrapper: Wrapper):
    wrapper.with_variables(RUNHOOK_URL="http://127.0.0.1:9").runhook("start")

    _, findings = ask(wrapper)

    fine, message = check(findings, "spool")
    assert (fine, "1 run(s) wait in it" in message) == (True, True)
