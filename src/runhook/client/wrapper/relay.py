"""Relay signals to the processes they are meant for, once each, and wait for all of them to end.

dbt cancels the queries it has running in the warehouse on SIGINT only; SIGTERM and SIGHUP end it at
once and leave them running (dbt-core #8356), and two SIGINTs at once kill dbt Core before it has
canceled. So a request to stop goes to dbt itself, as one SIGINT, and not to what stands between
(``programs`` says why): that ends when dbt has, but for shells, which are told what was asked for
so that they begin nothing else. Processes that do not run dbt are asked once no dbt runs any more:
dbt may need them to cancel, as it needs a proxy to its database.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from runhook.client.processes.programs import ProcessRole
from runhook.client.processes.table import Key, ignores
from runhook.client.run.ending import CommandEnding
from runhook.client.wrapper.family import FamilyMember, ends_in, runners_in
from runhook.client.wrapper.process import Child
from runhook.client.wrapper.signals import SignalArrival, Signals

LOOK_AGAIN_SECONDS = 30.0
"""A run must not hang for ever if the news of the child's end were lost."""
WATCHING_SECONDS = 0.25
"""Poll interval for processes whose start and end cause no signal, such as grandchildren."""
SETTLING_SECONDS = 1.0
"""How long those that ran dbt have to end by themselves once it has."""
ONE_REQUEST_SECONDS = 0.5
"""timeout(1) signals its child, then the child's group: that is one request, not two."""


def wait_for(
    child: Child,
    signals: Signals,
    *,
    grace: float,
    on_first_signal: Callable[[int], None],
) -> CommandEnding:
    """Wait until the command has ended with all that runs dbt, and pass on what arrives meanwhile.

    Args:
        child: the running command.
        signals: what listens for signals since before it was started.
        grace: seconds between the polite SIGINT and the signal that was really meant.
        on_first_signal: called once, after the first signal was passed on.
    """
    relay = Relay(child, grace=grace, on_first_signal=on_first_signal)
    while not relay.is_over():
        arrival = signals.wait(relay.seconds_left())
        if arrival is not None and arrival.number != signal.SIGCHLD:
            relay.pass_on(arrival)
        relay.go_on()
    return relay.ending()


