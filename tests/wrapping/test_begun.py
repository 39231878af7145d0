"""`runhook start`, `step` and `finish`: a run whose steps are single commands of a shell."""

import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runhook.client.run.nesting import StepsFile, begun_file
from runhook.client.run.steps import Step
from runhook.client.shell.begun import status_of_code, verdict_of
from tests.wrapping.support import StubService, Wrapper, accepted, refused

SUCCEEDED = Step(
    name="Invoke dbt with `dbt deps`",
    status="success",
    outcome="complete",
    message="",
    started_at="2026-03-01T04:00:00Z",
    finished_at="2026-03-01T04:00:10Z",
    results={"available": False, "reason": "dbt wrote none"},
    dbt_version="",
)


def a_step(status: str, message: str = "1 of 2 nodes failed: orders") -> Step:
    outcome = "failed" if status == "error" else None
    return Step(**{**SUCCEEDED.as_json(), "status": status, "outcome": outcome, "message": message})


@pytest.mark.parametrize(
    ("steps", "status", "code", "expected"),
    [
        ([SUCCEEDED], None, None, ("success", "complete", "")),
        ([], None, None, ("error", "errored", "no step has run")),
        ([], "success", None, ("success", "complete", "")),
        (
            [SUCCEEDED, a_step("error")],
            None,
            None,
            (
                "error",
                "failed",
                "Invoke dbt with `dbt deps`: 1 of 2 nodes failed: orders",
            ),
        ),
        ([a_step("error")], "error", None, ("error", "failed", "1 of 2 nodes failed: orders")),
        ([a_step("error")], None, 0, ("success", "complete", "1 of 2 nodes failed: orders")),
        ([SUCCEEDED], None, 3, ("error", "errored", "exited with code 3")),
        ([SUCCEEDED], "error", None, ("error", "errored", "ended in error")),
        ([SUCCEEDED], None, 143, ("canceled", None, "canceled")),
        ([a_step("error")], "canceled", None, ("canceled", None, "canceled")),
        ([a_step("canceled", "by SIGTERM")], None, None, ("canceled", None, "by SIGTERM")),
    ],
    ids=[
        "all steps succeeded",
        "no step has run",
        "it is said to have succeeded",
        "the first step that failed",
        "it is said to have failed",
        "an exit code that forgives a step",
        "an exit code that no step explains",
        "a failure that no step explains",
        "an exit code of what was stopped",
        "it is said to be canceled",
        "a step was canceled",
    ],
)
def test_what_becomes_of_a_run(
    steps: list[Step],
    status: str | None,
    code: int | None,
    expected: tuple[str, str | None, str],
):
    verdict = verdict_of(steps, status or status_of_code(code), code)

    assert (verdict.status, verdict.outcome, verdict.message) == expected


def begin(wrapper: Wrapper, *flags: str) -> Wrapper:
    """Start a run, and return the shell's environment after that."""
    started = wrapper.runhook("start", *flags)
    assert (started.returncode, started.stderr) == (0, "")
    return wrapper.with_variables(RUNHOOK_RUN=started.stdout.strip())


def test_a_run_of_single_commands(wrapper: Wrapper, service: StubService):
    shell = begin(wrapper, "--reason", "by hand")
    built = shell.runhook("step", "--", "dbt", "build")
    warned = shell.runhook("step", "--", "dbt", "warn")
    finished = shell.runhook("finish")

    assert (built.returncode, built.stdout) == (0, "stub dbt: build\n")
    assert (warned.returncode, finished.returncode) == (0, 0)
    assert finished.stdout + finished.stderr == ""
    # An end is told from the start on, so that a later command can tell it.
    assert service.verbs() == ["runs", "runs", "finish"]
    first, again, end = (request.body for request in service.requests)
    assert first == again
    assert (first["job_name"], first["run_reason"]) == ("nightly", "by hand")
    assert first["heartbeats"] is False
    assert [step["name"] for step in end["steps"]] == [
        "Invoke dbt with `dbt build`",
        "Invoke dbt with `dbt warn`",
    ]
    assert (end["status"], end["results"]["total"]) == ("success", 4)
    assert "late" not in end
    assert [*wrapper.spool.iterdir()] == []


def test_how_long_it_may_take_is_said_at_the_start_and_again_at_the_end(
    wrapper: Wrapper, service: StubService
):
    begin(wrapper, "--give-up-after", "6 hours").runhook("finish")
    refused = wrapper.runhook("start", "--give-up-after", "8 days")

    told = [one.body.get("give_up_after") for one in service.requests if one.verb == "runs"]
    assert told == ["6 hours", "6 hours"]
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "`8 days` is not from 5 minutes to 1 week" in refused.stderr


