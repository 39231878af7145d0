"""At a terminal, Ctrl-C reaches dbt from the terminal, and from nobody else."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.patience import PATIENCE
from tests.wrapping.support import RUNHOOK, StubService, Wrapper

CTRL_C = b"\x03"
LOCAL_FLAGS = 3

TAKE_TERMINAL = """
import fcntl, os, sys, termios
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for stream in (0, 1, 2):
    os.dup2(terminal, stream)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Terminal:
    """The far side of a pseudo-terminal: what a person types and sees."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self.seen = b""

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def see(self, text: bytes, times: int = 1) -> None:
        """Read on until ``text`` is on the screen."""
        while self.seen.count(text) < times:
            self.seen += os.read(self._descriptor, 1024)


@contextmanager
def at_a_terminal(wrapper: Wrapper, *command: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    # Ctrl-C also discards what has been written and not yet read: it could be what we wait for.
    attributes = termios.tcgetattr(theirs)
    attributes[LOCAL_FLAGS] |= termios.NOFLSH
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    try:
        with subprocess.Popen(
            [
                *[sys.executable, "-c", TAKE_TERMINAL, os.ttyname(theirs)],
                *[*RUNHOOK, "run", "--", *command],
            ],
            env=wrapper.environ,
            cwd=wrapper.folder,
            start_new_session=True,
        ) as process:
            try:
                yield Terminal(process, ours)
            finally:
                process.kill()
    finally:
        os.close(theirs)
        os.close(ours)


def test_ctrl_c_is_not_passed_on_a_second_time(wrapper: Wrapper, service: StubService):
    """dbt Core answers two SIGINTs at once with SIGABRT, and writes nothing."""
    with at_a_terminal(wrapper, "dbt", "patient") as terminal:
        terminal.see(b"ready")
        terminal.type(CTRL_C)
        terminal.see(b"SIGINT")
        service.wait_for("cancel")  # by now it would have been passed on
        terminal.type(b"\n")
        assert terminal.process.wait(PATIENCE) == 2

    assert terminal.seen.count(b"SIGINT") == 1
    assert service.body("finish")["status_message"] == "canceled by SIGINT"


def test_each_ctrl_c_reaches_dbt_once(wrapper: Wrapper, service: StubService):
    with at_a_terminal(wrapper, "dbt", "patient") as terminal:
        terminal.see(b"ready")
        terminal.type(CTRL_C)
        terminal.see(b"SIGINT")
        terminal.type(CTRL_C)
        terminal.see(b"SIGINT", times=2)
        service.wait_for("cancel")
        terminal.type(b"\n")
        assert terminal.process.wait(PATIENCE) == 2

    assert terminal.seen.count(b"SIGINT") == 2
    assert service.verbs() == ["runs", "cancel", "finish"]


def test_a_command_that_dies_of_ctrl_c_takes_the_wrapper_with_it(
    wrapper: Wrapper, service: StubService
):
    """So that a shell script stops there, as it would without the wrapper."""
    with at_a_terminal(wrapper, "sh", "-c", "echo ready; exec sleep 1000") as terminal:
        terminal.see(b"ready")
        terminal.type(CTRL_C)
        assert terminal.process.wait(PATIENCE) == -signal.SIGINT

    assert service.body("finish")["status"] == "canceled"


def test_sigterm_from_elsewhere_is_passed_on_at_a_terminal(wrapper: Wrapper, service: StubService):
    with at_a_terminal(wrapper, "dbt", "wait") as terminal:
        terminal.see(b"ready")
        terminal.process.send_signal(signal.SIGTERM)
        terminal.see(b"SIGINT")
        assert terminal.process.wait(PATIENCE) == 2

    assert service.body("finish")["status_message"] == "canceled by SIGTERM"


def test_dbt_shares_the_terminals_group_and_reads_what_is_typed(
    wrapper: Wrapper, service: StubService
):
    with at_a_terminal(wrapper, "dbt", "describe") as terminal:
        terminal.see(b'"leads_group": false')
        assert terminal.process.wait(PATIENCE) == 0

    assert service.body("runs")["run_reason"].startswith("Kicked off from CLI by ")
