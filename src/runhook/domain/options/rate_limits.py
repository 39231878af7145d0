"""Rate limits: how many requests an endpoint wants to get in a second or a minute."""

import re
from dataclasses import dataclass
from datetime import timedelta

from runhook.domain.errors import InvalidError

PERIODS = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1)}
LARGEST = 100_000
TOGETHER_WITHIN = timedelta(milliseconds=50)
"""Turns due within this time are taken together, by one claim."""
CREDIT = timedelta(milliseconds=250)
"""How late a turn may be taken without delaying those after it: looking and claiming take that
long under load."""
FORM = re.compile(r"([1-9][0-9]{0,5})/(second|minute)")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests let through in each period, as long as there are so many to send.

    They are spread evenly, not sent in a burst at the period's beginning. No period, whenever it
    begins, sees more than ``burst`` beyond them.
    """

    requests: int
    period: str
    """A key of ``PERIODS``."""

    @classmethod
    def parse(cls, text: str) -> "RateLimit":
        """Read a rate such as `10/second`.

        Raises:
            InvalidError: it is not of that form, or too large.
        """
        form = FORM.fullmatch(text)
        if form is None or int(form[1]) > LARGEST:
            raise InvalidError(
                f"`{text[:40]}` is not a rate; write it as `10/second` or `600/minute`, "
                f"with a number from 1 to {LARGEST}"
            )
        return cls(int(form[1]), form[2])

    def __str__(self) -> str:
        return f"{self.requests}/{self.period}"

    @property
    def together(self) -> int:
        """How many requests may go at the same moment, if none of them is late."""
        return max(1, int(self.requests * TOGETHER_WITHIN / PERIODS[self.period]))

    @property
    def burst(self) -> int:
        """By how many requests a period can exceed the rate, at the most.

        One that begins with requests that are late by the whole ``CREDIT`` can end with some that
        go together.
        """
        late = -(-self.requests * CREDIT // PERIODS[self.period])
        return late + self.together - 1

    def due_after(self, late: timedelta) -> int:
        """How many requests may go at the same moment, so long after the turn of the first.

        More than ``CREDIT`` counts as that.
        """
        return self.together + self.requests * min(late, CREDIT) // PERIODS[self.period]

    def lateness_of(self, requests: int) -> timedelta:
        """How late a turn has to be for so many requests to go at the same moment."""
        return self.pause_after(max(0, requests - self.together))

    def pause_after(self, requests: int) -> timedelta:
        """Time to wait after so many requests.

        It counts from when their turn was, but from no earlier than ``CREDIT`` before now. It is
        rounded up.
        """
        return -(-PERIODS[self.period] * requests // self.requests)
