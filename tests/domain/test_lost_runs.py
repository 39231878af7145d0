"""A run whose reporter fell silent ends without its word, and is corrected by it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.runs.events import events_for
from runhook.domain.runs.run import (
    LONGEST_SILENCE,
    OUTCOMES_OF_STATUS,
    FinishReport,
    Progress,
    Run,
    RunAlreadyFinishedError,
    RunOutcome,
    RunStatus,
    RunStep,
    finish,
    lose,
    note_cancel,
    request_cancel,
    silence_in,
)
from tests.support.builders import FINISHED_AT, OCCURRED_AT, STARTED_AT, a_run

SILENCE = timedelta(minutes=5, seconds=3, milliseconds=900)
LATER = FINISHED_AT + timedelta(hours=1)
MUCH_LATER = LATER + timedelta(days=1)

REPORTS = st.sampled_from(
    [(status, outcome) for status, outcomes in OUTCOMES_OF_STATUS.items() for outcome in outcomes]
).flatmap(
    lambda ending: st.builds(
        FinishReport,
        status=st.just(ending[0]),
        outcome=st.just(ending[1]),
        finished_at=st.none() | st.just(FINISHED_AT),
        status_message=st.none() | st.just("1 of 12 models failed"),
        results=st.none() | st.just({"error": 1}),
    )
)
GOING_ON = st.builds(
    lambda status, asked: a_run(
        status=status, cancel_requested_at=FINISHED_AT if asked else None, event_count=1
    ),
    st.sampled_from([status for status in RunStatus if not status.is_over]),
    st.booleans(),
)


def lost(run: Run) -> Run:
    return lose(run, silence=SILENCE, now=LATER)


def told(before: Run, after: Run) -> list[str]:
    return [event.type.value for event in events_for(before, after, now=OCCURRED_AT)]


def test_the_step_that_went_on_ended_as_the_run_that_was_lost():
    over = RunStep(name="dbt deps", status=RunStatus.SUCCESS)
    goes_on = RunStep(name="dbt build", status=RunStatus.RUNNING)

    after = lost(a_run(steps=(over, goes_on), progress=Progress(step=2)))

    assert after.steps == (over, replace(goes_on, status=RunStatus.ERROR))
    assert after.progress is None


def test_a_reporter_that_promised_heartbeats_may_be_silent_for_minutes_another_for_a_day():
    assert {True: timedelta(minutes=5), False: timedelta(hours=24)} == LONGEST_SILENCE


def test_a_lost_run_is_errored_and_says_how_long_nothing_was_heard():
    run = a_run(heartbeats=True)

    assert lost(run) == replace(
        run,
        status=RunStatus.ERROR,
        outcome=RunOutcome.ERRORED,
        status_message="lost contact after 303 s",
        finished_at=LATER,
        lost_at=LATER,
    )


def test_of_a_run_without_heartbeats_it_is_the_end_that_was_not_reported():
    after = lost(a_run(longest_silence=timedelta(hours=6)))

    assert (after.status, after.status_message) == (
        RunStatus.ERROR,
        "its end was not reported within 6 hours",
    )


@pytest.mark.parametrize("text", ["soon", "1 minute", "8 days"])
def test_a_reporter_asks_for_a_time_that_a_client_can_keep_a_run(text):
    with pytest.raises(InvalidError, match=f"give_up_after: `{text}`"):
        silence_in(text)


def test_a_lost_run_whose_cancellation_was_announced_is_canceled():
    after = lost(note_cancel(a_run(heartbeats=True), now=FINISHED_AT))

    assert (after.status, after.outcome) == (RunStatus.CANCELLED, None)
    assert after.status_message == "lost contact after 303 s"


@pytest.mark.parametrize("status", [status for status in RunStatus if status.is_over])
def test_a_run_that_is_over_is_not_lost(status):
    ended = a_run(status=status)

    assert lost(ended) is ended


def test_a_lost_run_does_not_end_before_it_began_even_if_a_clock_was_set_back():
    after = lose(a_run(), silence=SILENCE, now=STARTED_AT - timedelta(days=1))

    assert after.finished_at == STARTED_AT


def test_a_lost_run_cannot_be_canceled():
    after = lost(a_run())

    assert request_cancel(after, now=MUCH_LATER) is after


def test_a_lost_run_refuses_a_report_that_makes_no_sense():
    with pytest.raises(InvalidError):
        finish(lost(a_run()), FinishReport(status=RunStatus.RUNNING), now=MUCH_LATER)


@given(run=GOING_ON, report=REPORTS)
def test_the_first_finish_makes_of_a_lost_run_what_it_would_have_made_in_time(run, report):
    corrected = finish(lost(run), report, now=MUCH_LATER)

    assert corrected == finish(run, report, now=MUCH_LATER)
    assert not corrected.is_lost


@given(run=GOING_ON, report=REPORTS, other=REPORTS)
def test_after_that_finishing_goes_by_the_usual_rules(run, report, other):
    corrected = finish(lost(run), report, now=MUCH_LATER)
    usual = finish(run, report, now=MUCH_LATER)

    assert finish(corrected, report, now=MUCH_LATER) is corrected
    try:
        expected = finish(usual, other, now=MUCH_LATER)
    except RunAlreadyFinishedError:
        with pytest.raises(RunAlreadyFinishedError):
            finish(corrected, other, now=MUCH_LATER)
    else:
        assert finish(corrected, other, now=MUCH_LATER) == expected


@pytest.mark.parametrize(
    ("is_announced", "types"),
    [(False, ["job.run.errored", "job.run.completed"]), (True, ["job.run.canceled"])],
)
def test_losing_a_run_is_told_as_any_such_end_is(is_announced, types):
    run = note_cancel(a_run(), now=FINISHED_AT) if is_announced else a_run()

    assert told(run, lost(run)) == types


@pytest.mark.parametrize(
    ("is_announced", "status", "types"),
    [
        (False, RunStatus.SUCCESS, ["job.run.completed"]),
        (False, RunStatus.ERROR, ["job.run.completed"]),
        (False, RunStatus.CANCELLED, ["job.run.canceled"]),
        (True, RunStatus.SUCCESS, ["job.run.completed"]),
        (True, RunStatus.ERROR, ["job.run.errored", "job.run.completed"]),
        (True, RunStatus.CANCELLED, []),
    ],
)
def test_the_true_end_of_a_lost_run_is_told_but_for_what_was_told(is_announced, status, types):
    before = lost(note_cancel(a_run(), now=FINISHED_AT) if is_announced else a_run())
    after = finish(before, FinishReport(status=status), now=MUCH_LATER)

    assert told(before, after) == types


@given(run=GOING_ON, reports=st.lists(REPORTS, min_size=1, max_size=4))
def test_whatever_is_reported_after_a_run_was_lost_its_true_end_is_told_once(run, reports):
    history = [run, lost(run)]
    types = told(*history)
    for report in reports:
        try:
            history.append(finish(history[-1], report, now=MUCH_LATER))
        except RunAlreadyFinishedError:
            continue
        types += told(history[-2], history[-1])

    end = history[-1].status
    assert types.count("job.run.errored") <= 1
    assert types.count("job.run.canceled") <= 1
    assert types.count("job.run.completed") <= 2
    assert types[-1] == ("job.run.canceled" if end is RunStatus.CANCELLED else "job.run.completed")


def test_the_events_of_a_correction_are_counted_on_and_carry_the_true_run():
    before = replace(lost(a_run()), event_count=3)
    after = finish(before, FinishReport(status=RunStatus.SUCCESS), now=MUCH_LATER)

    [event] = events_for(before, after, now=OCCURRED_AT)

    assert (event.sequence, event.run) == (4, after)
