"""Doubt about commits: when to look for claims that the ledger does not have."""

import math
from datetime import timedelta

FIRST_PAUSE = timedelta(seconds=1)


class Doubt:
    """Begins when a commit is not confirmed, which may have gone through all the same.

    A server that lost only us can be about to finish such a commit, so that one look is not enough:
    the pause after each is twice as long, up to a lease. By then the rescuer sees to the rest.

    Args:
        lease: how long a claim lasts.
    """

    def __init__(self, lease: timedelta) -> None:
        self._lease = lease
        self._pause = FIRST_PAUSE
        self._next_look = math.inf

    def begin(self, now: float) -> None:
        """Make looks due from a moment on (seconds of the caller's clock)."""
        self._pause = FIRST_PAUSE
        self._next_look = now

    def calls_for_look(self, now: float) -> bool:
        """Whether it is time for a look."""
        return now >= self._next_look

    def note_look(self, now: float) -> None:
        """Note a look that went well."""
        is_last = self._pause > self._lease
        self._next_look = math.inf if is_last else now + self._pause.total_seconds()
        self._pause *= 2
