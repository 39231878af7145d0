"""One request reaches dbt once, whatever stands between, and all that was started is waited for."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.patience import PATIENCE, look_until
from tests.wrapping.support import RUNHOOK, StubService, Wrapper, finish_waiting, next_line
from tests.wrapping.terminal import CTRL_C, at_a_terminal

UV = str(Path(sys.executable).with_name("uv"))
TO_CHILD = """
import signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _frame: child.send_signal(number))
code = child.wait()
sys.exit(code if code >= 0 else 128 - code)
"""
"""What tini does, and sudo."""
TO_SESSION = TO_CHILD.replace("argv[1:])", "argv[1:], start_new_session=True)").replace(
    "child.send_signal(number)", "__import__('os').killpg(child.pid, number)"
)
"""What dumb-init does."""
RUNNER = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
STEP = [*RUNHOOK, "step", "--"]
BETWEEN = {
    "nothing": [],
    "timeout": ["timeout", "600"],
    "timeout in the foreground": ["timeout", "--foreground", "600"],
    "timeout in a shell": ["sh", "-c", 'timeout 600 "$@"; echo done', "sh"],
    "timeout in timeout": ["timeout", "600", "timeout", "600"],
    "uv": [UV, "run", "--no-project", "--offline", "--python", sys.executable],
    "uv in timeout": ["timeout", "600", UV, "run", "--no-project", "--python", sys.executable],
    "a forwarder to its child": [sys.executable, "-c", TO_CHILD],
    "a forwarder to a session of its own": [sys.executable, "-c", TO_SESSION],
    "both forwarders": [sys.executable, "-c", TO_SESSION, sys.executable, "-c", TO_CHILD],
    "a runner in Python": [sys.executable, "-c", RUNNER],
    "bash": ["bash", "-c", '"$@"; exit 2', "bash"],
    "dash": ["dash", "-c", '"$@"; exit 2', "dash"],
    "a shell's pipe": ["sh", "-c", '"$@" | cat', "sh"],
    "a shell's background": ["sh", "-c", 'exec 3<&0; "$@" <&3 & wait', "sh"],
    "a session of its own": ["setsid", "--wait"],
    "env, nice, nohup and stdbuf": ["env", "nice", "nohup", "stdbuf", "-oL"],
    "flock": ["flock", "lock"],
    "xargs": ["xargs", "-a", "words"],
    "make": ["make", "-s"],
    "a step of ours": STEP,
    "timeout around and within a step of ours": ["timeout", "600", *STEP, "timeout", "600"],
}


@pytest.fixture
def folder(wrapper: Wrapper) -> Path:
    """A folder with what those between need."""
    (wrapper.folder / "words").write_text("patient\n")
    (wrapper.folder / "Makefile").write_text("patient:\n\tdbt patient\ndbt:\n\t@true\n")
    return wrapper.folder


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("between", BETWEEN)
def test_a_request_reaches_dbt_once(
    wrapper: Wrapper, service: StubService, between: str, number: signal.Signals
):
    if number == signal.SIGHUP and "nohup" in between:
        number = signal.SIGTERM
    command = [*BETWEEN[between], "dbt", *([] if between == "xargs" else ["patient"])]

    with wrapper.start(*command) as process:
        assert next_line(process) == "ready"
        process.send_signal(number)
        assert next_line(process) == "SIGINT"
        service.wait_for("canceling")  # by now all are told
        assert service.verbs() == ["runs", "canceling"]
        code = finish_waiting(process)
        assert process.stdout is not None
        rest = process.stdout.read()

    assert rest == b""
    assert service.verbs() == ["runs", "canceling", "finish"]
    assert service.body("finish")["status"] == "canceled"
    assert code != 0


def test_nothing_is_told_as_over_while_dbt_runs(wrapper: Wrapper, service: StubService):
    """timeout leaves the group that the shell is in, and the shell ends before dbt does."""
    script = "trap 'echo stopped; exit 9' TERM; timeout 3600 dbt patient & wait; echo done"

    with wrapper.start("sh", "-c", f"exec 3<&0; {script.replace('patient', 'patient <&3')}") as run:
        assert next_line(run) == "ready"
        run.send_signal(signal.SIGTERM)
        assert {next_line(run), next_line(run)} == {"stopped", "SIGINT"}
        service.wait_for("canceling")
        assert service.verbs() == ["runs", "canceling"]
        assert finish_waiting(run) == 9
        assert run.stdout is not None
        assert run.stdout.read() == b""

    assert service.body("finish")["status"] == "canceled"


@pytest.mark.parametrize(
    "between",
    ["timeout", "timeout in a shell", "a session of its own", "a runner in Python", "make"],
)
def test_all_are_told_what_was_meant_when_the_grace_is_over(
    wrapper: Wrapper, service: StubService, folder: Path, between: str
):
    (folder / "Makefile").write_text("stubborn:\n\tdbt stubborn\ndbt:\n\t@true\n")

    with wrapper.start(*BETWEEN[between], "dbt", "stubborn", flags=["--grace", "0.3"]) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) != 0
        assert process.stdout is not None
        assert b"done" not in process.stdout.read()  # the pipe has no other holder

    assert service.body("finish")["status"] == "canceled"


def test_what_a_script_goes_on_with_is_asked_to_stop_too(wrapper: Wrapper, service: StubService):
    """A shell that hears of SIGINT goes on if its child has ended as it pleased."""
    with wrapper.start("bash", "-c", "dbt wait; dbt stubborn; exit 3") as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGINT)
        assert next_line(process) == "SIGINT"
        # The second one may be told before it can heed it.
        said = next_line(process)
        if said == "ready":
            assert next_line(process) == "SIGINT"
            process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) in {3, -signal.SIGINT, -signal.SIGTERM}

    assert service.body("finish")["status"] == "canceled"


def test_a_loop_is_left(wrapper: Wrapper, service: StubService):
    with wrapper.start("sh", "-c", "while true; do dbt wait; done") as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert process.wait(PATIENCE) == -signal.SIGTERM

    assert service.body("finish")["status"] == "canceled"


def test_what_dbt_needs_to_cancel_is_asked_after_it(wrapper: Wrapper, folder: Path):
    """As a proxy to its database beside it."""
    (folder / "bin" / "proxy").symlink_to(folder / "bin" / "dbt-of-another-name")
    (folder / "bin" / "dbt-of-another-name").write_bytes((folder / "bin" / "dbt").read_bytes())
    (folder / "bin" / "dbt-of-another-name").chmod(0o755)

    with wrapper.start("sh", "-c", "exec 3<&0; proxy wait & dbt patient <&3") as process:
        assert [next_line(process), next_line(process)] == ["ready", "ready"]
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert next_line(process) == "SIGINT"
        assert process.wait(PATIENCE) == -signal.SIGTERM


def test_what_ignores_sigint_is_not_waited_for_until_the_grace_is_over(
    wrapper: Wrapper, service: StubService
):
    """A shell has what it starts in the background ignore SIGINT."""
    script = "sleep 1000 & exec 3<&0; dbt wait <&3"

    with wrapper.start("sh", "-c", script, flags=["--grace", "1000"]) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert process.wait(PATIENCE) == -signal.SIGTERM
        assert process.stdout is not None
        assert process.stdout.read() == b""  # sleep has it too

    assert service.body("finish")["status"] == "canceled"


def wait_until_it_watches(wrapper: subprocess.Popen[bytes]) -> None:
    """Wait until a wrapper has seen its command end, and has looked several times who is left."""
    process = psutil.Process(wrapper.pid)
    look_until(lambda: not any(is_shell(one) for one in process.children()))
    begun = turns_of(wrapper.pid)
    look_until(lambda: turns_of(wrapper.pid) >= begun + 5)


def is_shell(process: psutil.Process) -> bool:
    """Whether a process is a shell, also one whose end was not noticed yet."""
    try:
        return bool(process.name() == "sh")
    except psutil.NoSuchProcess:
        return False


def turns_of(pid: int) -> int:
    """How often the main thread of a process has waited for something so far."""
    told = Path(f"/proc/{pid}/task/{pid}/status").read_text()
    line = next(one for one in told.splitlines() if one.startswith("voluntary_ctxt_switches"))
    return int(line.split()[1])


class TestWithoutARequest:
    def test_a_dbt_in_the_background_is_waited_for(self, wrapper: Wrapper, service: StubService):
        with wrapper.start("sh", "-c", "exec 3<&0; dbt deaf <&3 & exit 0") as process:
            assert next_line(process) == "ready"
            service.wait_for("runs")
            assert finish_waiting(process) == 0

        end = service.body("finish")
        assert (end["status"], end["results"]["available"]) == ("success", True)

    def test_its_failure_is_the_runs_and_the_exit_code_the_commands(
        self, wrapper: Wrapper, service: StubService
    ):
        with wrapper.start("sh", "-c", "exec 3<&0; timeout 600 dbt patient <&3 & exit 0") as run:
            assert next_line(run) == "ready"
            service.wait_for("runs")
            wait_until_it_watches(run)
            assert finish_waiting(run) == 0

        assert service.verbs() == ["runs", "finish"]
        assert service.body("finish")["status"] == "error"

    @pytest.mark.parametrize("start", ["nohup sleep 1000", "setsid sleep 1000", "sleep 1000"])
    def test_anything_else_in_the_background_is_not(
        self, wrapper: Wrapper, service: StubService, start: str, ends: Callable[[int], None]
    ):
        ended = wrapper.run("sh", "-c", f"{start} >/dev/null 2>&1 & echo $!; exit 5")

        ends(int(ended.stdout))
        assert ended.returncode == 5
        assert service.verbs() == ["runs", "finish"]


@pytest.fixture
def ends():
    """Remember processes that run, and end them."""
    pids: list[int] = []

    def remember(pid: int) -> None:
        os.kill(pid, 0)
        pids.append(pid)

    yield remember
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in told.stdout.split()]


DAEMON = "setsid sh -c 'echo $$ >pid; exec sleep 1000' >/dev/null 2>&1 & wait"


def test_a_daemon_is_neither_asked_nor_waited_for(
    wrapper: Wrapper, service: StubService, ends: Callable[[int], None]
):
    """As the master of ssh's connections, which the next run uses."""
    script = f"sh -c {shlex.quote(f'({DAEMON[:-5]})')}; until test -s pid; do :; done; dbt wait"
    with wrapper.start("sh", "-c", script) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert process.wait(PATIENCE) == -signal.SIGTERM

    ends(int((wrapper.folder / "pid").read_text()))
    assert service.body("finish")["status"] == "canceled"


