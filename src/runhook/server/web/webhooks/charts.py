"""Pictures of how a webhook does: numbers first, then their places in an SVG."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.deliveries.attempt_counts import HOUR, AttemptCounts, hour_of, sum_of
from runhook.server.web.page.axes import Tick, ticks_back
from runhook.server.web.page.showing import duration
from runhook.storage.webhooks.statistics import HourlyCount

BARS = 24
HEIGHT = 120
"""Pixels; along the time, places are per cent."""
SPARK_HEIGHT = 20


@dataclass(frozen=True, slots=True)
class Spark:
    """A webhook's attempts of a day: the share that succeeded, and a bar for each hour."""

    succeeded: int
    failed: int
    bars: Sequence[tuple[int, float, float]]
    """Of each hour: its place, and how high what succeeded and what failed stand."""

    @property
    def share(self) -> str:
        """The share that succeeded, which is 100 % only of all; empty if nothing has ended."""
        total = self.succeeded + self.failed
        return f"{self.succeeded * 1000 // total / 10:g} %" if total else ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of time: what was attempted in it, and where it stands in the pictures."""

    begins_at: datetime
    succeeded: int
    failed: int
    p50: timedelta | None
    p95: timedelta | None
    x: float
    width: float
    good: float
    """Height of the bar of what succeeded; the other one stands on it."""
    bad: float
    p50_height: float
    p95_height: float

    @property
    def begins(self) -> str:
        """When it begins, in the text of a picture."""
        return f"{self.begins_at:%-d %b %H:%M} UTC"

    @property
    def counted(self) -> str:
        """Its attempts in a line."""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.begins}: {self.succeeded} succeeded{failed}"

    @property
    def read(self) -> str:
        """What a consumer has read in it, in a line."""
        return f"{self.begins}: {self.succeeded} read"

    @property
    def times(self) -> str:
        """Its response times in a line."""
        return f"{self.begins}: p50 {duration(self.p50)}, p95 {duration(self.p95)}"


@dataclass(frozen=True, slots=True)
class Overview:
    """A period in steps."""

    bars: Sequence[Bar]
    succeeded: int
    failed: int
    p50: timedelta | None
    p95: timedelta | None
    most: int
    """The largest number of attempts in a step."""
    slowest: timedelta | None
    """The largest p95 of a step."""
    ticks: Sequence[Tick]
    """The axis of time."""

    @property
    def trends(self) -> Mapping[str, str]:
        """Lines of response times, in per cent and pixels, by name; broken where there are none."""
        return {
            "p50": path_through(
                (bar.x + bar.width / 2, bar.p50_height if bar.p50 else None) for bar in self.bars
            ),
            "p95": path_through(
                (bar.x + bar.width / 2, bar.p95_height if bar.p95 else None) for bar in self.bars
            ),
        }


def sparkline(counted: Sequence[HourlyCount], *, now: datetime, most: int = 0) -> Spark:
    """Sparkline of a webhook's last 24 hours.

    Args:
        counted: its hours.
        now: the present moment.
        most: what fills the height, where it stands in a list of others; its own most if 0.
    """
    good, bad = [0] * BARS, [0] * BARS
    for one in counted:
        place = BARS - 1 - (hour_of(now) - one.hour) // HOUR
        if 0 <= place < BARS:
            good[place], bad[place] = one.succeeded, one.failed
    most = max(most, *map(sum, zip(good, bad, strict=True))) or 1
    bars = [
        (place, SPARK_HEIGHT * good[place] / most, SPARK_HEIGHT * bad[place] / most)
        for place in range(BARS)
    ]
    return Spark(sum(good), sum(bad), bars)


def overview_of(
    counted: Mapping[datetime, AttemptCounts], *, since: datetime, until: datetime
) -> Overview:
    """A period of whole hours in ``BARS`` steps; the last one includes the rest."""
    step = (until - since) / BARS
    hours: list[list[AttemptCounts]] = [[] for _ in range(BARS)]
    for hour, counts in counted.items():
        hours[min((hour - since) // step, BARS - 1)].append(counts)
    steps = [sum_of(some) for some in hours]
    most = max(one.total for one in steps) or 1
    slowest = max(one.percentile(95) or timedelta() for one in steps)
    in_all = sum_of(steps)
    return Overview(
        bars=[
            bar_of(place, since + place * step, counts, most=most, slowest=slowest)
            for place, counts in enumerate(steps)
        ],
        succeeded=in_all.succeeded,
        failed=in_all.failed,
        p50=in_all.percentile(50),
        p95=in_all.percentile(95),
        most=most,
        slowest=slowest or None,
        ticks=ticks_back(until - since),
    )


def path_through(points: Iterable[tuple[float, float | None]]) -> str:
    """A path through points of the same height as the chart; one that stands alone is a dot."""
    path, is_drawn = "", False
    for x, height in points:
        if height is not None:
            place = f"{x:.1f} {HEIGHT - height:g}"
            path += f"L{place}" if is_drawn else f"M{place}h0"
        is_drawn = height is not None
    return path


def bar_of(
    place: int, begins_at: datetime, counts: AttemptCounts, *, most: int, slowest: timedelta
) -> Bar:
    """One step of a chart."""
    p50, p95 = counts.percentile(50), counts.percentile(95)
    width = 100 / BARS
    return Bar(
        begins_at=begins_at,
        succeeded=counts.succeeded,
        failed=counts.failed,
        p50=p50,
        p95=p95,
        x=round(place * width, 2),
        width=round(width, 2),
        good=round(HEIGHT * counts.succeeded / most, 1),
        bad=round(HEIGHT * counts.failed / most, 1),
        p50_height=round(HEIGHT * (p50 / slowest), 1) if p50 and slowest else 0,
        p95_height=round(HEIGHT * (p95 / slowest), 1) if p95 and slowest else 0,
    )
