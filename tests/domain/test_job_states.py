"""How a job does: its failures that go on, and whether it is late."""

from datetime import timedelta

import pytest

from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.job_states import RunLook, RunMark, look_of, punctuality_of, streak_of
from runhook.domain.runs.run import RunId, RunStatus
from tests.support.clock import START

HOUR = timedelta(hours=1)
HOURLY = Expectation(every=HOUR, grace=timedelta(minutes=10))
STATUSES = {
    "s": RunStatus.SUCCESS,
    "f": RunStatus.ERROR,
    "c": RunStatus.CANCELLED,
    "r": RunStatus.RUNNING,
}


def marks(letters: str) -> list[RunMark]:
    """A run an hour, each with the status of a letter."""
    return [
        RunMark(
            id=RunId(number),
            status=STATUSES[letter],
            has_warned=False,
            started_at=START + number * HOUR,
            finished_at=None,
        )
        for number, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "length", "first", "is_whole"),
    [
        ("sff", 2, 1, True),
        ("sfcfr", 2, 1, True),
        ("ff", 2, 0, False),
        ("fsfc", 1, 2, True),
    ],
)
def test_failures_go_on_until_a_run_succeeds(letters, length, first, is_whole):
    streak = streak_of(marks(letters))

    assert streak is not None
    assert (streak.length, streak.is_whole) == (length, is_whole)
    assert streak.last == letters.rindex("f")
    assert streak.since == START + first * HOUR


@pytest.mark.parametrize("letters", ["", "s", "fs", "fsc", "r", "c"])
def test_no_failure_goes_on_after_a_success_or_without_a_run_that_ended(letters):
    assert streak_of(marks(letters)) is None


@pytest.mark.parametrize(
    ("minutes", "missed", "late"),
    [(0, 0, 0), (59, 0, 0), (60, 0, 0), (65, 0, 5), (70, 1, 10), (131, 2, 71)],
)
def test_a_job_is_late_from_when_its_run_was_due_and_missed_once_its_grace_period_is_over(
    minutes, missed, late
):
    punctuality = punctuality_of(
        HOURLY,
        missed_at=START + HOUR + HOURLY.grace,
        missed_count=0,
        now=START + timedelta(minutes=minutes),
    )

    assert punctuality.due_at == START + HOUR
    assert (punctuality.missed, punctuality.late) == (missed, timedelta(minutes=late))


def test_runs_that_were_counted_as_missed_leave_the_first_of_them_due():
    punctuality = punctuality_of(
        HOURLY, missed_at=START + 3 * HOUR + HOURLY.grace, missed_count=2, now=START + 3 * HOUR
    )

    assert punctuality.due_at == START + HOUR
    assert (punctuality.missed, punctuality.late) == (2, 2 * HOUR)


def test_only_a_run_that_succeeded_shows_that_nodes_warned():
    assert look_of(RunStatus.SUCCESS, has_warned=True) is RunLook.WARNED
    assert look_of(RunStatus.ERROR, has_warned=True) is RunLook.FAILED
    assert look_of(RunStatus.QUEUED, has_warned=True) is RunLook.RUNNING
