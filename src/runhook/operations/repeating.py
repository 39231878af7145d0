"""Repeat a transaction that stood in another's way."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from runhook.storage.store import ContendedError

Written = TypeVar("Written")
MOST_REPEATS = 5


async def repeat_contended(write: Callable[[], Awaitable[Written]]) -> Written:
    """Run one transaction, and again at once if the database ended it for another's sake.

    Raises:
        ContendedError: another was in its way each time.
    """
    for _ in range(MOST_REPEATS):
        try:
            return await write()
        except ContendedError:
            continue
    return await write()
