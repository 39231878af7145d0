"""Repeat a transaction that stood in another's way."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from runhook.storage.engine.store import ContendedError

Given = ParamSpec("Given")
Written = TypeVar("Written")
MOST_REPEATS = 5


def repeats_contended(
    operation: Callable[Given, Awaitable[Written]],
) -> Callable[Given, Awaitable[Written]]:
    """Make an operation repeat its transaction if the database ended it for another's sake.

    It runs again from its beginning: what it does outside of the transaction has to bear that.
    """

    @wraps(operation)
    async def repeating(*args: Given.args, **options: Given.kwargs) -> Written:
        return await repeat_contended(lambda: operation(*args, **options))

    return repeating


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
