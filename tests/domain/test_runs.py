from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.runs.run import (
    FinishReport,
    Progress,
    ProgressReport,
    RunAlreadyFinishedError,
    RunNotCancelableError,
    RunOutcome,
    RunStatus,
    RunStep,
    StartReport,
    Trigger,
    advance,
    finish,
    note_cancel,
    request_cancel,
)
from tests.support.builders import FINISHED_AT, STARTED_AT, a_run

LATER = FINISHED_AT + timedelta(minutes=5)
ENDINGS = [status for status in RunStatus if status.is_over]
START = StartReport(
    run_key="nightly-2022-05-02",
    job_name="nightly",
    project_name="shop",
    environment_name="production",
    run_reason="scheduled",
    dbt_version="1.0.0",
    started_at=STARTED_AT,
)
FULL_REPORT = FinishReport(
    status=RunStatus.ERROR,
    finished_at=FINISHED_AT,
    status_message="1 of 12 models failed",
    outcome=RunOutcome.FAILED,
    results={"error": 1, "success": 11},
    steps=(RunStep(name="dbt build", status=RunStatus.ERROR, logs="1 of 12 failed"),),
    dbt_version="1.0.1",
)


def test_statuses_carry_dbt_clouds_numbers():
    assert {status.name: status.value for status in RunStatus} == {
        "QUEUED": 1,
        "STARTING": 2,
        "RUNNING": 3,
        "SUCCESS": 10,
        "ERROR": 20,
        "CANCELLED": 30,
    }


@pytest.mark.parametrize("status", RunStatus)
def test_a_run_is_over_when_it_succeeded_failed_or_was_canceled(status):
    assert status.is_over is (status.name in {"SUCCESS", "ERROR", "CANCELLED"})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (RunStatus.SUCCESS, RunOutcome.COMPLETE),
        (RunStatus.ERROR, RunOutcome.ERRORED),
        (RunStatus.CANCELLED, None),
    ],
)
def test_a_report_without_an_outcome_takes_the_usual_one_of_its_status(status, outcome):
    ended = finish(a_run(), FinishReport(status=status), now=FINISHED_AT)

    assert (ended.status, ended.outcome) == (status, outcome)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (RunStatus.SUCCESS, RunOutcome.COMPLETE),
        (RunStatus.ERROR, RunOutcome.ERRORED),
        (RunStatus.ERROR, RunOutcome.FAILED),
    ],
)
def test_a_report_may_name_an_outcome_that_fits_its_status(status, outcome):
    ended = finish(a_run(), FinishReport(status=status, outcome=outcome), now=FINISHED_AT)

    assert ended.outcome is outcome


@pytest.mark.parametrize(
    ("status", "outcome", "expected"),
    [
        (RunStatus.SUCCESS, RunOutcome.FAILED, "expected `complete`"),
        (RunStatus.SUCCESS, RunOutcome.ERRORED, "expected `complete`"),
        (RunStatus.ERROR, RunOutcome.COMPLETE, "expected `errored` or `failed`"),
        (RunStatus.CANCELLED, RunOutcome.COMPLETE, "expected none"),
        (RunStatus.CANCELLED, RunOutcome.ERRORED, "expected none"),
    ],
)
def test_an_outcome_that_does_not_fit_the_status_is_refused(status, outcome, expected):
    with pytest.raises(InvalidError, match=r"^outcome: ") as caught:
        finish(a_run(), FinishReport(status=status, outcome=outcome), now=FINISHED_AT)

    assert f"`{outcome}`" in caught.value.message
    assert expected in caught.value.message


@pytest.mark.parametrize("status", [status for status in RunStatus if not status.is_over])
def test_a_run_does_not_end_in_a_status_that_goes_on(status):
    with pytest.raises(InvalidError, match=rf"^status: .* {status.name.lower()}$"):
        finish(a_run(), FinishReport(status=status), now=FINISHED_AT)


@pytest.mark.parametrize("before", [RunStatus.QUEUED, RunStatus.STARTING, RunStatus.RUNNING])
@pytest.mark.parametrize("after", ENDINGS)
def test_a_run_can_end_from_wherever_it_stands(before, after):
    ended = finish(a_run(status=before), FinishReport(status=after), now=FINISHED_AT)

    assert (ended.status, ended.finished_at) == (after, FINISHED_AT)


def test_finishing_takes_over_what_was_reported_and_nothing_else():
    run = a_run()
    ended = finish(run, FULL_REPORT, now=LATER)

    assert ended == replace(
        run,
        status=RunStatus.ERROR,
        status_message="1 of 12 models failed",
        outcome=RunOutcome.FAILED,
        results={"error": 1, "success": 11},
        steps=FULL_REPORT.steps,
        dbt_version="1.0.1",
        finished_at=FINISHED_AT,
    )


