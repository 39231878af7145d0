"""Expectations: how often a job is to run, and when it has not.

A run is due one interval after the start of the job's last run, or after the job was first
expected. Once the grace is over, too, it is missed: once for each interval, until a run starts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.spans import span_in

SHORTEST_INTERVAL = timedelta(minutes=5)
LONGEST_INTERVAL = timedelta(days=366)
LONGEST_GRACE = timedelta(days=7)
DEFAULT_GRACE = "15 minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A job runs every so often; a run may start later than that by the grace."""

    every: timedelta
    grace: timedelta

    @classmethod
    def of(cls, every: str, grace: str) -> "Expectation":
        """Parse an expectation from words such as `1 day` and `2 hours`.

        Raises:
            InvalidError: one is not a span of time, or out of bounds.
        """
        return cls(
            every=span_in("every", every, SHORTEST_INTERVAL, LONGEST_INTERVAL),
            grace=span_in("grace", grace, timedelta(), LONGEST_GRACE),
        )

    def missed(self, missed_at: datetime, now: datetime) -> int:
        """Number of intervals that have gone by without a run.

        Args:
            missed_at: when the next one counts as missed, its grace included; not after ``now``.
            now: the present moment, on the same clock.
        """
        return 1 + (now - missed_at) // self.every
