"""`runhook import`: a run is reported after the fact, once."""

import json

import pytest

from tests.wrapping.support import StubService, Wrapper, refused

METADATA = {
    "dbt_version": "1.12.0",
    "invocation_id": "5f3c0a52",
    "generated_at": "2026-03-01T04:07:31.500000Z",
    "invocation_started_at": "2026-03-01T04:00:02Z",
    "env": {},
}
NODES = [
    {"unique_id": "model.package.orders", "status": "success", "execution_time": 2.0},
    {
        "unique_id": "test.package.orders_id.1a",
        "status": "fail",
        "message": "Got 2 results for hunter22",
        "execution_time": 0.5,
    },
]


def write_artifacts(
    wrapper: Wrapper, nodes=NODES, manifests="5f3c0a52", **metadata: object
) -> None:
    folder = wrapper.folder / "target"
    folder.mkdir(exist_ok=True)
    content = {"metadata": {**METADATA, **metadata}, "results": nodes, "elapsed_time": 61.5}
    (folder / "run_results.json").write_text(
        json.dumps({**content, "args": {"target": "prod", "vars": {"key": "s3cret"}}})
    )
    manifest = {"metadata": {"project_name": "shop", "invocation_id": manifests}}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_run_is_told_as_late_with_its_own_times(wrapper: Wrapper, service: StubService):
    write_artifacts(wrapper)

    ended = wrapper.with_variables(DB_PASSWORD="hunter22").runhook("import", "--target", "target/")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "5f3c0a52 is reported" in ended.stdout
    assert service.body("runs") == {
        "run_key": "dbt-5f3c0a52",
        "started_at": "2026-03-01T04:00:02Z",
        "heartbeats": False,
        "cancelable": False,
        "job_name": "nightly",
        "project_name": "shop",
        "environment_name": "prod",
        "run_reason": "imported",
        "dbt_version": "1.12.0",
        "late": True,
    }
    end = service.body("finish")
    assert (end["status"], end["outcome"], end["late"]) == ("error", "failed", True)
    assert end["finished_at"] == "2026-03-01T04:07:31.500000Z"
    assert end["results"]["counts"] == {"success": 1, "fail": 1}
    assert end["results"]["failed"][0]["message"] == "Got 2 results for *****"
    assert "s3cret" not in json.dumps(end)


def test_the_same_files_again_say_the_same(wrapper: Wrapper, service: StubService):
    write_artifacts(wrapper)
    wrapper.runhook("import")

    wrapper.with_variables(GITHUB_ACTIONS="true", GITHUB_RUN_ID="7").runhook("import")

    first, second = service.requests[:2], service.requests[2:]
    assert [one.body for one in first] == [one.body for one in second]


def test_an_older_dbt_tells_no_start_and_a_foreign_manifest_no_project(
    wrapper: Wrapper, service: StubService
):
    write_artifacts(wrapper, manifests="another", invocation_started_at=None)

    wrapper.runhook("import", "--no-messages")

    assert service.body("runs")["started_at"] == "2026-03-01T04:06:30Z"
    assert service.body("runs")["project_name"] == "package"
    assert service.body("finish")["results"]["failed"][0]["message"] == ""


def test_what_a_wrapper_reports_is_not_imported(wrapper: Wrapper, service: StubService):
    wrapper.run("dbt", "build")

    ended = wrapper.runhook("import")

    assert ended.returncode == 0
    assert "nothing to do" in ended.stderr
    assert service.verbs() == ["runs", "finish"]


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        (None, "No such file"),
        ({"invocation_id": ""}, "has no invocation_id"),
        ({"generated_at": "soon"}, "not JSON"),
    ],
    ids=["no file", "no invocation", "no time"],
)
def test_what_cannot_be_read_is_said(
    wrapper: Wrapper, service: StubService, metadata: dict[str, object] | None, complaint: str
):
    if metadata is not None:
        write_artifacts(wrapper, **metadata)

    ended = wrapper.runhook("import")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert complaint in ended.stderr
    assert service.verbs() == []


def test_what_cannot_be_told_is_kept(wrapper: Wrapper, service: StubService):
    service.answer = lambda _request, _position: refused(503)
    write_artifacts(wrapper)

    ended = wrapper.runhook("import")

    assert ended.returncode == 1
    assert "it is kept for the next run" in ended.stderr
    assert len([*wrapper.spool.iterdir()]) == 1
