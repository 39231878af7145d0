"""Whether the database's clock can be trusted to say what is old, and whether it was set back.

A clock that is set forward makes everything old at once. What would be deleted for that is lost if
the clock was wrong, so nothing is deleted before it has been steady for hours.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

JUMP = timedelta(days=1)
"""A clock that is further ahead than this of when it was last trusted has jumped, or was not read
at it for so long."""
LASTING = timedelta(hours=6)
"""After so long a clock that jumped is trusted again."""
LONGEST_GAP = timedelta(hours=1)
"""A clock that jumped and was not looked at for longer has to last anew."""
SET_BACK = timedelta(minutes=1)
"""A clock that is further behind than this of when it was last looked at was set back."""
WRONG = timedelta(minutes=1)
"""A machine whose clock differs by more than this from the database's has a wrong one."""
FIRST_MOMENT = datetime(2014, 5, 14, tzinfo=UTC)
LAST_MOMENT = datetime(2150, 1, 1, tzinfo=UTC)
"""Ids hold the seconds between these two moments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timekeeping:
    """What is known of the database's clock from looking at it again and again."""

    seen_at: datetime
    """What it said when it was last looked at."""
    trusted_at: datetime
    """What it said when it was last trusted."""
    doubted_since: datetime | None = None
    """Since when it has shown a time that may be wrong; None while it is trusted."""
    is_settled: bool = True
    """Whether nothing is left that would wait for the time before the clock was set back."""

    def trusts(self, now: datetime) -> bool:
        """Whether ``now``, as the clock says, is a moment to delete by."""
        return self.doubted_since is None and now - self.trusted_at <= JUMP

    def after_look(self, now: datetime) -> "Timekeeping":
        """State after another look at the clock, which showed ``now``."""
        was_set_back = now < self.seen_at - SET_BACK
        seen = replace(self, seen_at=now, is_settled=self.is_settled and not was_set_back)
        if now - self.trusted_at <= JUMP:
            return replace(seen, trusted_at=now, doubted_since=None)
        since = self.doubted_since
        if since is None or was_set_back or now - self.seen_at > LONGEST_GAP:
            return replace(seen, doubted_since=now)
        if now - since < LASTING:
            return seen
        return replace(seen, trusted_at=now, doubted_since=None)


def first_look(now: datetime) -> Timekeeping:
    """State of a clock that is looked at for the first time."""
    return Timekeeping(seen_at=now, trusted_at=now)
