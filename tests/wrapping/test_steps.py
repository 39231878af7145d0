"""A run of several commands: given as steps, or wrapped one by one within a wrapped script."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from runhook.client.run.steps import Step, reported
from tests.wrapping.support import (
    PATIENCE,
    RUNHOOK,
    StubService,
    Wrapper,
    finish_waiting,
    next_line,
)

INNER = " ".join([*RUNHOOK, "run --"])


def steps(*commands: str) -> list[str]:
    return [word for command in commands for word in ("--step", command)]


def run_steps(wrapper: Wrapper, *commands: str, flags: tuple[str, ...] = ()):
    return subprocess.run(
        [*RUNHOOK, "run", *flags, *steps(*commands)],
        env=wrapper.environ,
        cwd=wrapper.folder,
        capture_output=True,
        timeout=PATIENCE,
        start_new_session=True,
        check=False,
    )


@contextmanager
def ready_steps(wrapper: Wrapper, *commands: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start steps; the stub says that it is ready when one of them waits."""
    with subprocess.Popen(
        [*RUNHOOK, "run", *steps(*commands)],
        env=wrapper.environ,
        cwd=wrapper.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert next_line(process) == "ready"
        yield process


def told_steps(service: StubService) -> list[tuple[str, str]]:
    return [(step["name"], step["status"]) for step in service.body("finish")["steps"]]


def test_steps_in_another_folder_are_gathered_wherever_reports_are_kept(
    wrapper: Wrapper, service: StubService
):
    relative = wrapper.with_variables(RUNHOOK_SPOOL_DIR="spool")

    assert relative.run("sh", "-c", f"cd bin && {INNER} dbt build").returncode == 0

    assert told_steps(service) == [("Invoke dbt with `dbt build`", "success")]


def test_steps_run_in_their_order_and_are_one_run(wrapper: Wrapper, service: StubService):
    ended = run_steps(wrapper, "dbt exit 0", "dbt build", "dbt warn")

    assert (ended.returncode, ended.stdout) == (0, b"stub dbt: build\nstub dbt: warn\n")
    assert service.verbs() == ["runs", "finish"]
    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("success", "complete")
    assert end["status_message"] == "1 of 2 nodes warned"
    assert end["dbt_version"] == "1.12.6"
    assert end["results"]["counts"] == {"success": 2, "pass": 1, "warn": 1}
    assert end["results"]["total"] == 4
    assert end["results"]["elapsed_seconds"] == 2.5
    assert told_steps(service) == [
        ("Invoke dbt with `dbt exit 0`", "success"),
        ("Invoke dbt with `dbt build`", "success"),
        ("Invoke dbt with `dbt warn`", "success"),
    ]
    times = [
        datetime.fromisoformat(step[key])
        for step in end["steps"]
        for key in ("started_at", "finished_at")
    ]
    assert times == sorted(times)


def test_while_a_step_runs_it_is_told_which_one_that_is(wrapper: Wrapper, service: StubService):
    with ready_steps(wrapper, "dbt exit 0", "dbt wait", "dbt build") as process:
        service.wait_for("progress")
        process.send_signal(signal.SIGTERM)

    told_last = [one.body for one in service.requests if one.verb == "progress"][-1]
    first, second = told_last["steps"]
    assert (first["name"], first["status"]) == ("Invoke dbt with `dbt exit 0`", "success")
    assert second["name"] == "Invoke dbt with `dbt wait`"
    assert second["started_at"] >= first["finished_at"] >= first["started_at"]
    assert told_last["planned_steps"] == 3


def test_the_first_step_that_fails_is_the_last(wrapper: Wrapper, service: StubService):
    ended = run_steps(wrapper, "dbt build", "dbt fail", "dbt exit 0")

    assert (ended.returncode, ended.stdout) == (1, b"stub dbt: build\nstub dbt: fail\n")
    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "failed")
    assert end["status_message"] == (
        "Invoke dbt with `dbt fail`: 2 of 4 nodes failed: customers, orders_id"
    )
    assert [status for _, status in told_steps(service)] == ["success", "error"]
    assert "Completed with 2 errors and 0 warnings:" in end["steps"][1]["logs"]
    assert end["results"]["failed_total"] == 2


def test_each_step_has_its_own_results_only(wrapper: Wrapper, service: StubService):
    run_steps(wrapper, "dbt build", "dbt usage")

    end = service.body("finish")
    assert end["status_message"].startswith("Invoke dbt with `dbt usage`: dbt exited with code 2")
    assert "Completed" not in end["steps"][1]["logs"]


def test_a_step_that_does_not_exist_ends_the_run(wrapper: Wrapper, service: StubService):
    ended = run_steps(wrapper, "dbt build", "dbd build", "dbt build")

    assert ended.returncode == 127
    assert ended.stderr == b"to stderr\nrunhook: dbd: command not found\n"
    assert told_steps(service)[1] == ("dbd build", "error")


def test_a_step_that_dies_of_a_signal_takes_the_wrapper_with_it(wrapper: Wrapper):
    assert run_steps(wrapper, "dbt build", "dbt die 6").returncode == -signal.SIGABRT


def test_a_signal_cancels_the_run_and_no_other_step_is_begun(
    wrapper: Wrapper, service: StubService
):
    with ready_steps(wrapper, "dbt exit 0", "dbt wait", "dbt build") as process:
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert next_line(process) == ""
    assert process.returncode == 2
    assert service.verbs() == ["runs", "canceling", "finish"]
    assert service.body("finish")["status"] == "canceled"
    assert [status for _, status in told_steps(service)] == ["success", "canceled"]


