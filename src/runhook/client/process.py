"""Start dbt, pass signals on to it, and learn how it ended.

Nobody should notice the wrapper: streams, descriptors, exit code and death by a signal are dbt's
own. What is done about signals, and why, is in ``Relay``.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from runhook.client.signals import Arrival, Signals, has_terminal

NOT_FOUND = 127
NOT_EXECUTABLE = 126
LOOK_AGAIN_SECONDS = 30.0
"""A run must not hang for ever if the news of the child's end were lost."""
ONE_REQUEST_SECONDS = 0.5
"""timeout(1) signals its child, then the child's group: that is one request, not two."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the command ended."""

    code: int | None
    """Its exit code; None if a signal killed it."""
    killed_by: int | None
    asked_to_stop_by: int | None
    """The first signal that reached us while it ran."""
    asked_to_stop_at: datetime | None
    ended_at: datetime
    ended_at_monotonic: float
    not_started: str | None = None
    """Why it never ran, for people; ``code`` is then what a shell would exit with."""


class NotStartedError(Exception):
    """The command could not be started; ``code`` is what a shell would exit with."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def as_ending(self) -> Ending:
        """Return the end of a command that had no beginning."""
        return ended_now(self.code, not_started=self.message)


class Child:
    """The running command."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], signals: Signals
    ) -> None:
        """Start ``command`` with our streams.

        Raises:
            NotStartedError: there is no such program, or it cannot be executed.
        """
        # At a terminal dbt must stay in our group, or it could not read what is typed. Elsewhere
        # it gets its own, so that killpg by a supervisor (Airflow) does not kill it before it was
        # asked to cancel, and so that a shell in between passes our signals on to dbt.
        self._leads_group = not has_terminal()
        prepare = Preparation(signals)
        try:
            with warnings.catch_warnings():
                # From 3.12 on Python warns of a fork beside threads; see Preparation.
                warnings.simplefilter("ignore")
                process = subprocess.Popen(  # noqa: S603 - running it is the purpose
                    command,
                    env=environ,
                    process_group=0 if self._leads_group else None,
                    close_fds=False,  # make's job server and <(process substitution)
                    preexec_fn=prepare,  # noqa: PLW1509 - see Preparation
                )
        except OSError as error:
            raise not_started(command[0], error) from error
        self.pid = process.pid
        # From here on the child is reaped by reap(), and Popen must not look for it.
        process.returncode = 0

    def send(self, number: int) -> None:
        """Send a signal to the command and, if it leads a group, to all that it started."""
        with contextlib.suppress(OSError):
            if self._leads_group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    @property
    def shares_terminal(self) -> bool:
        """Whether the terminal's signals reach the command without us."""
        return not self._leads_group

    def reap(self) -> int | None:
        """Return the wait status once the command has ended.

        As the first process of a container we inherit every orphan, and nobody else reaps them.
        """
        anyone = -1 if os.getpid() == 1 else self.pid
        while True:
            pid, status = os.waitpid(anyone, os.WNOHANG)
            if pid == 0:
                return None
            if pid == self.pid:
                return status


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