class Relay:
    """Which process gets which signal for each that reaches us, and when a run is over.

    A first SIGTERM or SIGHUP becomes SIGINT, and is sent itself, to all processes, when the grace
    is over. A second one is passed on to all at once, as it is: a sender that repeats it means it.
    A signal from a terminal has reached its foreground group, and is passed on to processes that
    left the group.
    """

    def __init__(
        self, child: Child, *, grace: float, on_first_signal: Callable[[int], None]
    ) -> None:
        self._child = child
        self._family = child.family
        self._grace = grace
        self._on_first_signal = on_first_signal
        self._last: tuple[int, float] = (0, float("-inf"))
        self._meant: int | None = None
        """What is asked of everybody, whenever they begin; None if nothing is."""
        self._insisted_on: int | None = None
        self._told: set[Key] = set()
        self._insist_at = float("inf")
        self._patient_until = float("-inf")
        """Until then those that run no dbt are waited for, once all are asked to stop."""
        self._dbt_seen_at = float("-inf")
        self._outlived_by: set[int] = set()
        """Children of ours that dbt runs, or ran, under since the command has ended."""
        self._code_of_rest = 0
        self.first: int | None = None
        self.first_at: datetime | None = None

    def pass_on(self, arrival: SignalArrival) -> None:
        """Send what ``arrival`` asks for."""
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
            self._family.pass_over_daemons()
        if arrival.from_terminal and self._child.shares_terminal:
            self._tell_beyond_terminal(arrival.number)
        elif arrival.number == signal.SIGINT or (
            is_first and arrival.number in {signal.SIGTERM, signal.SIGHUP}
        ):
            self._ask(arrival.number, now)
        else:
            self._signal_all(arrival.number)
        if is_first:
            self._on_first_signal(arrival.number)

    def seconds_left(self) -> float:
        """Longest time to wait for a signal before looking again, in seconds."""
        if self._meant is None and self._child.status is None:
            return LOOK_AGAIN_SECONDS
        return min(WATCHING_SECONDS, max(0.0, self._insist_at - time.monotonic()))

    def go_on(self) -> None:
        """Ask processes that have begun since to stop, and insist when the grace is over."""
        if self._meant is None:
            return
        if time.monotonic() >= self._insist_at:
            self._signal_all(self._meant)
        elif self._insisted_on is not None:
            self._tell_all(self._insisted_on)
        else:
            self._pass_signal_on(self._meant)

    def is_over(self) -> bool:
        """Whether the command has ended, and with it what has to be waited for."""
        for pid, code in self._child.reap():
            if pid in self._outlived_by:
                self._outlived_by.remove(pid)
                self._code_of_rest = self._code_of_rest or code
        if self._child.status is None:
            return False
        if self._child.is_alone:
            return True
        members = self._family.members()
        runners = runners_in(members)
        now = time.monotonic()
        if runners:
            self._dbt_seen_at = now
            topmost = [(*one.above, one)[0].process for one in runners]
            self._outlived_by |= {one.pid for one in topmost if one.parent == os.getpid()}
        # timeout(1) ends a moment after dbt, and its exit code is dbt's.
        is_settling = self._outlived_by and now - self._dbt_seen_at < SETTLING_SECONDS
        is_patient = self._meant is not None and now < self._patient_until
        return not (runners or is_settling or (is_patient and members))

    def ending(self) -> CommandEnding:
        """How the command ended."""
        assert self._child.status is not None
        code = os.waitstatus_to_exitcode(self._child.status)
        return CommandEnding(
            code=code if code >= 0 else None,
            killed_by=-code if code < 0 else None,
            code_of_rest=self._code_of_rest,
            asked_to_stop_by=self.first,
            asked_to_stop_at=self.first_at,
            ended_at=datetime.now(UTC),
            ended_at_monotonic=time.monotonic(),
        )

    def _ask(self, number: int, now: float) -> None:
        """Ask all to stop, dbt by SIGINT."""
        if self._patient_until < now:
            self._patient_until = now + self._grace
        if number != signal.SIGINT:
            self._insist_at = now + self._grace
        self._meant = number
        self._insisted_on = None
        self._told.clear()
        self._pass_signal_on(number)

    def _pass_signal_on(self, number: int) -> None:
        members = self._family.members()
        if not members and self._child.status is None:
            # The system does not let us see who is there.
            if not self._told:
                self._child.send(signal.SIGINT)
                self._told.add((self._child.pid, ""))
            return
        now = time.monotonic()
        concerned = runners_in(members)
        if concerned:
            self._dbt_seen_at = now
        elif now - self._dbt_seen_at >= SETTLING_SECONDS:
            concerned = ends_in(members)
        for one in concerned:
            # Before it ends, or they would go on with what comes next.
            for above in one.above:
                if above.role is ProcessRole.MAKE:
                    self._tell(above, signal.SIGINT)
                elif above.role is ProcessRole.SHELL and not above.process.rules_terminal:
                    self._tell(above, number)
            self._tell(one, polite_signal(one, number))

    def _tell_beyond_terminal(self, number: int) -> None:
        """Tell who has left the terminal's foreground group, as timeout(1) does with its child."""
        members = self._family.members()
        for one in runners_in(members) or ends_in(members):
            if one.process.group != os.getpgrp():
                send(one, number)

    def _signal_all(self, number: int) -> None:
        """Send a signal to all, as it is."""
        self._meant = self._meant or number
        self._insist_at = float("inf")
        self._insisted_on = number
        self._told.clear()
        self._tell_all(number)

    def _tell_all(self, number: int) -> None:
        members = self._family.members()
        if not members and self._child.status is None and not self._told:
            self._child.send(number)
            self._told.add((self._child.pid, ""))
        for one in members:
            self._tell(one, number)

    def _tell(self, member: FamilyMember, number: int) -> None:
        if member.process.key not in self._told:
            self._told.add(member.process.key)
            send(member, number)


def polite_signal(member: FamilyMember, number: int) -> int:
    """The signal that asks a process to stop.

    dbt that ignores SIGINT, as in a shell's background, cannot cancel: it has the grace to end.
    """
    if member.role in {ProcessRole.WRAPPER, ProcessRole.SHELL}:
        return number
    if member.role is not ProcessRole.DBT and ignores(member.process, signal.SIGINT):
        return signal.SIGTERM
    return signal.SIGINT


def send(member: FamilyMember, number: int) -> None:
    """Send a process a signal, and have it look at it if it stands still."""
    with suppress(OSError):
        os.kill(member.process.pid, number)
        if member.process.is_stopped:
            os.kill(member.process.pid, signal.SIGCONT)


def request_to_stop(signals: Signals) -> int | None:
    """The signal that has arrived while no command was running, if any."""
    while (arrival := signals.wait(0)) is not None:
        if arrival.number != signal.SIGCHLD:
            return arrival.number
    return None