def test_a_signal_that_a_step_withstands_cancels_those_after_it(
    wrapper: Wrapper, service: StubService
):
    with ready_steps(wrapper, "dbt deaf", "dbt build") as process:
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert finish_waiting(process) == 128 + signal.SIGTERM
    end = service.body("finish")
    assert end["status"] == "canceled"
    assert end["status_message"] == "canceled after step 1 of 2"
    assert [status for _, status in told_steps(service)] == ["success"]


def test_killing_the_wrapper_interrupts_a_later_step_too(wrapper: Wrapper):
    with ready_steps(wrapper, "dbt exit 0", "dbt wait") as process:
        process.kill()
        assert next_line(process) == "SIGINT"


def test_wrappers_within_a_wrapped_script_tell_its_steps(wrapper: Wrapper, service: StubService):
    ended = wrapper.run("sh", "-c", f"{INNER} dbt build && {INNER} dbt warn")

    assert (ended.returncode, ended.stderr) == (0, b"to stderr\nto stderr\n")
    assert service.verbs() == ["runs", "finish"]
    assert [name for name, _ in told_steps(service)] == [
        "Invoke dbt with `dbt build`",
        "Invoke dbt with `dbt warn`",
    ]
    assert service.body("finish")["results"]["total"] == 4
    assert list(wrapper.spool.iterdir()) == []


def test_a_script_fails_as_the_step_within_it_did(wrapper: Wrapper, service: StubService):
    ended = wrapper.run("sh", "-c", f"{INNER} dbt build && {INNER} dbt fail || exit 7")

    assert ended.returncode == 7
    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "failed")
    assert "2 of 4 nodes failed" in end["status_message"]


def test_a_script_that_fails_though_its_steps_did_not_is_a_step_itself(
    wrapper: Wrapper, service: StubService
):
    wrapper.run("sh", "-c", f"{INNER} dbt build; exit 7")

    names = [name for name, _ in told_steps(service)]
    assert names[0] == "Invoke dbt with `dbt build`"
    assert names[1].startswith("sh -c ")
    assert service.body("finish")["outcome"] == "errored"


def test_a_script_that_forgives_a_step_has_succeeded(wrapper: Wrapper, service: StubService):
    wrapper.run("sh", "-c", f"{INNER} dbt fail || true")

    assert service.body("finish")["status"] == "success"
    assert told_steps(service) == [("Invoke dbt with `dbt fail`", "error")]


def test_a_step_of_a_script_needs_no_job_name(wrapper: Wrapper, service: StubService):
    inner = f"env -u RUNHOOK_JOB {' '.join(RUNHOOK)} run -- dbt build"

    assert wrapper.run("sh", "-c", inner).returncode == 0
    assert told_steps(service) == [("Invoke dbt with `dbt build`", "success")]


@pytest.mark.parametrize("stale", ["0" * 32 + ":{}", "0" * 32 + ":99999999", "nonsense", ""])
def test_a_variable_that_a_run_has_left_behind_makes_no_step(
    wrapper: Wrapper, service: StubService, stale: str
):
    with subprocess.Popen(["sleep", "60"]) as somebody:
        stale = stale.format(somebody.pid)
        wrapper.with_variables(RUNHOOK_RUN=stale).run("dbt", "build")
        somebody.kill()

    assert service.verbs() == ["runs", "finish"]


def test_a_signal_reaches_dbt_through_two_wrappers(wrapper: Wrapper, service: StubService):
    with wrapper.start("sh", "-c", f"{INNER} dbt wait") as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        process.wait(PATIENCE)

    assert service.body("finish")["status"] == "canceled"


def test_variables_for_dbt_are_no_part_of_a_steps_name(wrapper: Wrapper, service: StubService):
    secretive = wrapper.with_variables(DBT_ENV_SECRET_KEY="s3cret")

    run_steps(
        secretive,
        *["dbt build --vars '{day: monday}' --select s3cret", "dbt build --vars=day:monday"],
    )

    assert [name for name, _ in told_steps(service)] == [
        "Invoke dbt with `dbt build --vars ... --select '*****'`",
        "Invoke dbt with `dbt build --vars=...`",
    ]


def test_logs_and_number_of_steps_stay_what_the_service_takes(
    wrapper: Wrapper, service: StubService
):
    leak = wrapper.with_variables(LEAK="x" * 5_000)
    script = f"for i in 1 2 3; do {INNER} dbt fail; done"

    leak.run("sh", "-c", script)

    tellings = service.body("finish")["steps"]
    assert len(tellings) == 3
    assert sum(len(step["logs"]) for step in tellings) <= 90_000


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--step", "dbt 'build"], "No closing quotation"),
        (["--step", "  "], "expected a command"),
        (["--step", "dbt deps", "--", "dbt", "build"], "either by --step or after --"),
    ],
)
def test_commands_that_cannot_be_meant_are_refused(
    wrapper: Wrapper, words: list[str], complaint: str
):
    ended = wrapper.runhook("run", *words)

    assert ended.returncode == 2
    assert complaint in ended.stderr


def test_a_very_long_run_tells_its_first_and_last_steps():
    steps = [
        Step(
            name=str(number),
            status="success",
            outcome="complete",
            message="",
            started_at="2026-03-01T12:00:00Z",
            finished_at="2026-03-01T12:00:01Z",
            results={},
            dbt_version="",
        )
        for number in range(60)
    ]

    names = [step["name"] for step in reported(steps)]

    assert len(names) == 50
    assert (names[0], names[24], names[25], names[-1]) == ("0", "24", "35", "59")