def test_what_the_shell_had_started_that_became_the_wrapper_is_not_of_the_run(
    wrapper: Wrapper, ends: Callable[[int], None]
):
    beside = ["sh", "-c", 'sleep 1000 >/dev/null 2>&1 & echo $! >pid; exec "$@"', "sh"]
    with wrapper.start("sh", "-c", "exec 3<&0; dbt patient <&3", launcher=beside) as process:
        assert next_line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        assert finish_waiting(process) == -signal.SIGTERM

    ends(int((wrapper.folder / "pid").read_text()))


def test_a_dbt_that_stands_still_is_continued_to_hear_of_it(wrapper: Wrapper, service: StubService):
    with wrapper.start("sh", "-c", "dbt wait") as process:
        assert next_line(process) == "ready"
        (child,) = descendants(process.pid)
        os.killpg(child, signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        assert next_line(process) == "SIGINT"
        process.wait(PATIENCE)

    assert service.body("finish")["status"] == "canceled"


def test_ctrl_c_reaches_a_dbt_that_has_left_the_terminals_group(
    wrapper: Wrapper, service: StubService
):
    with at_a_terminal(wrapper, "timeout", "600", "dbt", "patient") as terminal:
        terminal.see(b"ready")
        terminal.type(CTRL_C)
        terminal.see(b"SIGINT")
        service.wait_for("canceling")
        terminal.type(b"\n")
        assert terminal.process.wait(PATIENCE) == 2

    assert terminal.seen.count(b"SIGINT") == 1
    assert service.body("finish")["status_message"] == "canceled by SIGINT"
