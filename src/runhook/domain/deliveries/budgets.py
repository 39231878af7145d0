"""How many requests one endpoint gets at a time: fewer when it fails or slows down."""

from dataclasses import dataclass, replace
from datetime import timedelta

QUICK = timedelta(seconds=1)
"""Responses faster than this let the budget grow."""
SLOW = timedelta(seconds=5)
"""Responses slower than this count as trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A number of requests at a time, from one to ``most``.

    Trouble halves it; a round of quick answers, one for each request of the budget, adds one. So
    it falls fast, and comes back slowly enough not to run over an endpoint that has just healed.
    """

    most: int
    requests: int
    quick_answers: int = 0
    """Quick responses in the present round."""
    outstanding: int = 0
    """Requests that were under way at the last cut; their results show the same trouble."""

    @classmethod
    def full(cls, most: int) -> "Budget":
        """Budget of an endpoint without known trouble."""
        return cls(most=most, requests=most)

    def after(self, *, failed: bool, duration: timedelta, under_way: int) -> "Budget":
        """Budget after an attempt has ended.

        Args:
            failed: whether the attempt failed.
            duration: how long it took.
            under_way: number of other requests to the endpoint.
        """
        if self.outstanding:
            return replace(self, outstanding=self.outstanding - 1)
        if failed or duration >= SLOW:
            half = max(1, self.requests // 2)
            return replace(self, requests=half, quick_answers=0, outstanding=under_way)
        if duration > QUICK or self.requests == self.most:
            return self
        if self.quick_answers + 1 < self.requests:
            return replace(self, quick_answers=self.quick_answers + 1)
        return replace(self, requests=self.requests + 1, quick_answers=0)
