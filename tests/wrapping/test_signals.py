"""What the command gets of the signals that reach the wrapper, and what is reported of them."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.patience import PATIENCE
from tests.wrapping.support import (
    StubService,
    Wrapper,
    finish_waiting,
    next_line,
)

IGNORING_SIGNALS = ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh"]
BLOCKING_SIGNALS = [
    sys.executable,
    "-c",
    """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1, signal.SIGCHLD])
os.execv(sys.argv[1], sys.argv[1:])
""",
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_stop_reaches_dbt_as_sigint_and_ends_as_canceled(
    wrapper: Wrapper, service: StubService, number: signal.Signals
):
    with wrapper.start("dbt", "wait") as process:
        assert next_line(process) == "ready"
        process.send_signal(number)
        assert next_line(process) == "SIGINT"
        assert process.wait(PATIENCE) == 2

    assert service.verbs() == ["runs", "canceling", "finish"]
    end = service.body("finish")
    assert end["status"] == "canceled"
    assert end["status_message"] == f"canceled by {number.name}"
    assert end["results"] == {"available": False, "reason": "the run was canceled"}
    assert "outcome" not in end


def test_a_cancel_is_announced_before_dbt_has_ended(wrapper: Wrapper, service: StubService):
    with wrapper.start("dbt", "patient") as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        service.wait_for("canceling")
        assert service.verbs() == ["runs", "canceling"]
        assert finish_waiting(process) == 2

    assert service.verbs() == ["runs", "canceling", "finish"]


def test_sigterm_follows_when_the_grace_is_over(wrapper: Wrapper, service: StubService):
    with wrapper.start("dbt", "stubborn", flags=["--grace", "0.3"]) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        # Whether it still says that SIGINT came depends on which of the two is quicker.
        assert process.wait(PATIENCE) == -signal.SIGTERM

    assert service.body("finish")["status"] == "canceled"


def test_a_second_signal_is_passed_on_as_it_is(wrapper: Wrapper):
    with wrapper.start("dbt", "stubborn", flags=["--grace", "1000"]) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        process.send_signal(signal.SIGINT)
        assert next_line(process) == "SIGINT"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == -signal.SIGTERM


def test_a_signal_sent_twice_at_once_counts_once(wrapper: Wrapper, service: StubService):
    """timeout(1) signals its child and then the child's group."""
    with wrapper.start("dbt", "patient") as process:
        assert next_line(process) == "ready"
        os.kill(process.pid, signal.SIGTERM)
        os.killpg(process.pid, signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        service.wait_for("canceling")
        assert finish_waiting(process) == 2

    assert service.verbs() == ["runs", "canceling", "finish"]


def test_a_signal_reaches_dbt_behind_a_shell_and_the_shell_goes_on_with_nothing(
    wrapper: Wrapper, service: StubService
):
    with wrapper.start("bash", "-c", "dbt wait; exit 0") as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert process.wait(PATIENCE) == -signal.SIGTERM

    assert service.body("finish")["status"] == "canceled"


def test_a_signal_that_came_too_late_does_not_cancel(wrapper: Wrapper, service: StubService):
    """dbt went on to its end and says itself that all went well."""
    with wrapper.start("dbt", "deaf") as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        service.wait_for("canceling")
        assert finish_waiting(process) == 0

    assert service.body("finish")["status"] == "success"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sent_to_dbt_itself_is_a_cancel_too(
    wrapper: Wrapper, service: StubService, number: signal.Signals
):
    wrapper.run("dbt", "die", str(int(number)))

    assert service.verbs() == ["runs", "finish"]
    end = service.body("finish")
    assert end["status"] == "canceled"
    assert end["status_message"] == f"canceled: dbt was stopped by {number.name}"


@pytest.mark.parametrize("command", [["dbt", "die", "9"], ["dbt", "exit", "137"]])
def test_a_kill_is_an_error(wrapper: Wrapper, service: StubService, command: list[str]):
    wrapper.run(*command)

    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "errored")
    assert end["status_message"] == "dbt was killed by SIGKILL; out of memory?"


def test_without_a_terminal_dbt_leads_a_process_group(wrapper: Wrapper):
    assert json.loads(wrapper.run("dbt", "describe").stdout)["leads_group"]


