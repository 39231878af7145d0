"""What the pictures of runs and jobs show, from what was reported."""

from datetime import date, timedelta

import pytest

from runhook.domain.dbt.artifacts import SlowNode
from runhook.domain.runs.job_states import STRIP, RunLook, RunMark
from runhook.domain.runs.run import RunId, RunStatus, RunStep
from runhook.server.web.page.axes import TICKS, ticks_of
from runhook.server.web.runs.charts import SHAPES, duration_line, strip_of
from runhook.server.web.runs.job_charts import calendar_of, durations_of
from runhook.server.web.runs.run_charts import gantt_of, parts_of, slow_bars
from runhook.storage.runs.board import CountedRuns
from tests.support.clock import START

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def a_mark(
    number: int, status: RunStatus = RunStatus.SUCCESS, *, minutes: float | None = 1
) -> RunMark:
    started_at = START + number * timedelta(hours=1)
    return RunMark(
        id=RunId(number),
        status=status,
        has_warned=False,
        started_at=started_at,
        finished_at=None if minutes is None else started_at + minutes * MINUTE,
    )


def a_step(
    begin: float | None, end: float | None, status: RunStatus = RunStatus.SUCCESS
) -> RunStep:
    return RunStep(
        name="dbt build",
        status=status,
        started_at=None if begin is None else START + begin * MINUTE,
        finished_at=None if end is None else START + end * MINUTE,
    )


def test_each_look_has_a_shape_of_its_own():
    assert set(SHAPES) == set(RunLook)
    assert len(set(SHAPES.values())) == len(SHAPES)


@pytest.mark.parametrize(("runs", "missed"), [(0, 0), (3, 2), (40, 0), (40, 3), (2, 500)])
def test_a_strip_has_as_many_places_whatever_happened(runs, missed):
    strip = strip_of([a_mark(number) for number in range(runs)], missed=missed)

    drawn = {path.look: 0 for path in strip.paths}
    for path in strip.paths:
        drawn[path.look] += path.shape.count("M")
    assert sum(drawn.values()) == STRIP
    assert drawn.get("missed", 0) == min(missed, STRIP)


def test_the_newest_run_that_failed_says_what_it_was():
    strip = strip_of([a_mark(1), a_mark(2, RunStatus.ERROR, minutes=3)])

    (failed,) = (path for path in strip.paths if path.look == "failed")
    assert failed.title == "#2 failed, 3 min 0 s, 1 Mar 14:00 UTC"
    assert strip.words == "1 succeeded, 1 failed"


def test_durations_of_runs_that_took_no_time_are_a_line_too():
    assert duration_line([a_mark(1, minutes=None)]) is None

    line = duration_line([a_mark(1, minutes=0), a_mark(2, minutes=0)])

    assert line is not None
    assert line.last == timedelta()


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (timedelta(seconds=4), ["0", "1 s", "2 s", "3 s", "4 s"]),
        (timedelta(minutes=7), ["0", "2 min", "4 min", "6 min"]),
        (timedelta(hours=24), ["0", "6 h", "12 h", "18 h", "24 h"]),
        (timedelta(minutes=80), ["0", "30 min", "60 min"]),
    ],
)
def test_an_axis_has_round_steps(span, labels):
    assert [tick.label for tick in ticks_of(span)] == labels


@pytest.mark.parametrize("span", [timedelta(milliseconds=1), timedelta(days=20_000)])
def test_an_axis_of_any_length_has_few_steps(span):
    ticks = ticks_of(span)

    assert 1 <= len(ticks) <= TICKS + 1
    assert all(0 <= tick.place <= 100 for tick in ticks)


def test_steps_stand_where_they_went_on():
    steps = [a_step(0, 1), a_step(1, 10), a_step(None, None)]

    gantt = gantt_of(
        steps, started_at=START, finished_at=START + 10 * MINUTE, now=START + 60 * MINUTE
    )

    assert [(lane.begins, lane.width) for lane in gantt.lanes] == [(0, 10), (10, 90), (0, 0)]
    assert [lane.took for lane in gantt.lanes] == [MINUTE, 9 * MINUTE, None]


