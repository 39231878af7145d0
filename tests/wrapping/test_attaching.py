"""dbt's files are attached to a run where that is switched on, without what is private."""

import json
import os
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from runhook.client.reporting.kept_files import KeptFiles
from runhook.client.reporting.report import Attachment, NotAttachedError, Report, ReportKind
from runhook.client.reporting.reporter import Reporter
from runhook.client.reporting.service import Service
from runhook.client.reporting.spool import Spool
from runhook.client.run.attaching import redacted_artifact
from runhook.domain.secrets.redaction import Redactor
from tests.support.patience import PATIENCE, look_until
from tests.wrapping.support import Answer, Request, StubService, Wrapper, accepted, refused

WITH_A_MANIFEST = (
    "dbt build && printf "
    '\'{"metadata": {"dbt_version": "1.12.0", "env": {"RUNHOOK_STEP": "%s"}}, "sql": "%s"}\' '
    '"$DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP" "select hunter22" > target/manifest.json'
)


def test_files_arrive_before_the_end_of_the_run(wrapper: Wrapper, service: StubService):
    told = wrapper.with_variables(DB_PASSWORD="hunter22", LEAK="hunter22")

    ended = told.run("sh", "-c", WITH_A_MANIFEST, flags=["--upload-artifacts"])

    assert (ended.returncode, ended.stderr) == (0, b"to stderr\n")
    assert service.verbs() == ["runs", "run_results.json", "manifest.json", "finish"]
    assert service.requests[1].path.endswith("/runs/42/artifacts/run_results.json?step=1")
    results, manifest = service.body("run_results.json"), service.body("manifest.json")
    assert len(results["results"]) == 2
    assert results["args"] == {"vars": "*****"}
    assert manifest["sql"] == "select *****"


def test_a_variable_attaches_them_and_a_flag_does_not(wrapper: Wrapper, service: StubService):
    machine = wrapper.with_variables(RUNHOOK_UPLOAD_ARTIFACTS="1")
    machine.run("dbt", "build", flags=["--no-upload-artifacts"])
    machine.run("dbt", "build")

    assert service.verbs() == ["runs", "finish", "runs", "run_results.json", "finish"]


def test_each_step_keeps_its_files(wrapper: Wrapper, service: StubService):
    steps = ["--step", "dbt build", "--step", "dbt exit 0", "--step", "dbt warn"]

    ended = wrapper.runhook("run", "--upload-artifacts", *steps)

    assert (ended.returncode, ended.stderr) == (0, "to stderr\nto stderr\n")
    files = [one for one in service.requests if "artifacts" in one.path]
    told = [
        (one.path.partition("?")[2], one.body["results"][1]["status"], one.body["metadata"]["env"])
        for one in files
    ]
    assert [(step, status) for step, status, _ in told] == [("step=1", "pass"), ("step=3", "warn")]
    assert service.verbs()[-1] == "finish"


def test_a_run_that_is_killed_while_its_files_are_on_their_way_has_kept_its_end(
    wrapper: Wrapper, service: StubService
):
    gone = threading.Event()

    def hold_files(request: Request, position: int) -> Answer:
        if "artifacts" in request.path:
            gone.wait(PATIENCE)
        return accepted(request, position)

    service.answer = hold_files
    with wrapper.start("dbt", "build", flags=["--upload-artifacts"]) as process:
        service.wait_for("run_results.json")
        wait_until_end_is_kept(wrapper)
        process.kill()
    gone.set()

    assert service.count("finish") == 0
    service.requests.clear()
    assert wrapper.runhook("flush").returncode == 0
    assert service.verbs() == ["runs", "run_results.json", "finish"]
    assert service.body("finish")["status"] == "success"
    assert [*wrapper.spool.iterdir()] == []


def wait_until_end_is_kept(wrapper: Wrapper) -> None:
    look_until(lambda: kept_kinds(wrapper) == ["start", "finish"])


def kept_kinds(wrapper: Wrapper) -> list[str]:
    lines = [line for path in wrapper.spool.glob("*.run") for line in path.read_text().splitlines()]
    return [json.loads(line)["kind"] for line in lines[1:]]


def test_the_end_is_told_although_the_service_hangs_up_on_a_file(
    wrapper: Wrapper, service: StubService
):
    def hang_up(request: Request, position: int) -> Answer:
        if "artifacts" in request.path:
            raise ConnectionError
        return accepted(request, position)

    service.answer = hang_up

    ended = wrapper.run("dbt", "build", flags=["--upload-artifacts"])

    assert ended.returncode == 0
    assert b"not all artifacts were attached: run_results.json: " in ended.stderr
    assert b"what is left is kept for the next run, or `runhook flush`" in ended.stderr
    assert service.verbs() == ["runs", "run_results.json", "finish"]


def test_files_that_were_not_attached_go_with_the_next_run_without_secrets(
    wrapper: Wrapper, service: StubService
):
    secretive = wrapper.with_variables(DB_PASSWORD="hunter22", LEAK="hunter22")
    service.answer = lambda request, position: (
        (503, b"", {}) if "artifacts" in request.path else accepted(request, position)
    )
    ended = secretive.run("sh", "-c", WITH_A_MANIFEST, flags=["--upload-artifacts"])
    copies = sorted(wrapper.spool.glob("*.files/*"))
    told = service.verbs()

    assert ended.returncode == 0
    assert told == ["runs", "run_results.json", "manifest.json", "finish"]
    assert [copy.name for copy in copies] == ["0001-manifest.json", "0001-run_results.json"]
    assert {stat.S_IMODE(copy.stat().st_mode) for copy in copies} == {0o600}
    assert not any("hunter22" in copy.read_text() for copy in copies)

    service.requests.clear()
    service.answer = accepted
    wrapper.run("dbt", "exit", "0")

    late = [one for one in service.requests if "artifacts" in one.path]
    assert [one.path.rpartition("/")[2] for one in late] == [
        "manifest.json?step=1",
        "run_results.json?step=1",
    ]
    assert late[0].body["sql"] == "select *****"
    assert [*wrapper.spool.iterdir()] == []