def test_a_step_that_fails_keeps_its_exit_code_and_decides(wrapper: Wrapper, service: StubService):
    shell = begin(wrapper)

    assert shell.runhook("step", "--", "dbt", "fail").returncode == 1

    shell.runhook("finish")
    assert (service.body("finish")["status"], service.body("finish")["outcome"]) == (
        "error",
        "failed",
    )


def test_a_ci_system_says_what_became_of_it(wrapper: Wrapper, service: StubService):
    shell = begin(wrapper)

    assert shell.runhook("finish", "--status", "Cancelled").returncode == 0

    assert service.body("finish")["status"] == "canceled"


def test_the_run_can_be_named_in_place_of_the_variable(wrapper: Wrapper, service: StubService):
    name = begin(wrapper).environ["RUNHOOK_RUN"]

    wrapper.runhook("step", "--run", name, "--", "dbt", "build")
    wrapper.runhook("finish", "--run", name)

    assert service.body("finish")["results"]["total"] == 2


def test_the_name_goes_to_a_file_of_variables_only_if_asked(wrapper: Wrapper):
    variables = wrapper.folder / "github_env"
    variables.write_text("OTHER=1\n")
    shell = wrapper.with_variables(GITHUB_ENV=str(variables))
    shell.runhook("start")
    assert variables.read_text() == "OTHER=1\n"

    started = shell.runhook("start", "--env-file", str(variables))

    assert variables.read_text() == f"OTHER=1\nRUNHOOK_RUN={started.stdout}"


def test_repeated_calls_are_harmless(wrapper: Wrapper, service: StubService):
    shell = begin(wrapper)

    again = shell.runhook("start")
    shell.runhook("finish", "--status", "success")
    twice = shell.runhook("finish", "--status", "error")

    assert (again.returncode, again.stdout.strip()) == (0, shell.environ["RUNHOOK_RUN"])
    assert (twice.returncode, twice.stdout) == (0, "")
    assert "nothing to finish" in twice.stderr
    assert service.verbs() == ["runs", "runs", "finish"]
    assert service.body("finish")["status"] == "success"


def test_two_that_finish_at_once_tell_one_end(wrapper: Wrapper, service: StubService):
    shell = begin(wrapper)
    begun_file(wrapper.spool, shell.environ["RUNHOOK_RUN"]).unlink()

    assert shell.runhook("finish").returncode == 0

    assert service.verbs() == ["runs"]


def test_within_a_wrapped_script_nothing_is_begun_or_ended(wrapper: Wrapper, service: StubService):
    script = (
        'set -e; export RUNHOOK_RUN="$(runhook start)"; '
        "runhook step -- dbt build; runhook finish --status error"
    )
    runhook = wrapper.folder / "bin" / "runhook"
    runhook.write_text(f'#!/bin/sh\nexec {sys.executable} -m runhook.cli.main "$@"\n')
    runhook.chmod(0o755)

    ended = wrapper.run("sh", "-c", script)

    assert ended.returncode == 0
    assert service.verbs() == ["runs", "finish"]
    assert service.body("finish")["status"] == "success"
    assert [one["name"] for one in service.body("finish")["steps"]] == [
        "Invoke dbt with `dbt build`"
    ]


def test_a_wrapper_within_a_begun_run_is_a_step_until_that_is_finished(
    wrapper: Wrapper, service: StubService
):
    shell = begin(wrapper)
    shell.run("dbt", "build")
    shell.runhook("finish")

    shell.run("dbt", "warn")

    assert service.verbs() == ["runs", "runs", "finish", "runs", "finish"]


def test_a_step_outside_a_run_runs_all_the_same(wrapper: Wrapper, service: StubService):
    ended = wrapper.runhook("step", "--", "dbt", "fail")

    assert (ended.returncode, ended.stdout) == (1, "stub dbt: fail\n")
    assert "RUNHOOK_RUN names no run under way" in ended.stderr
    assert service.verbs() == []


def test_what_cannot_be_told_is_kept_and_told_once(wrapper: Wrapper, service: StubService):
    service.answer = lambda _request, _position: refused(503)
    started = wrapper.runhook("start")
    assert started.returncode == 0
    assert "answered 503" in started.stderr
    shell = wrapper.with_variables(RUNHOOK_RUN=started.stdout.strip())
    shell.runhook("step", "--", "dbt", "build")
    finished = shell.runhook("finish")
    assert finished.returncode == 0
    assert "it is kept for the next run" in finished.stderr
    service.answer = accepted
    service.requests.clear()

    wrapper.runhook("flush")

    assert service.verbs() == ["runs", "finish"]
    assert service.body("runs")["late"] is True
    assert [*wrapper.spool.iterdir()] == []


