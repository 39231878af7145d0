"""Pictures of one job: how long its runs took over time, and what happened on each day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from runhook.domain.deliveries.attempt_counts import HOUR
from runhook.domain.runs.job_states import RunLook, RunMark, look_of
from runhook.domain.runs.run import RunId, RunStatus
from runhook.server.web.page.axes import Tick, round_step, short_span, ticks_back
from runhook.server.web.runs.charts import moment_in_utc, run_title
from runhook.storage.runs.board import CountedRuns

DAYS = 30
"""So many days the calendar has, the present one included."""
POINTS = {
    # A dot.
    RunLook.SUCCEEDED: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    # A triangle.
    RunLook.WARNED: "M0-4L4 3H-4z",
    # A cross.
    RunLook.FAILED: "M-5-3.5L-3.5-5 0-1.5 3.5-5 5-3.5 1.5 0 5 3.5 3.5 5 0 1.5-3.5 5-5 3.5-1.5 0z",
    # A square.
    RunLook.CANCELED: "M-3-3H3V3H-3z",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A run on the chart of a job's durations: its place in per cent."""

    run_id: RunId
    look: RunLook
    x: float
    y: float
    """From above."""
    title: str
    took: timedelta
    started: str

    @property
    def shape(self) -> str:
        """Its shape, around its place."""
        return POINTS.get(self.look, POINTS[RunLook.SUCCEEDED])


@dataclass(frozen=True, slots=True)
class Level:
    """A duration as a line across the chart."""

    name: str
    took: timedelta
    y: float
    """From above, in per cent."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How long a job's runs took, over time."""

    points: Sequence[Point]
    across: Sequence[Tick]
    """The axis of time."""
    up: Sequence[Tick]
    """The axis of durations, from below."""
    levels: Sequence[Level]
    """Of the runs that succeeded: half took no longer than p50, 95 of 100 no longer than p95."""


def durations_of(marks: Sequence[RunMark], *, now: datetime) -> Durations | None:
    """Place runs that are over by their start and duration; None if there are none."""
    over = [(mark, mark.duration) for mark in marks if mark.duration is not None]
    if not over:
        return None
    begin = min(mark.started_at for mark, _ in over)
    # A machine's clock may be ahead.
    end = max(now, *(mark.started_at for mark, _ in over))
    span = max(end - begin, HOUR)
    longest = max(*(took for _, took in over), timedelta(seconds=1))
    step = round_step(longest)
    top = step * -(-longest // step)
    good = sorted(took for mark, took in over if mark.status is RunStatus.SUCCESS)
    return Durations(
        points=[
            Point(
                mark.id,
                mark.look,
                x=round(100 * (mark.started_at - begin) / span, 2),
                y=round(100 - 100 * (took / top), 2),
                title=run_title(mark),
                took=took,
                started=moment_in_utc(mark.started_at),
            )
            for mark, took in over
        ],
        across=ticks_back(span),
        up=[
            Tick(round(100 - 100 * (number * step / top), 2), short_span(number * step, step))
            for number in range(int(top / step) + 1)
        ],
        levels=[
            Level(f"p{share}", one, y=round(100 - 100 * (one / top), 2))
            for share in (50, 95)
            if good
            for one in [good[min(len(good) * share // 100, len(good) - 1)]]
        ],
    )


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of a calendar: how many runs started in it, and the worst that happened."""

    date: date
    runs: int
    failed: int
    look: RunLook | None


def calendar_of(
    counted: Iterable[CountedRuns], *, first: date, days: int = DAYS
) -> Sequence[Sequence[CalendarDay | None]]:
    """Weeks from Monday to Sunday; None is a day before the first or after the last."""
    of_days: dict[int, dict[RunLook, int]] = {}
    for one in counted:
        look = look_of(one.status, has_warned=one.has_warned)
        looks = of_days.setdefault(one.step, {})
        looks[look] = looks.get(look, 0) + one.count
    cells: list[CalendarDay | None] = [None] * first.weekday()
    for number in range(days):
        looks = of_days.get(number, {})
        cells.append(
            CalendarDay(
                date=first + timedelta(days=number),
                runs=sum(looks.values()),
                failed=looks.get(RunLook.FAILED, 0),
                look=next((look for look in WORST_FIRST if looks.get(look)), None),
            )
        )
    cells += [None] * (-len(cells) % 7)
    return [cells[place : place + 7] for place in range(0, len(cells), 7)]


WORST_FIRST = (
    RunLook.FAILED,
    RunLook.WARNED,
    RunLook.RUNNING,
    RunLook.SUCCEEDED,
    RunLook.CANCELED,
)