def test_an_ignored_sigint_is_reset_and_an_ignored_sighup_kept(wrapper: Wrapper):
    seen = json.loads(wrapper.run("dbt", "describe", launcher=IGNORING_SIGNALS).stdout)

    assert seen["SIGINT"] == "default"
    assert seen["SIGHUP"] == "ignored"


def test_signals_are_usual_for_the_command(wrapper: Wrapper):
    seen = json.loads(wrapper.run("dbt", "describe").stdout)

    assert seen["mask"] == []
    usual = {seen[name] for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGCHLD")}
    assert usual == {"default"}


def test_the_inherited_signal_mask_is_restored(wrapper: Wrapper):
    seen = json.loads(wrapper.run("dbt", "describe", launcher=BLOCKING_SIGNALS).stdout)

    assert seen["mask"] == sorted([signal.SIGUSR1, signal.SIGCHLD])


def test_nohup_survives_a_hangup(wrapper: Wrapper, service: StubService):
    with wrapper.start("dbt", "patient", launcher=IGNORING_SIGNALS) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGHUP)
        service.wait_for("runs")
        assert finish_waiting(process) == 2

    assert service.verbs() == ["runs", "finish"]


def test_killing_the_wrapper_interrupts_dbt(wrapper: Wrapper):
    with wrapper.start("dbt", "wait") as process:
        assert next_line(process) == "ready"
        process.kill()
        assert next_line(process) == "SIGINT"
        # Each thread of the wrapper is a parent, and Linux tells of each that it dies.
        heard = iter(lambda: next_line(process), "")  # the last holder of the pipe is gone
        assert set(heard) <= {"SIGINT"}


class TestAsTheFirstProcessOfAContainer:
    CONTAINER = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")

    @pytest.mark.parametrize(
        ("flags", "command", "code"),
        [
            ([], ["dbt", "wait"], 2),  # /proc is that of the machine, and of no use
            (["--mount-proc"], ["dbt", "wait"], 2),
            (["--mount-proc"], ["sh", "-c", "timeout 600 dbt wait; echo done"], 143),
        ],
    )
    def test_sigterm_reaches_dbt(
        self,
        wrapper: Wrapper,
        service: StubService,
        flags: list[str],
        command: list[str],
        code: int,
    ):
        script = (
            "import os, signal, subprocess, sys\n"
            "with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE) as unshare:\n"
            "    unshare.stdout.readline()\n"
            "    children = f'/proc/{unshare.pid}/task/{unshare.pid}/children'\n"
            "    first = int(open(children).read().split()[0])\n"
            "    os.kill(first, signal.SIGTERM)\n"
            "    print(unshare.stdout.readline().decode().strip(), flush=True)\n"
            "sys.exit(unshare.returncode)\n"
        )

        container = [sys.executable, "-c", script, *self.CONTAINER, *flags]
        ended = wrapper.run(*command, launcher=container)

        assert ended.stdout == b"SIGINT\n"
        assert ended.returncode == code
        assert service.body("finish")["status"] == "canceled"

    def test_exits_with_the_code_a_shell_would_give(self, wrapper: Wrapper):
        assert wrapper.run("dbt", "die", "15", launcher=self.CONTAINER).returncode == 143

    def test_reaps_orphans_and_is_not_misled_by_them(self, wrapper: Wrapper, service: StubService):
        ended = wrapper.run("bash", "-c", "(true & true &) ; exit 3", launcher=self.CONTAINER)

        assert ended.returncode == 3
        assert service.body("finish")["status"] == "error"


def test_signals_are_passed_on_where_their_sender_cannot_be_known(wrapper: Wrapper):
    """As on macOS, which has no sigtimedwait."""
    script = (
        "import os, signal, sys\n"
        "from runhook.client.wrapper.process import Child\n"
        "from runhook.client.wrapper.relay import wait_for\n"
        "from runhook.client.wrapper.signals import HandledSignals\n"
        "signals = HandledSignals([signal.SIGINT, signal.SIGTERM, signal.SIGCHLD])\n"
        "child = Child(sys.argv[1:], os.environ, signals)\n"
        "ending = wait_for(child, signals, grace=0.3, on_first_signal=lambda n: print(n))\n"
        "print(ending.killed_by, ending.asked_to_stop_by)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, "dbt", "stubborn"],
        env=wrapper.environ,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        said = process.stdout.read().decode().split()

    # The child, which may or may not have been quick enough to say so, got SIGINT first.
    assert [word for word in said if word != "SIGINT"] == ["15", "15", "15"]
    assert process.returncode == 0
