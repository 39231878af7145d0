"""When a failed delivery is tried again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from runhook.domain.errors import InvalidError

JITTER_SHARE = 0.2
"""Jitter adds up to this share of a delay, so that an outage's retries do not fall due at once."""
RETRY_AFTER_LIMIT = timedelta(hours=4)
"""How much of an endpoint's Retry-After counts."""
DELAY_LIMIT = timedelta(days=7)
RETRIES_LIMIT = 20


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The pauses between a delivery's attempts: n pauses are n retries, n + 1 attempts."""

    delays: tuple[timedelta, ...]

    @classmethod
    def parse(cls, text: str) -> "RetrySchedule":
        """Read seconds with commas between them; an empty text means no retry.

        Raises:
            InvalidError: a part is not a number of seconds in bounds, or there are too many.
        """
        return cls.of([part.strip() for part in text.split(",")] if text.strip() else [])

    @classmethod
    def of(cls, pauses: Sequence[float | str]) -> "RetrySchedule":
        """Make a schedule of pauses in seconds; none of them means no retry.

        Raises:
            InvalidError: one is not a number of seconds in bounds, or there are too many.
        """
        if len(pauses) > RETRIES_LIMIT:
            raise InvalidError(f"{len(pauses)} retries are too many; {RETRIES_LIMIT} at most")
        return cls(tuple(parse_delay(pause) for pause in pauses))

    @property
    def seconds(self) -> list[float]:
        """The pauses in seconds, whole ones as whole numbers."""
        pauses = [delay.total_seconds() for delay in self.delays]
        return [int(pause) if pause.is_integer() else pause for pause in pauses]

    @property
    def longest_wait(self) -> timedelta:
        """Longer than this no delivery ever waits for its next attempt."""
        longest = max(self.delays, default=timedelta()) * (1 + JITTER_SHARE)
        return max(longest, RETRY_AFTER_LIMIT)

    def delay_after(
        self, attempt: int, *, retry_after: timedelta | None, jitter: float
    ) -> timedelta | None:
        """Delay before the next attempt; None after the last.

        Args:
            attempt: number of the attempt that failed, counted from 1.
            retry_after: what the endpoint asked for; the delay is never shorter than that, up to
                four hours.
            jitter: a number from 0 to 1; it never shortens the delay.
        """
        if attempt > len(self.delays):
            return None
        delay = self.delays[attempt - 1] * (1 + JITTER_SHARE * jitter)
        return max(delay, min(retry_after or timedelta(), RETRY_AFTER_LIMIT))


def parse_delay(pause: float | str) -> timedelta:
    """Read one pause in seconds.

    Raises:
        InvalidError: it is not a number from 0 to seven days.
    """
    try:
        seconds = float(pause)
    except (ValueError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds <= DELAY_LIMIT.total_seconds():
        longest = DELAY_LIMIT.total_seconds()
        raise InvalidError(f"`{str(pause)[:40]}` is not a pause in seconds from 0 to {longest:.0f}")
    return timedelta(seconds=seconds)


DEFAULT_SCHEDULE = RetrySchedule(
    (
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
    )
)


def parse_retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """Read a Retry-After header (RFC 9110, 10.2.3: seconds or an HTTP date).

    None for one that is missing, in the past or not readable; fractions of seconds, which some
    servers send, are read too.
    """
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = seconds_until(text, now=now)
    if not 0 < seconds < math.inf:
        return None
    return timedelta(seconds=min(seconds, RETRY_AFTER_LIMIT.total_seconds()))


def seconds_until(http_date: str, *, now: datetime) -> float:
    """Seconds from ``now`` to an HTTP date; NaN if it is not one."""
    try:
        date = parsedate_to_datetime(http_date)
    except (ValueError, OverflowError):
        return math.nan
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - now).total_seconds()