@pytest.mark.parametrize("dbt_version", [None, ""])
def test_a_finish_that_does_not_know_the_dbt_version_leaves_what_the_start_said(dbt_version):
    report = FinishReport(status=RunStatus.SUCCESS, dbt_version=dbt_version)

    assert finish(a_run(dbt_version="1.0.0"), report, now=FINISHED_AT).dbt_version == "1.0.0"


def test_a_finish_without_a_time_means_now():
    ended = finish(a_run(), FinishReport(status=RunStatus.SUCCESS), now=LATER)

    assert ended.finished_at == LATER


@pytest.mark.parametrize("status", ENDINGS)
def test_finishing_twice_with_the_same_report_changes_nothing(status):
    report = FinishReport(status=status)
    ended = finish(a_run(), report, now=FINISHED_AT)

    assert finish(ended, report, now=LATER) is ended


def test_finishing_twice_with_the_same_full_report_changes_nothing():
    ended = finish(a_run(), FULL_REPORT, now=FINISHED_AT)

    assert finish(ended, FULL_REPORT, now=LATER) is ended


def test_a_repeated_finish_may_leave_out_the_time_it_ended():
    ended = finish(a_run(), FULL_REPORT, now=FINISHED_AT)

    assert finish(ended, replace(FULL_REPORT, finished_at=None), now=LATER) is ended


def test_a_repeated_finish_may_name_the_outcome_that_was_taken_for_it():
    ended = finish(a_run(), FinishReport(status=RunStatus.ERROR), now=FINISHED_AT)
    named = FinishReport(status=RunStatus.ERROR, outcome=RunOutcome.ERRORED)

    assert finish(ended, named, now=LATER) is ended


def test_a_repeated_finish_may_write_the_same_time_in_another_zone():
    ended = finish(a_run(), FULL_REPORT, now=FINISHED_AT)
    elsewhere = FINISHED_AT.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert finish(ended, replace(FULL_REPORT, finished_at=elsewhere), now=LATER) is ended


@pytest.mark.parametrize(
    "contradiction",
    [
        replace(FULL_REPORT, status=RunStatus.SUCCESS, outcome=None),
        replace(FULL_REPORT, status=RunStatus.CANCELLED, outcome=None),
        replace(FULL_REPORT, outcome=RunOutcome.ERRORED),
        replace(FULL_REPORT, outcome=None),
        replace(FULL_REPORT, finished_at=FINISHED_AT + timedelta(seconds=1)),
        replace(FULL_REPORT, status_message="2 of 12 models failed"),
        replace(FULL_REPORT, status_message=None),
        replace(FULL_REPORT, results={"error": 2, "success": 10}),
        replace(FULL_REPORT, results=None),
    ],
)
def test_a_finish_that_contradicts_the_first_is_refused(contradiction):
    ended = finish(a_run(), FULL_REPORT, now=FINISHED_AT)

    with pytest.raises(RunAlreadyFinishedError, match=f"Run {ended.id} already ended as error"):
        finish(ended, contradiction, now=LATER)


def test_a_finished_run_refuses_a_report_that_makes_no_sense_as_invalid():
    ended = finish(a_run(), FULL_REPORT, now=FINISHED_AT)

    with pytest.raises(InvalidError):
        finish(ended, FinishReport(status=RunStatus.RUNNING), now=LATER)


@given(
    reported=st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=400)),
    now=st.timedeltas(timedelta(days=-400), timedelta(days=400)),
)
def test_a_run_never_ends_before_it_began_even_if_a_clock_was_set_back(reported, now):
    finished_at = None if reported is None else STARTED_AT + reported
    report = FinishReport(status=RunStatus.SUCCESS, finished_at=finished_at)
    ended = finish(a_run(), report, now=STARTED_AT + now)

    assert ended.finished_at == max(finished_at or STARTED_AT + now, STARTED_AT)
    assert finish(ended, report, now=LATER) is ended


def test_a_cancellation_is_noted_and_the_run_goes_on_until_it_has_stopped():
    run = a_run(cancelable=True)

    assert request_cancel(run, now=LATER) == replace(run, cancel_requested_at=LATER)


def test_a_run_whose_reporter_did_not_allow_it_cannot_be_canceled_by_others():
    with pytest.raises(RunNotCancelableError, match="--allow-cancel"):
        request_cancel(a_run(heartbeats=True), now=LATER)


def test_a_reporter_can_announce_a_cancellation_that_it_does_not_allow_others():
    run = a_run()

    announced = note_cancel(run, now=LATER)

    assert announced == replace(run, cancel_requested_at=LATER)
    assert request_cancel(announced, now=LATER + timedelta(minutes=1)) is announced


def test_the_first_request_to_cancel_counts():
    asked = request_cancel(a_run(cancelable=True), now=FINISHED_AT)

    assert request_cancel(asked, now=LATER) is asked


