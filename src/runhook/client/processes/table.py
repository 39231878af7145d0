"""The processes of this machine, as /proc or ps(1) lists them."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError

Key = tuple[int, str]
GONE = "ZXx"
"""States of processes that have ended and were not reaped yet."""
STOPPED = "T"
PS = ["ps", "-axww", "-o", "pid=,ppid=,pgid=,stat=,lstart=,command="]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs."""

    pid: int
    parent: int
    group: int
    session: int
    """0 where it is unknown."""
    state: str
    has_terminal: bool
    born: str
    """Of the same pid, one that was born at another time is another process."""
    words: Sequence[str] | None = None
    """Its command line; None if it has to be asked for (``command_line_of``)."""

    @property
    def key(self) -> Key:
        """Identity of the process, though pids are reused."""
        return self.pid, self.born

    @property
    def is_stopped(self) -> bool:
        """Whether it does nothing until it is continued, as after Ctrl-Z."""
        return self.state == STOPPED

    @property
    def rules_terminal(self) -> bool:
        """Whether a terminal hangs up on others when this one ends, as that of script(1)."""
        return self.has_terminal and self.pid == self.session


def running_processes() -> Mapping[int, Process]:
    """Visible processes that have not ended, by pid.

    Empty where the system shows none.
    """
    try:
        found = from_proc() if sys.platform == "linux" else from_ps()
    except (OSError, SubprocessError):
        return {}
    return {one.pid: one for one in found if one.state not in GONE}


def command_line_of(process: Process) -> Sequence[str]:
    """Command line of a process; empty if it has ended meanwhile."""
    if process.words is not None:
        return process.words
    try:
        content = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in content.removesuffix(b"\0").split(b"\0")]


def ignores(process: Process, number: int) -> bool:
    """Whether a process ignores a signal, as a shell has its background ignore SIGINT.

    False where that is unknown.
    """
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(errors="replace")
    except OSError:
        return False
    masks = (line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(next(masks, "0"), 16) >> (number - 1) & 1)


def from_proc() -> Sequence[Process]:
    """Read /proc, if it is that of our processes; see proc_pid_stat(5)."""
    if str(Path("/proc/self").readlink()) != str(os.getpid()):
        # It shows another PID namespace: the numbers in it mean other processes to us.
        return []
    pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - quicker
    return [one for one in map(process_in_proc, pids) if one is not None]


def process_in_proc(pid: int) -> Process | None:
    """Read one process from /proc; None if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - quicker
            content = file.read(4096)
        # The name between the parentheses may hold anything.
        fields = content.rpartition(b")")[2].decode("ascii").split()
        return Process(
            pid=pid,
            state=fields[0],
            parent=int(fields[1]),
            group=int(fields[2]),
            session=int(fields[3]),
            has_terminal=fields[4] != "0",
            born=fields[19],
        )
    except (OSError, ValueError, IndexError):
        return None


def from_ps() -> Sequence[Process]:
    """Ask ps, as macOS has no /proc."""
    listing = subprocess.run(  # noqa: S603 - the words are ours
        PS,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=5,
        check=False,
    )
    lines = listing.stdout.decode(errors="surrogateescape").splitlines()
    return [one for one in map(process_in_line, lines) if one is not None]


def process_in_line(line: str) -> Process | None:
    """Read a line of ps; None if it is not as it should be."""
    try:
        pid, parent, group, state, *rest = line.split()
        return Process(
            pid=int(pid),
            parent=int(parent),
            group=int(group),
            session=0,
            state=state[0],
            has_terminal=False,
            born=" ".join(rest[:5]),
            words=rest[5:],
        )
    except (ValueError, IndexError):
        return None