def test_a_run_that_nobody_finishes_is_forgotten_after_a_week(wrapper: Wrapper):
    name = begin(wrapper).environ["RUNHOOK_RUN"]
    steps = StepsFile(wrapper.spool, name)
    steps.add(SUCCEEDED.as_json())
    os.utime(begun_file(wrapper.spool, name), (0, 0))

    begin(wrapper)

    left = {path.name for path in wrapper.spool.iterdir()}
    assert not any(name in one for one in left)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"HOME": "", "XDG_STATE_HOME": ""}, "there is no home folder"),
        ({"RUNHOOK_SPOOL_DIR": "/proc/nowhere"}, "not begun"),
        ({"RUNHOOK_TOKEN": ""}, "there is no token"),
    ],
    ids=["no home", "no folder", "no token"],
)
def test_the_shell_goes_on_whatever_we_lack(
    wrapper: Wrapper, variables: dict[str, str], complaint: str
):
    started = wrapper.with_variables(**variables).runhook("start")

    assert started.returncode == 0
    assert re.fullmatch(r"[0-9a-f]{32}\n", started.stdout)
    assert complaint in started.stderr
    shell = wrapper.with_variables(**variables, RUNHOOK_RUN=started.stdout.strip())
    assert shell.runhook("step", "--", "dbt", "exit", "7").returncode == 7
    assert shell.runhook("finish").returncode == 0


def test_what_is_kept_between_the_calls_has_no_token(wrapper: Wrapper):
    name = begin(wrapper).environ["RUNHOOK_RUN"]
    kept = begun_file(wrapper.spool, name)

    assert json.loads(kept.read_text())["run_key"] == name
    assert "a-token" not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_a_run_that_nothing_names_begins_all_the_same(wrapper: Wrapper, service: StubService):
    started = wrapper.without("RUNHOOK_JOB").runhook("start")

    assert started.returncode == 0
    assert "set RUNHOOK_JOB" in started.stderr
    assert service.body("runs")["job_name"] == "unnamed (dbt)"


MOST_KILLS = 200
KILLED_AT = """
import os, signal, sys
left, folder = int(os.environ.pop("KILLED_AT")), os.environ["SPOOL"]

def count(event, arguments):
    global left
    is_ours = event.startswith(("open", "os.")) and any(folder in str(one) for one in arguments)
    if is_ours or event.startswith(("fcntl.", "socket.connect")):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
"""


def test_a_finish_that_is_killed_at_any_moment_loses_no_end(
    wrapper: Wrapper, service: StubService, tmp_path: Path
):
    """Before each touch of the spool and each connection in turn; the next calls tell the rest."""
    (tmp_path / "killing").mkdir()
    (tmp_path / "killing" / "sitecustomize.py").write_text(KILLED_AT)
    for kills in range(MOST_KILLS):
        shell = begin(wrapper)
        name = shell.environ["RUNHOOK_RUN"]
        killed = shell.with_variables(
            PYTHONPATH=str(tmp_path / "killing"), SPOOL=str(wrapper.spool), KILLED_AT=str(kills + 1)
        ).runhook("finish", "--status", "success")
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL

        shell.runhook("finish", "--status", "success")
        shell.runhook("flush")

        starts = [one for one in service.requests if one.body.get("run_key") == name]
        assert len(starts) >= 2
        assert service.verbs()[-1] == "finish"
        service.requests.clear()
        assert [*wrapper.spool.iterdir()] == []
    assert 10 <= kills < MOST_KILLS - 1


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_strange_file_of_steps_hides_no_end(
    wrapper: Wrapper, service: StubService, make: Callable[[Path], None]
):
    shell = begin(wrapper)
    make(wrapper.spool / f"{shell.environ['RUNHOOK_RUN']}.steps")

    assert shell.runhook("finish", "--status", "success").returncode == 0

    assert service.body("finish")["status"] == "success"


def test_a_finish_that_cannot_speak_to_the_service_may_be_repeated(
    wrapper: Wrapper, service: StubService
):
    shell = begin(wrapper)

    told = shell.with_variables(RUNHOOK_TOKEN="").runhook("finish", "--status", "success")
    assert "may be repeated" in told.stderr
    shell.runhook("finish", "--status", "success")

    assert service.body("finish")["status"] == "success"
