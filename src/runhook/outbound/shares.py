"""Limits on how much of something each owner may hold at once."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class ShareTakenError(Exception):
    """The owner already holds as much as is allowed."""


class Shares:
    """Counts what each owner holds.

    Args:
        most: the limit for each owner.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def one_of(self, whose: Hashable) -> Iterator[None]:
        """Take one, and give it back at the end.

        Raises:
            ShareTakenError: there is none left of that share.
        """
        if self._taken[whose] >= self.most:
            raise ShareTakenError
        self._taken[whose] += 1
        try:
            yield
        finally:
            self._taken[whose] -= 1
            if not self._taken[whose]:
                del self._taken[whose]
