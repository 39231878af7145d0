"""What could not be reported stays on the disk, and goes with the next run or `runhook flush`."""

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from tests.wrapping.support import (
    StubService,
    Wrapper,
    accepted,
    finish_waiting,
    next_line,
    refused,
)

NOBODY = "http://127.0.0.1:1"


def kept_runs(wrapper: Wrapper) -> list[Path]:
    return sorted(wrapper.spool.glob("*"))


def test_an_unreported_run_goes_with_the_next_one_and_is_marked_late(
    wrapper: Wrapper, service: StubService
):
    wrapper.with_variables(RUNHOOK_URL=NOBODY).run("dbt", "build")
    (kept,) = kept_runs(wrapper)
    # The same service, back again.
    kept.write_text(kept.read_text().replace(NOBODY, service.url))

    wrapper.run("dbt", "build")

    assert sorted(service.verbs()) == ["finish", "finish", "runs", "runs"]
    late = [request.verb for request in service.requests if request.body.get("late")]
    assert late == ["runs", "finish"]
    assert kept_runs(wrapper) == []


def test_flush_sends_the_runs_in_the_order_they_ended_and_each_ones_reports_in_theirs(
    wrapper: Wrapper, service: StubService
):
    service.answer = lambda *_: (503, b"", {})
    for job in ("first", "second", "third"):
        wrapper.run("dbt", "fail", flags=["--job", job])
    service.requests.clear()
    service.answer = accepted

    ended = wrapper.runhook("flush")

    assert ended.returncode == 0
    assert ended.stdout == f"3 run(s) reported to {service.url}\n"
    assert service.verbs() == ["runs", "finish"] * 3
    jobs = [request.body["job_name"] for request in service.requests[::2]]
    assert jobs == ["first", "second", "third"]
    assert kept_runs(wrapper) == []


def test_the_line_about_an_unreported_run_says_what_becomes_of_it(wrapper: Wrapper):
    ended = wrapper.with_variables(RUNHOOK_URL=NOBODY).run("dbt", "build")

    assert ended.stderr.decode().splitlines()[-1] == (
        f"runhook: this run was not reported to {NOBODY}: connection refused; "
        "it is kept for the next run, or `runhook flush`"
    )


def test_a_run_that_was_reported_leaves_nothing(wrapper: Wrapper):
    wrapper.run("dbt", "build")

    assert kept_runs(wrapper) == []


def test_what_is_kept_is_readable_by_its_user_only_and_has_no_token(wrapper: Wrapper):
    secretive = wrapper.with_variables(
        RUNHOOK_URL="http://me:pass-word@127.0.0.1:1", DBT_ENV_SECRET_KEY="s3cret", LEAK="s3cret"
    )
    secretive.run("dbt", "fail")

    (kept,) = kept_runs(wrapper)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(wrapper.spool.stat().st_mode) == 0o700
    text = kept.read_text()
    assert not any(secret in text for secret in ("a-token", "pass-word", "s3cret"))


def test_what_is_for_another_service_or_account_stays(wrapper: Wrapper, service: StubService):
    wrapper.with_variables(RUNHOOK_URL=NOBODY).run("dbt", "build")
    service.answer = lambda *_: (503, b"", {})
    wrapper.with_variables(RUNHOOK_ACCOUNT_ID="2").run("dbt", "build")
    service.requests.clear()
    service.answer = accepted

    assert wrapper.runhook("flush").stdout == f"0 run(s) reported to {service.url}\n"

    assert service.requests == []
    assert len(kept_runs(wrapper)) == 2


