"""Files under way: how many at once, of an account and in all.

Each one holds a connection, some memory and, while it comes in, room on the disk for as long as its
client makes it last.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from litestar.types import ASGIApp, Receive, Scope, Send

from runhook.domain.errors import LimitedError, UnavailableError

WHILE = timedelta(seconds=10)
HELD = "held until the answer has been sent"
"""Key in a request's state: context managers to close once the response is sent."""


class Transfers:
    """Counts files in transfer, in one direction.

    Args:
        what: what happens to them, in words.
        of_one: limit for one account, or another owner.
        in_all: limit for all.
    """

    def __init__(self, what: str, *, of_one: int, in_all: int) -> None:
        self._what = what
        self._of_one = of_one
        self._in_all = in_all
        self._under_way: Counter[int] = Counter()

    @contextmanager
    def one_more(self, of: int) -> Iterator[None]:
        """Count one more transfer of an owner, such as an account, while the context is open.

        Raises:
            LimitedError: the owner has reached its limit.
            UnavailableError: all together have reached the limit.
        """
        if self._under_way[of] >= self._of_one:
            raise LimitedError(
                f"The limit of {self._of_one} files {self._what} at once is reached; "
                "try again when one of them has finished.",
                retry_after=WHILE,
            )
        if self._under_way.total() >= self._in_all:
            raise UnavailableError(
                "The service's limit of files in transfer is reached; try again shortly."
            )
        self._under_way[of] += 1
        try:
            yield
        finally:
            self._under_way[of] -= 1
            if not self._under_way[of]:
                del self._under_way[of]


def holding(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that requests can hold something until they are answered."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as held:
            scope["state"][HELD] = held
            await app(scope, receive, send)

    return handle
