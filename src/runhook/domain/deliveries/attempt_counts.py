"""Counts of attempts by the hour they ended in, and percentiles estimated from them."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.deliveries.delivery import Attempt

HOUR = timedelta(hours=1)
BUCKETS = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 0.75),
    *(1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Durations in seconds: how many attempts took at most so long, and longer than the one before, is
counted for each. The last is the longest that an attempt can be allowed to take."""
EMPTY = (0,) * (len(BUCKETS) + 1)


def bucket_of(duration: timedelta) -> int:
    """Index of a duration's bucket; beyond the last one, their number."""
    return bisect_left(BUCKETS, duration.total_seconds())


def hour_of(moment: datetime) -> datetime:
    """Start of a moment's hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCounts:
    """How the attempts of an hour went, or of several."""

    succeeded: int = 0
    failed: int = 0
    durations: Sequence[int] = EMPTY
    """How many are in each bucket; what took longer comes last."""
    longest: timedelta = timedelta()

    @property
    def total(self) -> int:
        """How many attempts there were."""
        return self.succeeded + self.failed

    def percentile(self, share: int) -> timedelta | None:
        """Estimate the duration that ``share`` % of attempts did not exceed; None without attempts.

        It is in the bucket of the attempt that an exact answer would name. Within it, attempts are
        taken to lie evenly, and none beyond the longest.
        """
        rank = self.total * share / 100
        below = 0
        for place, count in enumerate(self.durations):
            if count and below + count >= rank:
                return self._within(place, (rank - below) / count)
            below += count
        return None

    def _within(self, place: int, part: float) -> timedelta:
        begin = timedelta(seconds=BUCKETS[place - 1]) if place else timedelta()
        end = self.longest
        if place < len(BUCKETS):
            end = min(timedelta(seconds=BUCKETS[place]), end)
        return begin + part * (end - begin)


def counts_by_hour(attempts: Iterable[Attempt]) -> dict[datetime, AttemptCounts]:
    """Count attempts by the hour they ended in, the earliest first."""
    by_hour: dict[datetime, list[Attempt]] = {}
    for one in attempts:
        by_hour.setdefault(hour_of(one.ended_at), []).append(one)
    return {hour: counts_of(some) for hour, some in sorted(by_hour.items())}


def counts_of(attempts: Sequence[Attempt]) -> AttemptCounts:
    """Count attempts; there is at least one."""
    outcomes = [one.outcome for one in attempts]
    durations = [*EMPTY]
    for outcome in outcomes:
        durations[bucket_of(outcome.duration)] += 1
    succeeded = sum(outcome.failure is None for outcome in outcomes)
    return AttemptCounts(
        succeeded=succeeded,
        failed=len(outcomes) - succeeded,
        durations=durations,
        longest=max(outcome.duration for outcome in outcomes),
    )


def sum_of(counts: Sequence[AttemptCounts]) -> AttemptCounts:
    """Sum of several hours."""
    return AttemptCounts(
        succeeded=sum(one.succeeded for one in counts),
        failed=sum(one.failed for one in counts),
        durations=[
            sum(column) for column in zip(EMPTY, *(one.durations for one in counts), strict=True)
        ],
        longest=max((one.longest for one in counts), default=timedelta()),
    )
