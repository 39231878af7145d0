"""How a job does, as its newest runs and its expectation tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import RunId, RunStatus

STRIP = 30
"""So many of a job's newest runs are shown in a row."""


class JobState(StrEnum):
    """States of a job, the most urgent first."""

    FAILING = "failing"
    """Its last run that was not canceled failed."""
    MISSED = "missed"
    """A run that was expected has not started, and its grace period is over."""
    LATE = "late"
    """A run is due, and its grace period is not over."""
    OK = "ok"
    NEW = "new"
    """No run of the job is kept, and none is expected."""


class RunLook(StrEnum):
    """How a run looks at a glance: its status, with what warned told apart."""

    SUCCEEDED = "succeeded"
    WARNED = "warned"
    FAILED = "failed"
    CANCELED = "canceled"
    MISSED = "missed"
    """Of a run that was expected and did not start."""
    RUNNING = "running"


LOOKS = {
    RunStatus.SUCCESS: RunLook.SUCCEEDED,
    RunStatus.ERROR: RunLook.FAILED,
    RunStatus.CANCELLED: RunLook.CANCELED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMark:
    """What a chart shows of a run."""

    id: RunId
    status: RunStatus
    has_warned: bool
    started_at: datetime
    finished_at: datetime | None

    @property
    def look(self) -> RunLook:
        """Look of its mark in a chart."""
        return look_of(self.status, has_warned=self.has_warned)

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it goes on."""
        return None if self.finished_at is None else self.finished_at - self.started_at


def look_of(status: RunStatus, *, has_warned: bool) -> RunLook:
    """Tell how a run of this status looks; only one that succeeded shows that nodes warned."""
    look = LOOKS.get(status, RunLook.RUNNING)
    return RunLook.WARNED if look is RunLook.SUCCEEDED and has_warned else look


@dataclass(frozen=True, slots=True)
class Streak:
    """The failed runs of a job that no success has followed."""

    length: int
    last: RunId
    """The newest of them."""
    since: datetime
    """When the first of them started."""
    is_whole: bool
    """Whether a success before them is known; else it may have begun earlier."""


def streak_of(marks: Sequence[RunMark]) -> Streak | None:
    """Find the failures that go on; None if there are none.

    A run that was canceled or goes on neither ends them nor counts.

    Args:
        marks: a job's newest runs, the oldest first.
    """
    failed: list[RunMark] = []
    for mark in reversed(marks):
        if mark.status is RunStatus.ERROR:
            failed.append(mark)
        elif mark.status is RunStatus.SUCCESS:
            break
    else:
        return streak_in(failed, is_whole=False)
    return streak_in(failed, is_whole=True)


def streak_in(failed: Sequence[RunMark], *, is_whole: bool) -> Streak | None:
    """Make a streak of failed runs, the newest first; None of none."""
    if not failed:
        return None
    return Streak(len(failed), failed[0].id, failed[-1].started_at, is_whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Punctuality:
    """Whether a job runs when it is expected to."""

    due_at: datetime
    """When the next run is due, or the first of those that were missed was."""
    missed: int
    """How many runs were missed since the last one started."""
    late: timedelta
    """How long a run has been due; nothing if none is."""


def punctuality_of(
    expectation: Expectation, *, missed_at: datetime, missed_count: int, now: datetime
) -> Punctuality:
    """Tell whether a job is late.

    Args:
        expectation: how often it should run.
        missed_at: when the next run counts as missed, its grace period included.
        missed_count: how many were counted as missed already.
        now: the present moment, on the same clock.
    """
    due_at = missed_at - expectation.grace - missed_count * expectation.every
    uncounted = expectation.missed(missed_at, now) if missed_at <= now else 0
    return Punctuality(
        due_at=due_at, missed=missed_count + uncounted, late=max(now - due_at, timedelta())
    )
