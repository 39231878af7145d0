"""Expectations: how often a job is to run, and when it has not.

A run is due one interval after the start of the job's last run, or after the job was first
expected. Once the grace is over, too, it is missed: once for each interval, until a run starts.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.errors import InvalidError

UNITS = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
}
SPAN = re.compile(r"(\d{1,6})\s*(week|day|hour|minute)s?", re.IGNORECASE)
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
        """Return the expectation in words such as `1 day` and `2 hours`.

        Raises:
            InvalidError: one is no span of time, or out of bounds.
        """
        return cls(
            every=span_in("every", every, SHORTEST_INTERVAL, LONGEST_INTERVAL),
            grace=span_in("grace", grace, timedelta(), LONGEST_GRACE),
        )

    def missed(self, missed_at: datetime, now: datetime) -> int:
        """Return how many intervals have gone by without a run.

        Args:
            missed_at: when the next one counts as missed, its grace included; not after ``now``.
            now: the present moment, on the same clock.
        """
        return 1 + (now - missed_at) // self.every


def span_in(field: str, text: str, shortest: timedelta, longest: timedelta) -> timedelta:
    """Return the span of time that a text names.

    Raises:
        InvalidError: it names none, or one that is too short or too long.
    """
    found = SPAN.fullmatch(text.strip())
    if found is None:
        raise InvalidError(
            f"`{text[:40]}` is no span of time such as `1 day`, `6 hours` or `90 minutes`",
            field=field,
        )
    span = int(found[1]) * UNITS[found[2].lower()]
    if not shortest <= span <= longest:
        raise InvalidError(
            f"`{text[:40]}` is not from {written(shortest)} to {written(longest)}", field=field
        )
    return span


def written(span: timedelta) -> str:
    """Write a span of time as ``span_in`` reads it, in the largest unit that fits."""
    unit = next((one for one in UNITS if span and not span % UNITS[one]), "minute")
    count = span // UNITS[unit]
    return f"{count} {unit}{'' if count == 1 else 's'}"