def test_a_kept_file_that_the_service_refuses_is_forgotten(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    wrapper.run("dbt", "build", flags=["--upload-artifacts"])
    assert len([*wrapper.spool.glob("*.files/*")]) == 1
    service.answer = lambda request, position: (
        refused(404) if "artifacts" in request.path else accepted(request, position)
    )

    assert wrapper.runhook("flush").returncode == 0

    assert [*wrapper.spool.iterdir()] == []


def test_a_service_that_hangs_on_a_file_hears_of_the_end_and_gets_the_files_later(
    service: StubService, tmp_path: Path
):
    may_answer = threading.Event()

    def hang_on_files(request: Request, position: int) -> Answer:
        assert "artifacts" not in request.path or may_answer.wait(PATIENCE)
        return accepted(request, position)

    service.answer = hang_on_files
    connection = Service(url=service.url, token="t", account_id="1", environ={})
    reporter = Reporter(connection, Spool(tmp_path), "abc", silent_seconds=0.05)
    reporter.report(Report(kind=ReportKind.STARTED, body={}))
    reporter.report(Report(kind=ReportKind.FINISHED, body={}))
    reporter.attach([an_attachment("manifest.json"), an_attachment("run_results.json")])
    deadline = time.monotonic() + PATIENCE
    reporter.start(deadline=deadline)

    trouble = reporter.close(deadline=deadline)
    # So little time may be over before the service has read what was sent.
    service.wait_for("manifest.json")
    may_answer.set()

    assert sorted(service.verbs()) == ["finish", "manifest.json", "runs"]
    assert trouble == (
        "not all artifacts were attached: manifest.json: no answer in time; "
        "what is left is kept for the next run, or `runhook flush`"
    )
    copies = [path.name for path in (tmp_path / "abc.files").iterdir()]
    assert sorted(copies) == ["0001-manifest.json", "0001-run_results.json"]


def test_no_copy_is_written_where_somebody_elses_link_leads(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "abc.files").symlink_to(elsewhere)

    with pytest.raises(PermissionError):
        KeptFiles(tmp_path / "abc.run").add("manifest.json", 1, b"{}")

    assert [*elsewhere.iterdir()] == []


def test_what_somebody_else_has_put_among_the_copies_is_not_read(tmp_path: Path):
    """Nor a FIFO, which would be waited for."""
    kept = KeptFiles(tmp_path / "abc.run")
    kept.add("manifest.json", 1, b"{}")
    os.mkfifo(kept.folder / "0002-manifest.json")
    (kept.folder / "0003-manifest.json").symlink_to("/etc/hostname")
    (kept.folder / "notes.txt").touch()
    first, fifo, link = kept.all()

    assert first.read() == b"{}"
    for strange in (fifo, link):
        with pytest.raises(OSError, match=r"^(\[Errno|$)"):
            strange.read()


def an_attachment(name: str) -> Attachment:
    return Attachment(name=name, step=1, content=b"{}", problem=None, clean=bytes)


def test_copies_of_the_oldest_runs_make_room_for_others(wrapper: Wrapper, service: StubService):
    """Files with holes stand in for large ones."""
    service.answer = lambda *_: (503, b"", {})
    for job in ("old", "new"):
        wrapper.run("dbt", "build", flags=["--upload-artifacts", "--job", job])
    old, new = sorted(wrapper.spool.glob("*.files"), key=lambda path: path.stat().st_mtime_ns)
    for folder in (old, new):
        os.truncate(next(folder.iterdir()), 150 << 20)

    wrapper.run("dbt", "exit", "0")

    assert (old.exists(), new.exists()) == (False, True)
    assert old.with_suffix(".run").exists()


def test_a_manifest_of_another_commands_tag_is_ours_if_the_invocation_is(
    wrapper: Wrapper, service: StubService
):
    """dbt's partial parsing keeps the tag of the command that parsed the project first."""
    manifest = '{"metadata": {"invocation_id": "5f3c", "env": {"RUNHOOK_STEP": "earlier"}}}'

    wrapper.run(
        "sh",
        "-c",
        f"dbt build && echo '{manifest}' > target/manifest.json",
        flags=["--upload-artifacts"],
    )

    assert service.verbs() == ["runs", "run_results.json", "manifest.json", "finish"]


def test_a_manifest_of_our_tag_is_anothers_if_the_invocation_is(
    wrapper: Wrapper, service: StubService
):
    script = WITH_A_MANIFEST.replace('"dbt_version"', '"invocation_id": "9999", "dbt_version"')

    wrapper.run("sh", "-c", script, flags=["--upload-artifacts"])

    assert service.verbs() == ["runs", "run_results.json", "finish"]


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
    subprocess.run(
        ["dbt", "warn"],
        env={**shell.environ, "STUB_INVOCATION": "9999"},
        cwd=shell.folder,
        check=True,
        timeout=PATIENCE,
    )

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
