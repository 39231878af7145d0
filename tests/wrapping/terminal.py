"""A pseudo-terminal with the wrapper at it, and somebody who types."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.patience import PATIENCE
from tests.wrapping.support import RUNHOOK, Wrapper

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
        give_up_at = time.monotonic() + PATIENCE
        while self.seen.count(text) < times:
            left = max(0.0, give_up_at - time.monotonic())
            assert select.select([self._descriptor], [], [], left)[0], self.seen
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