@pytest.mark.parametrize("status", ENDINGS)
def test_a_run_that_is_over_cannot_be_canceled(status):
    ended = a_run(status=status)

    assert request_cancel(ended, now=LATER) is ended


def test_a_run_asked_to_cancel_may_still_succeed():
    asked = request_cancel(a_run(cancelable=True), now=STARTED_AT)
    ended = finish(asked, FinishReport(status=RunStatus.SUCCESS), now=FINISHED_AT)

    assert (ended.status, ended.cancel_requested_at) == (RunStatus.SUCCESS, STARTED_AT)


def test_equal_start_reports_have_equal_fingerprints():
    same = replace(START, started_at=datetime(2022, 5, 2, 10, 41, 31, tzinfo=UTC))

    assert same.fingerprint() == START.fingerprint()


def test_a_late_start_report_says_the_same():
    assert replace(START, is_late=True).fingerprint() == START.fingerprint()


def test_a_start_report_with_any_other_fact_has_another_fingerprint():
    others = [replace(START, started_at=None), replace(START, started_at=LATER)]
    others += [
        replace(START, **{field.name: "other"})
        for field in fields(START)
        if field.name not in {"started_at", "is_late"}
    ]
    fingerprints = {report.fingerprint() for report in [START, *others]}

    assert len(fingerprints) == len(others) + 1


def test_a_trigger_with_another_fact_makes_another_fingerprint():
    triggers = [None, Trigger(), Trigger(system="airflow"), Trigger(external_id="airflow")]
    triggers += [Trigger(attempt=1), Trigger(attempt=2), Trigger(pull_request=1)]

    assert len({replace(START, trigger=one).fingerprint() for one in triggers}) == len(triggers)


def test_the_fingerprint_of_a_report_is_the_same_in_every_release():
    """A run that an earlier release started is compared with what is repeated to this one."""
    full = replace(
        START,
        heartbeats=True,
        longest_silence=timedelta(minutes=90),
        trigger=Trigger(system="airflow", external_id="scheduled__2022-05-02", attempt=2),
    )

    assert START.fingerprint() == (
        "b28a51574460fd816455265311a1b842147c62688e77f2254fdb0e2a78e9bf8c"
    )
    assert full.fingerprint() == (
        "889280ab1654cb1b8a210d78b7765cc5dcffe789dcfc217d362435040adc70cd"
    )


@pytest.mark.usefixtures("far_from_greenwich")
def test_the_fingerprint_of_a_report_is_the_same_on_every_machine():
    assert START.fingerprint() == (
        "b28a51574460fd816455265311a1b842147c62688e77f2254fdb0e2a78e9bf8c"
    )


def test_a_moment_is_the_same_fact_in_any_zone():
    elsewhere = STARTED_AT.astimezone(timezone(timedelta(hours=9)))

    assert replace(START, started_at=elsewhere).fingerprint() == START.fingerprint()


def test_facts_that_read_the_same_in_a_row_have_different_fingerprints():
    one = replace(START, job_name="a', project_name='b", project_name="c")
    other = replace(START, job_name="a", project_name="b', project_name='c")

    assert one.fingerprint() != other.fingerprint()


def test_progress_replaces_the_steps_of_a_run_that_goes_on():
    steps = (RunStep(name="dbt build", status=RunStatus.RUNNING),)
    progress = Progress(step=1, planned_steps=2)

    run = advance(a_run(), ProgressReport(steps=steps, progress=progress))

    assert run == a_run(steps=steps, progress=progress)


def test_progress_that_says_nothing_new_leaves_the_same_run():
    steps = (RunStep(name="dbt build", status=RunStatus.RUNNING),)
    run = a_run(steps=steps, progress=Progress(step=1))

    assert advance(run, ProgressReport(steps=steps, progress=Progress(step=1))) is run
    assert advance(run, ProgressReport(steps=steps, progress=Progress(step=2))) is not run
    assert advance(run, ProgressReport(steps=(), progress=Progress(step=1))).steps == ()


def test_progress_of_a_run_that_is_over_changes_nothing():
    run = a_run(status=RunStatus.SUCCESS)

    assert advance(run, ProgressReport(progress=Progress(step=1))) is run


def test_a_run_that_ends_has_no_progress_and_is_late_once_any_report_was():
    going_on = a_run(progress=Progress(step=1))
    success = FinishReport(status=RunStatus.SUCCESS)

    assert finish(going_on, success, now=LATER).progress is None
    assert finish(going_on, success, now=LATER).is_late is False
    assert finish(replace(going_on, is_late=True), success, now=LATER).is_late is True
    assert finish(going_on, replace(success, is_late=True), now=LATER).is_late is True


def test_a_refused_cancellation_says_how_to_allow_it_and_what_to_do_instead():
    with pytest.raises(RunNotCancelableError) as refused:
        request_cancel(a_run(), now=LATER)

    assert str(refused.value).endswith("`runhook run --allow-cancel` does. Stop dbt where it runs.")
