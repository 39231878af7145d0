from datetime import timedelta

import pytest

from runhook.domain.runs.events import Event, EventType, events_for
from runhook.domain.runs.run import FinishReport, RunStatus, finish, note_cancel
from tests.support.builders import FINISHED_AT, OCCURRED_AT, a_job, a_run

TOLD = {
    RunStatus.QUEUED: [],
    RunStatus.STARTING: [],
    RunStatus.RUNNING: ["job.run.started"],
    RunStatus.SUCCESS: ["job.run.completed"],
    RunStatus.ERROR: ["job.run.errored", "job.run.completed"],
    RunStatus.CANCELLED: ["job.run.canceled"],
}
GOING_ON = (RunStatus.QUEUED, RunStatus.STARTING, RunStatus.RUNNING)


def types_of(events: tuple[Event, ...]) -> list[str]:
    return [event.type.value for event in events]


def test_the_event_types_are_the_pages_three_todays_fourth_and_two_of_ours():
    assert {one.value for one in EventType} == {
        "job.run.started",
        "job.run.canceled",
        "job.run.completed",
        "job.run.errored",
        "job.run.missed",
        "webhook.deactivated",
    }


@pytest.mark.parametrize(("status", "types"), TOLD.items())
def test_a_run_first_heard_of_gives_the_events_of_its_status(status, types):
    assert types_of(events_for(None, a_run(status=status), now=OCCURRED_AT)) == types


@pytest.mark.parametrize("before", GOING_ON)
@pytest.mark.parametrize("after", [status for status in RunStatus if status.is_over])
def test_a_run_that_ends_gives_the_events_of_its_ending_wherever_it_stood(before, after):
    events = events_for(a_run(status=before), a_run(status=after), now=OCCURRED_AT)

    assert types_of(events) == TOLD[after]


@pytest.mark.parametrize("before", [RunStatus.QUEUED, RunStatus.STARTING])
def test_a_queued_run_that_begins_gives_started(before):
    events = events_for(a_run(status=before), a_run(status=RunStatus.RUNNING), now=OCCURRED_AT)

    assert types_of(events) == ["job.run.started"]


def test_a_failed_run_is_told_as_errored_before_completed():
    run = a_run()
    ended = finish(run, FinishReport(status=RunStatus.ERROR), now=FINISHED_AT)

    assert types_of(events_for(run, ended, now=OCCURRED_AT)) == [
        "job.run.errored",
        "job.run.completed",
    ]


def test_a_canceled_run_is_told_as_canceled_only():
    run = note_cancel(a_run(), now=FINISHED_AT)
    ended = finish(run, FinishReport(status=RunStatus.CANCELLED), now=FINISHED_AT)

    assert types_of(events_for(run, ended, now=OCCURRED_AT)) == ["job.run.canceled"]


@pytest.mark.parametrize("status", RunStatus)
def test_a_change_that_leaves_the_status_gives_nothing(status):
    before = a_run(status=status)
    after = a_run(status=status, job=a_job(name="renamed"), status_message="More is known")

    assert events_for(before, after, now=OCCURRED_AT) == ()


def test_asking_for_a_cancellation_gives_nothing_before_the_run_has_stopped():
    run = a_run()

    assert events_for(run, note_cancel(run, now=FINISHED_AT), now=OCCURRED_AT) == ()


def test_a_repeated_finish_gives_nothing():
    report = FinishReport(status=RunStatus.ERROR)
    ended = finish(a_run(), report, now=FINISHED_AT)
    again = finish(ended, report, now=FINISHED_AT + timedelta(hours=1))

    assert events_for(ended, again, now=OCCURRED_AT) == ()


def test_the_events_of_a_new_run_are_counted_from_one():
    events = events_for(None, a_run(status=RunStatus.ERROR), now=OCCURRED_AT)

    assert [event.sequence for event in events] == [1, 2]


def test_a_run_that_has_told_nothing_yet_is_counted_from_one():
    [event] = events_for(a_run(), a_run(status=RunStatus.SUCCESS), now=OCCURRED_AT)

    assert event.sequence == 1


def test_later_events_are_counted_on():
    before = a_run(event_count=3)
    events = events_for(before, a_run(status=RunStatus.ERROR, event_count=3), now=OCCURRED_AT)

    assert [event.sequence for event in events] == [4, 5]


def test_an_event_carries_the_run_as_it_was_then_and_when_that_became_known():
    after = a_run(status=RunStatus.SUCCESS)
    [event] = events_for(a_run(), after, now=OCCURRED_AT)

    assert (event.run, event.occurred_at) == (after, OCCURRED_AT)
