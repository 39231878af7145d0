"""What there is too much of to try with each and each: a part is tried in every run, by turns.

`make soak` runs the same tests with a larger number.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Generic, TypeVar

Value = TypeVar("Value")
AT_A_PLACE = int(os.environ.get("RUNHOOK_TRIED_AT_A_PLACE", "3"))
"""How many values are tried at a place, and how many requests are made up for an operation."""


class Turns(Generic[Value]):
    """Values of which each place gets the next few, so that all are tried at a few places."""

    def __init__(self, values: Sequence[Value]) -> None:
        self._count = len(values)
        self._turning = cycle(values)

    def next_few(self, most: int = AT_A_PLACE) -> Iterator[Value]:
        """Yield those whose turn it is, none twice."""
        yield from islice(self._turning, min(most, self._count))
