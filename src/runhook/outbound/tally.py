"""What a sender counts: requests that ended, by outcome and duration, and how many did lately."""

from collections import Counter
from collections.abc import Callable

from runhook.domain.deliveries.attempt_counts import BUCKETS, bucket_of
from runhook.domain.deliveries.judging import FailureReason, Outcome

LATELY = 60
"""How many seconds back ``Tally.lately`` looks."""


class Tally:
    """Counts from the start of the process, and forgets nothing but when.

    Args:
        now: measures time in seconds, steadily.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.under_way = 0
        """Requests that have begun and not ended."""
        self.outcomes: Counter[FailureReason | None] = Counter()
        """How many ended for each reason; None stands for a success."""
        self.durations = [0] * (len(BUCKETS) + 1)
        """How many took longer than the bucket before and no longer than this one; the last bucket
        has no end."""
        self.seconds = 0.0
        """Sum of their durations."""
        self._now = now
        self._by_second: Counter[int] = Counter()

    def note(self, outcome: Outcome) -> None:
        """Count a request that has ended."""
        self.outcomes[outcome.failure] += 1
        self.durations[bucket_of(outcome.duration)] += 1
        self.seconds += outcome.duration.total_seconds()
        second = int(self._now())
        if second not in self._by_second:
            self._forget()
        self._by_second[second] += 1

    def lately(self) -> int:
        """Number of requests that ended in the last minute."""
        self._forget()
        return self._by_second.total()

    def _forget(self) -> None:
        begin = self._now() - LATELY
        while self._by_second and (oldest := next(iter(self._by_second))) <= begin:
            del self._by_second[oldest]