def test_a_token_that_was_wrong_loses_nothing(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: refused(401)
    wrapper.run("dbt", "build")
    service.answer = accepted

    wrapper.runhook("flush")

    assert service.verbs() == ["runs", "runs", "finish"]


def test_a_run_that_the_service_never_takes_is_not_kept(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: refused(400)

    ended = wrapper.run("dbt", "build")

    assert ended.stderr.decode().splitlines()[-1] == (
        f"runhook: this run was not reported to {service.url}: answered 400: No."
    )
    assert kept_runs(wrapper) == []


def test_flush_says_what_was_refused(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    wrapper.run("dbt", "build")
    service.answer = lambda *_: refused(409)

    ended = wrapper.runhook("flush")

    assert ended.returncode == 1
    assert ended.stderr == "runhook flush: 1 run(s) refused, and no longer kept\n"
    assert kept_runs(wrapper) == []


def test_flush_says_why_something_is_still_kept(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    wrapper.run("dbt", "build")

    ended = wrapper.runhook("flush")

    assert ended.returncode == 1
    assert ended.stderr == (
        f"runhook flush: the rest is still kept in {wrapper.spool}: answered 503\n"
    )


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"RUNHOOK_TOKEN": ""}, "there is no token; set RUNHOOK_TOKEN"),
        ({"HOME": ""}, "there is no home folder; set RUNHOOK_SPOOL_DIR"),
    ],
)
def test_flush_says_what_it_lacks(wrapper: Wrapper, variables: dict[str, str], complaint: str):
    ended = wrapper.with_variables(**variables).runhook("flush")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"runhook flush: {complaint}\n"


@pytest.mark.parametrize(
    ("variables", "below"),
    [
        ({"RUNHOOK_SPOOL_DIR": "{}/spool", "XDG_STATE_HOME": "{}/state"}, "spool"),
        ({"XDG_STATE_HOME": "{}/state"}, "state/runhook/spool"),
        ({"XDG_STATE_HOME": "relative"}, ".local/state/runhook/spool"),
    ],
)
def test_where_it_is_kept(wrapper: Wrapper, variables: dict[str, str], below: str):
    told = {name: value.format(wrapper.folder) for name, value in variables.items()}

    wrapper.with_variables(RUNHOOK_URL=NOBODY, **told).run("dbt", "build")

    assert len(list((wrapper.folder / below).iterdir())) == 1


@pytest.mark.parametrize("folder", ["/proc/spool", "{}/file/spool", "/dev/full"])
def test_a_folder_that_cannot_be_written_changes_nothing_for_dbt(
    wrapper: Wrapper, service: StubService, folder: str
):
    (wrapper.folder / "file").touch()

    ended = wrapper.with_variables(RUNHOOK_SPOOL_DIR=folder.format(wrapper.folder)).run(
        "dbt", "fail"
    )

    assert (ended.returncode, ended.stderr) == (1, b"to stderr\n")
    assert service.verbs() == ["runs", "finish"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"RUNHOOK_SPOOL_DIR": "/proc/spool"}, "nor kept: No such file or directory"),
        ({"HOME": ""}, "nor kept: there is no home folder"),
    ],
)
def test_a_run_that_is_neither_reported_nor_kept_says_both(
    wrapper: Wrapper, variables: dict[str, str], reason: str
):
    ended = wrapper.with_variables(RUNHOOK_URL=NOBODY, **variables).run("dbt", "build")

    assert ended.stderr.decode().splitlines()[-1].endswith(f"connection refused; {reason}")