def find_prctl() -> Callable[[int, int], int] | None:
    """Return Linux' prctl(2), loaded before the fork; None where there is none."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # noqa: PLC0415 - some builds of Python lack it

        prctl: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return prctl


def not_started(program: str, error: OSError) -> NotStartedError:
    """Say what a shell would say, with its exit code."""
    if isinstance(error, FileNotFoundError):
        import shutil  # noqa: PLC0415 - for this rare message only

        if shutil.which(program) is None:
            return NotStartedError(f"{program}: command not found", NOT_FOUND)
        return NotStartedError(f"{program}: its interpreter was not found", NOT_EXECUTABLE)
    return NotStartedError(f"{program}: {os.strerror(error.errno or 0)}", NOT_EXECUTABLE)


def wait_for(
    child: Child,
    signals: Signals,
    *,
    grace: float,
    on_first_signal: Callable[[int], None],
) -> Ending:
    """Wait until the command has ended, and pass on the signals that arrive meanwhile.

    Args:
        child: the running command.
        signals: what listens for signals since before it was started.
        grace: seconds between the polite SIGINT and the signal that was really meant.
        on_first_signal: called once, after the first signal was passed on.
    """
    relay = Relay(child, grace=grace, on_first_signal=on_first_signal)
    while (status := child.reap()) is None:
        arrival = signals.wait(min(LOOK_AGAIN_SECONDS, relay.seconds_left()))
        if arrival is None:
            relay.insist_if_due()
        elif arrival.number != signal.SIGCHLD:
            relay.pass_on(arrival)
    code = os.waitstatus_to_exitcode(status)
    return Ending(
        code=code if code >= 0 else None,
        killed_by=-code if code < 0 else None,
        asked_to_stop_by=relay.first,
        asked_to_stop_at=relay.first_at,
        ended_at=datetime.now(UTC),
        ended_at_monotonic=time.monotonic(),
    )


def ended_now(
    code: int, *, not_started: str | None = None, asked_to_stop_by: int | None = None
) -> Ending:
    """Return the end, at this moment, of a command that was not run."""
    now = datetime.now(UTC)
    return Ending(
        code=code,
        killed_by=None,
        asked_to_stop_by=asked_to_stop_by,
        asked_to_stop_at=None if asked_to_stop_by is None else now,
        ended_at=now,
        ended_at_monotonic=time.monotonic(),
        not_started=not_started,
    )


def request_to_stop(signals: Signals) -> int | None:
    """Return the signal that has arrived while no command was running, if one has."""
    while (arrival := signals.wait(0)) is not None:
        if arrival.number != signal.SIGCHLD:
            return arrival.number
    return None


class Relay:
    """Which signal the child gets for each that reaches us.

    dbt cancels the queries it has running in the warehouse on SIGINT only; SIGTERM and SIGHUP end
    it at once and leave them running (dbt-core #8356). So the first of those becomes SIGINT, and
    is sent itself when the grace is over. A second signal is passed on as it is: whoever sends it
    means it. What a terminal sent has reached the child already.
    """

    def __init__(
        self, child: Child, *, grace: float, on_first_signal: Callable[[int], None]
    ) -> None:
        self._child = child
        self._grace = grace
        self._on_first_signal = on_first_signal
        self._meant: int | None = None
        self._insist_at = float("inf")
        self._last: tuple[int, float] = (0, float("-inf"))
        self.first: int | None = None
        self.first_at: datetime | None = None

    def pass_on(self, arrival: Arrival) -> None:
        """Send the child what ``arrival`` asks for."""
        now = time.monotonic()
        number, at = self._last
        if arrival.number == number and now - at < ONE_REQUEST_SECONDS:
            return
        self._last = (arrival.number, now)
        is_first = self.first is None
        if is_first:
            # Before it is sent: results younger than this are those of a canceled run.
            self.first = arrival.number
            self.first_at = datetime.now(UTC)
        if arrival.from_terminal and self._child.shares_terminal:
            pass
        elif is_first and arrival.number in {signal.SIGTERM, signal.SIGHUP}:
            self._child.send(signal.SIGINT)
            self._meant = arrival.number
            self._insist_at = now + self._grace
        else:
            self._child.send(arrival.number)
        if is_first:
            self._on_first_signal(arrival.number)

    def seconds_left(self) -> float:
        """Return how long the child has until the signal that was really meant."""
        return max(0.0, self._insist_at - time.monotonic())

    def insist_if_due(self) -> None:
        """Send the signal that was really meant, when the grace is over."""
        if self._meant is not None and time.monotonic() >= self._insist_at:
            self._child.send(self._meant)
            self._insist_at = float("inf")


def end_like(ending: Ending) -> int:
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
