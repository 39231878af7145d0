"""Pictures of how a webhook does: numbers first, then their places in an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.deliveries import DeliveryState
from runhook.storage.statistics import HourlyCount, RecentAttempt

BARS = 24
WIDTH, HEIGHT = 600, 120
SPARK_HEIGHT = 20


@dataclass(frozen=True, slots=True)
class Spark:
    """A webhook's last day: its share of success, and a bar for each hour."""

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


def sparkline(counted: Sequence[HourlyCount], *, now: datetime) -> Spark:
    """Return the last 24 hours of a webhook."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    good, bad = [0] * BARS, [0] * BARS
    for one in counted:
        place = BARS - 1 - (this_hour - one.hour) // timedelta(hours=1)
        if not 0 <= place < BARS:
            continue
        if one.state is DeliveryState.SUCCEEDED:
            good[place] += one.count
        elif one.state is DeliveryState.FAILED:
            bad[place] += one.count
    most = max(map(sum, zip(good, bad, strict=True))) or 1
    bars = [
        (place, SPARK_HEIGHT * good[place] / most, SPARK_HEIGHT * bad[place] / most)
        for place in range(BARS)
    ]
    return Spark(sum(good), sum(bad), bars)


def overview_of(attempts: Sequence[RecentAttempt], *, since: datetime, until: datetime) -> Overview:
    """Return a period in ``BARS`` steps."""
    step = (until - since) / BARS
    steps: list[list[RecentAttempt]] = [[] for _ in range(BARS)]
    for one in attempts:
        place = (one.sent_at - since) // step
        if place >= 0:
            steps[min(place, BARS - 1)].append(one)
    most = max(map(len, steps)) or 1
    slowest = max((percentile(one, 95) or timedelta() for one in steps), default=timedelta())
    bars = [
        bar_of(place, step, since, inside, most=most, slowest=slowest)
        for place, inside in enumerate(steps)
    ]
    inside = [one for some in steps for one in some]
    return Overview(
        bars=bars,
        succeeded=sum(bar.succeeded for bar in bars),
        failed=sum(bar.failed for bar in bars),
        p50=percentile(inside, 50),
        p95=percentile(inside, 95),
        most=most,
        slowest=slowest or None,
    )


def bar_of(
    place: int,
    step: timedelta,
    since: datetime,
    inside: Sequence[RecentAttempt],
    *,
    most: int,
    slowest: timedelta,
) -> Bar:
    """Return one step."""
    succeeded = sum(one.succeeded for one in inside)
    failed = len(inside) - succeeded
    p50, p95 = percentile(inside, 50), percentile(inside, 95)
    width = WIDTH / BARS
    return Bar(
        begins_at=since + place * step,
        succeeded=succeeded,
        failed=failed,
        p50=p50,
        p95=p95,
        x=round(place * width + 2, 1),
        width=round(width - 4, 1),
        good=round(HEIGHT * succeeded / most, 1),
        bad=round(HEIGHT * failed / most, 1),
        p50_height=round(HEIGHT * (p50 / slowest), 1) if p50 and slowest else 0,
        p95_height=round(HEIGHT * (p95 / slowest), 1) if p95 and slowest else 0,
    )


def percentile(attempts: Sequence[RecentAttempt], share: int) -> timedelta | None:
    """Return the duration that ``share`` of 100 attempts stay within, by nearest rank."""
    if not attempts:
        return None
    durations = sorted(one.duration for one in attempts)
    return durations[max(-(-len(durations) * share // 100) - 1, 0)]
