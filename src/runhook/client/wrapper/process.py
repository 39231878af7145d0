"""Start dbt, and learn how it ended.

The wrapper is invisible: streams, descriptors, exit code and death by a signal are dbt's own.
Handling of signals, with reasons, is in ``relay``.
"""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runhook.client.processes.table import running_processes
from runhook.client.run.ending import CommandEnding, ended_now
from runhook.client.wrapper.family import NO_ADOPTION, Adoption, Family
from runhook.client.wrapper.signals import Signals, has_terminal

NOT_FOUND = 127
NOT_EXECUTABLE = 126
LINE_BYTES = 128
"""How much of a program tells a text from a binary, as shells look at it."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class NotStartedError(Exception):
    """The command could not be started; ``code`` is what a shell would exit with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def as_ending(self) -> CommandEnding:
        """Ending of a command that could not be started."""
        return ended_now(self.code, not_started=self.message)


class Child:
    """The running command."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        signals: Signals,
        adoption: Adoption = NO_ADOPTION,
    ) -> None:
        """Start ``command`` with our streams.

        Args:
            command: its words.
            environ: its variables.
            signals: what listens for signals, and leaves the command none of that.
            adoption: what ``adopt_orphans`` has returned.

        Raises:
            NotStartedError: there is no such program, or it cannot be executed.
        """
        # At a terminal dbt must stay in our group, or it could not read what is typed. Elsewhere
        # it gets its own, so that killpg by a supervisor (Airflow) does not kill it before it was
        # asked to cancel, and so that a shell in between passes our signals on to dbt.
        self._leads_group = not has_terminal()
        process = self._start(command, environ, Preparation(signals))
        self.pid = process.pid
        # From here on the child is reaped by reap(), and Popen must not look for it.
        process.returncode = 0
        self._reaps_all = adoption.is_ours
        self.family = Family(self.pid, leads_group=self._leads_group, adoption=adoption)
        self.status: int | None = None
        """Its wait status, once it has ended."""
        self.is_alone = False
        """Whether it has left nothing behind that runs, as far as we adopt that."""

    def _start(
        self, command: Sequence[str], environ: Mapping[str, str], prepare: "Preparation"
    ) -> subprocess.Popen[bytes]:
        try:
            return self._popen(command, environ, prepare)
        except subprocess.SubprocessError:
            message = f"{command[0]}: the process could not be prepared for it"
            raise NotStartedError(message, NOT_EXECUTABLE) from None
        except OSError as error:
            if error.errno != errno.ENOEXEC or (script := script_named(command[0])) is None:
                raise not_started(command[0], error) from error
        # As execvp(3), and with it every shell: a program in no known format is a shell's script.
        return self._start(["/bin/sh", script, *command[1:]], environ, prepare)

    def _popen(
        self, command: Sequence[str], environ: Mapping[str, str], prepare: "Preparation"
    ) -> subprocess.Popen[bytes]:
        with warnings.catch_warnings():
            # From 3.12 on Python warns of a fork beside threads; see Preparation.
            warnings.simplefilter("ignore")
            return subprocess.Popen(  # noqa: S603 - running it is the purpose
                command,
                env=environ,
                process_group=0 if self._leads_group else None,
                close_fds=False,  # make's job server and <(process substitution)
                preexec_fn=prepare,  # noqa: PLW1509 - see Preparation
            )

    def send(self, number: int) -> None:
        """Send a signal to the command and to its group, where it cannot be seen who is there."""
        with contextlib.suppress(OSError):
            if self._leads_group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    @property
    def shares_terminal(self) -> bool:
        """Whether the terminal's signals reach the command without us."""
        return not self._leads_group

    def reap(self) -> Sequence[tuple[int, int]]:
        """Reap ended processes; return the pids and exit codes of those that are not the command.

        Adopted processes have no other parent to reap them.
        """
        ended: list[tuple[int, int]] = []
        while not (self.is_alone or (self.status is not None and not self._reaps_all)):
            try:
                pid, status = os.waitpid(-1 if self._reaps_all else self.pid, os.WNOHANG)
            except ChildProcessError:
                self.is_alone = True
                break
            if pid == 0:
                break
            if pid == self.pid:
                self.status = status
            else:
                code = os.waitstatus_to_exitcode(status)
                ended.append((pid, code if code >= 0 else 128 - code))
        return ended


class Preparation:
    """What the child does between fork and exec.

    From a run's second step on the reporter's threads exist, so nothing here may wait for a lock
    that one of them could hold: these are plain system calls, and all is loaded before the fork.
    """

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._parent = os.getpid()
        self._prctl = find_prctl()

    def __call__(self) -> None:
        """Ask to be interrupted when the wrapper dies, and make signals usual again.

        Linux tells of each thread of the wrapper that dies, so two interrupts may come at once.
        """
        if self._prctl is not None:
            self._prctl(PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != self._parent:  # it died before we could ask
                os._exit(128 + signal.SIGINT)
        self._signals.restore_in_child()


def adopt_orphans() -> Adoption:
    """Adopt orphaned descendants (PR_SET_CHILD_SUBREAPER), on Linux."""
    if os.getpid() != 1:
        prctl = find_prctl()
        if prctl is None or prctl(PR_SET_CHILD_SUBREAPER, 1) != 0:
            return NO_ADOPTION
    us = os.getpid()
    return Adoption(
        is_ours=True,
        inherited=[one.key for one in running_processes().values() if one.parent == us]
        if has_children()
        else (),
    )


def has_children() -> bool:
    """Whether there are children of ours, running or ended."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def find_prctl() -> Callable[[int, int], int] | None:
    """Linux' prctl(2), loaded before the fork; None on other systems."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # noqa: PLC0415 - some builds of Python lack it

        prctl: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return prctl


def script_named(program: str) -> str | None:
    """Path of a program that is a text file; None if it is missing or binary."""
    import shutil  # noqa: PLC0415 - for this rare case only

    path = shutil.which(program)
    try:
        content = b"\0" if path is None else Path(path).read_bytes()[:LINE_BYTES]
    except OSError:
        return None
    return None if b"\0" in content else path


def not_started(program: str, error: OSError) -> NotStartedError:
    """Say what a shell would say, with its exit code."""
    if isinstance(error, FileNotFoundError):
        import shutil  # noqa: PLC0415 - for this rare message only

        if shutil.which(program) is None:
            return NotStartedError(f"{program}: command not found", NOT_FOUND)
        return NotStartedError(f"{program}: its interpreter was not found", NOT_EXECUTABLE)
    return NotStartedError(f"{program}: {os.strerror(error.errno or 0)}", NOT_EXECUTABLE)


def end_like(ending: CommandEnding) -> int:
    """Die of the signal that killed the command, or return its exit code.

    The first process of a container cannot kill itself; it gets the code that a shell would give.
    """
    if ending.killed_by is None:
        return ending.code or 0
    import resource  # noqa: PLC0415 - rarely needed

    # dbt's core file, if it left one, must not be overwritten by ours.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError):  # SIGKILL takes no handler
        signal.signal(ending.killed_by, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {ending.killed_by})
    os.kill(os.getpid(), ending.killed_by)
    return 128 + ending.killed_by
