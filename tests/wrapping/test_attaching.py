"""dbt's files are attached to a run if somebody wants that, without what is nobody's business."""

import json

import pytest

from runhook.client.run.attaching import NotAttachedError, redacted_artifact
from runhook.domain.secrets.redaction import Redactor
from tests.wrapping.support import Answer, Request, StubService, Wrapper, accepted, refused

WITH_A_MANIFEST = (
    "dbt build && printf "
    '\'{"metadata": {"dbt_version": "1.12.0", "env": {"RUNHOOK_STEP": "%s"}}, "sql": "%s"}\' '
    '"$DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP" "select hunter22" > target/manifest.json'
)


def test_both_files_follow_the_end_of_the_run(wrapper: Wrapper, service: StubService):
    told = wrapper.with_variables(DB_PASSWORD="hunter22", LEAK="hunter22")

    ended = told.run("sh", "-c", WITH_A_MANIFEST, flags=["--upload-artifacts"])

    assert (ended.returncode, ended.stderr) == (0, b"to stderr\n")
    assert service.verbs() == ["runs", "finish", "run_results.json", "manifest.json"]
    assert service.requests[2].path.endswith("/runs/42/artifacts/run_results.json")
    results, manifest = service.body("run_results.json"), service.body("manifest.json")
    assert len(results["results"]) == 2
    assert "args" not in results
    assert manifest["sql"] == "select *****"


def test_nothing_is_attached_unless_asked(wrapper: Wrapper, service: StubService):
    wrapper.run("dbt", "build")

    assert service.verbs() == ["runs", "finish"]


def test_files_of_steps_are_attached_once_the_last_ones(wrapper: Wrapper, service: StubService):
    shell = wrapper.with_variables(RUNHOOK_RUN=wrapper.runhook("start").stdout.strip())
    for how in ("build", "warn"):
        shell.runhook("step", "--", "dbt", how)

    ended = shell.runhook("finish", "--upload-artifacts")

    assert (ended.returncode, ended.stderr) == (0, "")
    statuses = [one["status"] for one in service.body("run_results.json")["results"]]
    assert statuses == ["success", "warn"]


def test_a_file_that_another_command_wrote_since_is_not_attached(
    wrapper: Wrapper, service: StubService
):
    shell = wrapper.with_variables(RUNHOOK_RUN=wrapper.runhook("start").stdout.strip())
    shell.runhook("step", "--", "dbt", "build")
    shell.run("sh", "-c", "unset DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP; dbt warn")

    ended = shell.runhook("finish", "--upload-artifacts")

    assert ended.returncode == 0
    assert "written anew by another command" in ended.stderr
    assert "run_results.json" not in service.verbs()


def test_a_service_that_does_not_take_them_changes_nothing(wrapper: Wrapper, service: StubService):
    def take_no_files(request: Request, position: int) -> Answer:
        return refused(413) if "artifacts" in request.path else accepted(request, position)

    service.answer = take_no_files

    ended = wrapper.run("dbt", "fail", flags=["--upload-artifacts"])

    assert ended.returncode == 1
    assert b"not all artifacts were attached: run_results.json: answered 413" in ended.stderr


SECRETS = Redactor({"DBT_ENV_SECRET_A": "n", "DB_PASSWORD": 'käse"\\x1'})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\nb", "a\nb"),
        ("on", "o*****"),
        ('is käse"\\x1', "is *****"),
        ("https://me:you@host", "https://*****@host"),
    ],
)
def test_what_is_attached_stays_json(value: str, expected: str):
    for ascii_only in (True, False):
        content = json.dumps({"a": ["https://x", value], "b": 1.5}, ensure_ascii=ascii_only)
        found = json.loads(redacted_artifact("manifest.json", content.encode(), SECRETS))

        assert found == {"a": ["https://x", expected], "b": 1.5}


def test_a_file_that_was_cut_off_is_not_attached():
    with pytest.raises(NotAttachedError, match="cut off"):
        redacted_artifact("run_results.json", b'{"metadata": ', SECRETS)