def test_a_step_that_goes_on_ends_at_the_present():
    steps = [a_step(0, 5), a_step(5, None, RunStatus.RUNNING)]

    gantt = gantt_of(steps, started_at=START, finished_at=None, now=START + 10 * MINUTE)

    assert [(lane.begins, lane.width) for lane in gantt.lanes] == [(0, 50), (50, 50)]


@pytest.mark.parametrize(
    ("begin", "end"), [(-600, -590), (30, 20), (30, 40), (0, 0), (-(10**7), 10**7)]
)
def test_steps_of_a_machine_whose_clock_is_wrong_stay_within_the_picture(begin, end):
    gantt = gantt_of(
        [a_step(begin, end)], started_at=START, finished_at=START + MINUTE, now=START + MINUTE
    )

    (lane,) = gantt.lanes
    assert 0 <= lane.begins <= lane.begins + lane.width <= 100.01


def test_a_failed_node_is_seen_beside_thousands():
    parts = parts_of({"success": 9_999, "error": 1, "skipped": 0, "odd": 30, "warn": 2})

    assert [(part.name, part.look) for part in parts] == [
        ("error", "failed"),
        ("warn", "warned"),
        ("odd", "canceled"),
        ("success", "succeeded"),
    ]
    assert parts[0].share.width > 0.5
    assert parts[-1].share.begins + parts[-1].share.width == pytest.approx(100, abs=0.1)


def test_no_nodes_are_no_parts():
    assert parts_of({}) == parts_of({"success": 0, "error": -1}) == []


def test_the_slowest_node_is_as_wide_as_there_is_room():
    bars = slow_bars([SlowNode(unique_id="b", seconds=5), SlowNode(unique_id="a", seconds=20.0)])

    assert [(bar.unique_id, bar.width) for bar in bars] == [("a", 100), ("b", 25)]


def test_durations_stand_at_their_time_and_height():
    marks = [a_mark(0, minutes=10), a_mark(5, RunStatus.ERROR, minutes=5), a_mark(9, minutes=None)]

    durations = durations_of(marks, now=START + timedelta(hours=10))

    assert durations is not None
    assert [(one.x, one.y, one.look) for one in durations.points] == [
        (0, 0, "succeeded"),
        (50, 50, "failed"),
    ]
    assert [(one.name, one.took, one.y) for one in durations.levels] == [
        ("p50", 10 * MINUTE, 0),
        ("p95", 10 * MINUTE, 0),
    ]
    assert [tick.label for tick in durations.up] == [
        "0",
        "2 min",
        "4 min",
        "6 min",
        "8 min",
        "10 min",
    ]
    assert [tick.label for tick in durations.across] == [
        "now",
        "2 h",
        "4 h",
        "6 h",
        "8 h",
        "10 h",
    ]


def test_a_run_that_started_after_the_present_moment_stands_at_the_edge():
    durations = durations_of([a_mark(3), a_mark(30)], now=START + timedelta(hours=4))

    assert durations is not None
    assert all(0 <= one.x <= 100 for one in durations.points)


def test_a_calendar_has_each_day_in_its_week_with_the_worst_that_happened():
    # 28 February 2026 is a Saturday.
    counted = [
        CountedRuns(step=0, status=RunStatus.SUCCESS, has_warned=False, count=3),
        CountedRuns(step=0, status=RunStatus.SUCCESS, has_warned=True, count=1),
        CountedRuns(step=2, status=RunStatus.ERROR, has_warned=True, count=2),
    ]

    weeks = calendar_of(counted, first=date(2026, 2, 28), days=3)

    first, second = weeks
    assert first[:5] == [None] * 5
    days = [day for week in weeks for day in week if day is not None]
    assert [(day.date.day, day.runs, day.failed, day.look) for day in days] == [
        (28, 4, 0, "warned"),
        (1, 0, 0, None),
        (2, 2, 2, "failed"),
    ]
    assert second[1:] == [None] * 6
