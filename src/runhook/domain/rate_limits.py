"""Rate limits: how many requests an endpoint wants to get in a second or a minute."""

import re
from dataclasses import dataclass
from datetime import timedelta

from runhook.domain.errors import InvalidError

PERIODS = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1)}
LARGEST = 100_000
TOGETHER_WITHIN = timedelta(milliseconds=50)
"""What a high rate allows within that time may go together: claiming is paid once for all of it."""
LATE = timedelta(milliseconds=50)
"""By so much a turn may come late, and the next one comes as if it had not: to look and to claim
takes that long while much is going on."""
FORM = re.compile(r"([1-9][0-9]{0,5})/(second|minute)")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests let through within any period, and no more.

    They are spread evenly, not sent in a burst at the period's beginning: whenever an endpoint lets
    its own seconds or minutes begin, it counts no more.
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
        """How many requests may go at the same moment."""
        return max(1, int(self.requests * TOGETHER_WITHIN / PERIODS[self.period]))

    def pause_after(self, requests: int) -> timedelta:
        """Time to wait after so many requests, at most ``together``.

        It counts from when their turn was, but from no earlier than ``LATE`` before now. That is a
        little longer than the rate by itself would have it: a period that begins with a turn that
        is late, or with some that go together, can end with others that do. It is rounded up.
        """
        in_turn = self.requests - self.together + 1
        return -(-(PERIODS[self.period] + LATE) * requests // in_turn)