def test_a_full_disk_changes_nothing_for_dbt(wrapper: Wrapper, service: StubService):
    """A limit on the size of files stands in for the disk's."""
    service.answer = lambda *_: (503, b"", {})

    ended = wrapper.run(
        "dbt", "exit", "3", launcher=["sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$@"', "sh"]
    )

    assert ended.returncode == 3
    assert "nor kept: File too large" in ended.stderr.decode()
    assert kept_runs(wrapper) == []


def test_a_run_under_way_is_not_sent_by_another(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    with wrapper.start("dbt", "patient") as process:
        assert next_line(process) == "ready"
        service.wait_for("runs")
        service.answer = accepted
        ended = wrapper.runhook("flush")
        finish_waiting(process)

    assert ended.stdout == f"0 run(s) reported to {service.url}\n"
    assert service.verbs().count("finish") == 1
    assert kept_runs(wrapper) == []


def test_what_a_killed_wrapper_had_to_say_is_sent_later(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    with wrapper.start("dbt", "wait") as process:
        assert next_line(process) == "ready"
        service.wait_for("runs")
        process.send_signal(signal.SIGKILL)
        process.wait()
    service.requests.clear()
    service.answer = accepted

    wrapper.runhook("flush")

    assert service.verbs() == ["runs"]
    assert service.body("runs")["late"]
    assert kept_runs(wrapper) == []


def test_a_cancel_that_is_not_taken_does_not_keep_a_run(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    with wrapper.start("dbt", "wait") as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        process.wait()
    service.requests.clear()
    service.answer = lambda request, position: (
        refused(403) if request.verb == "canceling" else accepted(request, position)
    )

    assert wrapper.runhook("flush").returncode == 0

    assert service.verbs() == ["runs", "canceling", "finish"]


def test_runs_at_once_share_the_folder(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    with wrapper.start("dbt", "patient") as one, wrapper.start("dbt", "patient") as other:
        assert next_line(one) == next_line(other) == "ready"
        finish_waiting(one)
        finish_waiting(other)
    service.requests.clear()
    service.answer = accepted

    wrapper.runhook("flush")

    keys = [one.body["run_key"] for one in service.requests if one.verb == "runs"]
    assert len(set(keys)) == 2
    assert service.verbs() == ["runs", "finish"] * 2


def test_a_line_that_a_crash_has_cut_off_is_left_out(wrapper: Wrapper, service: StubService):
    service.answer = lambda *_: (503, b"", {})
    wrapper.run("dbt", "build")
    (kept,) = kept_runs(wrapper)
    kept.write_bytes(kept.read_bytes()[:-20])
    service.requests.clear()
    service.answer = accepted

    wrapper.runhook("flush")

    assert service.verbs() == ["runs"]


def test_foreign_files_in_the_folder_are_left_alone(wrapper: Wrapper, service: StubService):
    wrapper.spool.mkdir(parents=True)
    names = ["empty.run", "list.run", "text.run", "notes.txt"]
    for name, content in zip(names, ["", "[1]\n", "hello\n", "{}\n"], strict=True):
        (wrapper.spool / name).write_text(content)
    (wrapper.spool / "link.run").symlink_to(wrapper.spool / "notes.txt")
    (wrapper.spool / "folder.run").mkdir()

    ended = wrapper.run("dbt", "build")

    assert ended.stderr == b"to stderr\n"
    assert service.verbs() == ["runs", "finish"]
    assert {path.name for path in kept_runs(wrapper)} == {*names, "link.run", "folder.run"}


def test_what_is_older_than_a_week_is_given_up_and_said(wrapper: Wrapper, service: StubService):
    wrapper.with_variables(RUNHOOK_URL=NOBODY).run("dbt", "build")
    (kept,) = kept_runs(wrapper)
    os.utime(kept, (0, 0))

    ended = wrapper.run("dbt", "build")

    assert ended.stderr.decode().splitlines()[-1] == (
        "runhook: 1 earlier run(s) could not be kept any longer"
    )
    assert kept_runs(wrapper) == []


def test_the_oldest_make_room_when_the_folder_is_too_large(wrapper: Wrapper):
    wrapper.spool.mkdir(parents=True)
    line = json.dumps({"service": "x", "account_id": "1"}) + "\n"
    for age in range(3):
        path = wrapper.spool / f"{age}.run"
        path.write_text(line + "x" * (7 << 20))
        now = path.stat().st_mtime
        os.utime(path, (now, now - age))

    wrapper.with_variables(RUNHOOK_URL=NOBODY).run("dbt", "build")

    assert {"0.run", "1.run"} < {path.name for path in kept_runs(wrapper)}
    assert not (wrapper.spool / "2.run").exists()
