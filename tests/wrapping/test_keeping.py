"""What could not be reported stays on the disk, and goes with the next run or `runhook flush`."""

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.wrapping.support import (
    Answer,
    Request,
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
    service.answer = lambda *_: refused(409)

    ended = wrapper.run("dbt", "build")

    assert ended.stderr.decode().splitlines()[-1] == (
        f"runhook: this run was not reported to {service.url}: answered 409: No."
    )
    assert kept_runs(wrapper) == []


def test_what_a_service_does_not_know_is_kept_for_a_newer_one_and_delays_no_other_run(
    wrapper: Wrapper, service: StubService
):
    def older(request: Request, position: int) -> Answer:
        is_new = request.body.get("job_name") == "new"
        return refused(400) if is_new else accepted(request, position)

    service.answer = older
    ended = wrapper.run("dbt", "build", flags=["--job", "new"])
    assert ended.stderr.decode().splitlines()[-1] == (
        f"runhook: this run was not reported to {service.url}: answered 400: No.; "
        "it is kept for a newer service"
    )
    service.answer = lambda *_: (503, b"", {})
    wrapper.run("dbt", "build", flags=["--job", "other"])
    service.requests.clear()
    service.answer = older

    flushed = wrapper.runhook("flush")

    assert service.verbs() == ["runs", "runs", "finish"]
    assert flushed.stdout == f"1 run(s) reported to {service.url}\n"
    assert flushed.stderr == (
        f"runhook flush: 1 run(s) say what {service.url} does not know, "
        "and are kept for a newer one\n"
    )
    service.requests.clear()
    service.answer = accepted
    assert wrapper.runhook("flush").returncode == 0
    assert service.verbs() == ["runs", "finish"]
    assert service.body("runs")["job_name"] == "new"
    assert kept_runs(wrapper) == []


HEADING = json.dumps({"service": "SERVICE", "account_id": "1"})


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path.parent)  # the address of a socket is short
        listener.bind(path.name)


STRANGE: Mapping[str, Callable[[Path], object]] = {
    "a FIFO": make_fifo,
    "a socket": make_socket,
    "a folder": Path.mkdir,
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "very deep JSON": lambda path: path.write_text("[" * 100_000 + "\n"),
    "very deep JSON behind a heading": lambda path: path.write_text(
        f"{HEADING}\n" + '{"a":' * 100_000 + "\n"
    ),
    "a heading that is a list": lambda path: path.write_text("[]\n"),
    "a heading of another type": lambda path: path.write_text('{"service": 7, "account_id": []}\n'),
    "a second line of another type": lambda path: path.write_text(f'{HEADING}\n["start"]\n'),
    "a kind of another type": lambda path: path.write_text(
        f'{HEADING}\n{{"kind": ["start"], "body": {{}}}}\n'
    ),
    "a body of another type": lambda path: path.write_text(
        f'{HEADING}\n{{"kind": "start", "body": []}}\n'
    ),
    "an end without a start": lambda path: path.write_text(
        f'{HEADING}\n{{"kind": "finish", "body": {{}}}}\n'
    ),
    "what is no UTF-8": lambda path: path.write_bytes(b"\xff\xfe\n\xff\n"),
    "NUL bytes": lambda path: path.write_bytes(bytes(4096)),
    "a large file": lambda path: (path.touch(), os.truncate(path, 100 << 20)),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_what_is_no_report_is_set_aside_said_once_and_stops_nothing(
    wrapper: Wrapper, service: StubService, strange: str, monkeypatch: pytest.MonkeyPatch
):
    service.answer = lambda *_: (503, b"", {})
    wrapper.run("dbt", "build")
    service.answer = accepted
    service.requests.clear()
    monkeypatch.chdir(wrapper.spool)
    path = wrapper.spool / f"{'0' * 32}.run"
    STRANGE[strange](path)
    if path.is_file() and path.stat().st_size < 1 << 20:
        path.write_bytes(path.read_bytes().replace(b"SERVICE", service.url.encode()))
    os.utime(path, (1, 1), follow_symlinks=False)  # the first to be looked at

    flushed = wrapper.runhook("flush")

    assert flushed.stdout == f"1 run(s) reported to {service.url}\n"
    assert flushed.stderr.count("and was moved to") == 1
    assert [one.name for one in kept_runs(wrapper)] == ["set-aside"]
    assert [one.name for one in kept_runs(wrapper)[0].iterdir()] == [path.name]
    assert wrapper.runhook("flush").stderr == ""


@pytest.mark.parametrize("strange", ["a FIFO", "a second line of another type"])
def test_a_run_goes_on_beside_what_is_no_report(
    wrapper: Wrapper, service: StubService, strange: str
):
    wrapper.spool.mkdir(parents=True)
    STRANGE[strange](wrapper.spool / f"{'0' * 32}.run")

    ended = wrapper.run("dbt", "build")

    assert ended.returncode == 0
    assert service.verbs() == ["runs", "finish"]


@pytest.mark.parametrize(
    "content",
    [
        '{"version": 2, "to": "SERVICE"}\n{"kind": "start", "body": {}}\n',
        HEADING + '\n{"kind": "start", "body": {}}\n{"kind": "paused", "body": {}}\n',
        "",
        HEADING[:20],
    ],
    ids=["a newer version", "a newer kind", "empty", "cut off"],
)
def test_what_a_newer_client_or_a_crash_has_left_stays(
    wrapper: Wrapper, service: StubService, content: str
):
    wrapper.spool.mkdir(parents=True)
    path = wrapper.spool / f"{'0' * 32}.run"
    path.write_text(content.replace("SERVICE", service.url))

    flushed = wrapper.runhook("flush")

    assert (flushed.returncode, flushed.stderr) == (0, "")
    assert kept_runs(wrapper) == [path]
    assert service.verbs() == []


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
    names = {"notes.txt", "run", "a.run.bak"}
    for name in names:
        (wrapper.spool / name).write_text("hello\n")
    (wrapper.spool / "folder").mkdir()

    ended = wrapper.run("dbt", "build")

    assert ended.stderr == b"to stderr\n"
    assert service.verbs() == ["runs", "finish"]
    assert {path.name for path in kept_runs(wrapper)} == {*names, "folder"}


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
    now = time.time()
    for age in range(3):
        path = wrapper.spool / f"{age}.run"
        path.write_text(line + "x" * (7 << 20))
        os.utime(path, (now, now - age))

    wrapper.with_variables(RUNHOOK_URL=NOBODY).run("dbt", "build")

    assert {"0.run", "1.run"} < {path.name for path in kept_runs(wrapper)}
    assert not (wrapper.spool / "2.run").exists()
