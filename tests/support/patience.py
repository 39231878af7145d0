"""How tests wait for what happens elsewhere: as long as a loaded machine needs, with an end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

PATIENCE = 60
"""Seconds until a test gives up; nothing that a test asserts depends on it."""
STARTING = 300
"""Seconds until a process is given up that neither says that it is up nor ends: a machine that is
busy with other things ends no soak."""

BETWEEN_LOOKS = 0.01
"""Seconds between two looks, in which the process looked at has the processor."""
LOOKS_LESS_OFTEN = 1.2
"""By how much longer each pause is than the one before: what takes long is hindered by looking."""
LONGEST_BETWEEN_LOOKS = 0.2

MOST_TICKS = 1000


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it is so.

    For what only asking shows: a row, a status. Where a signal says it, wait for that.
    """
    pause = BETWEEN_LOOKS
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(pause)
            pause = min(pause * LOOKS_LESS_OFTEN, LONGEST_BETWEEN_LOOKS)


def look_until(condition: Callable[[], bool]) -> None:
    """Look again and again until it is so, where nothing else goes on meanwhile in this process."""
    give_up_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up_at, "in vain"
        time.sleep(BETWEEN_LOOKS)


async def work_off(tick: Callable[[], Awaitable[timedelta]], *, idle: timedelta) -> int:
    """Tick a loop until it asks for its pause when nothing is left to do; count those before."""
    for done in range(MOST_TICKS):
        if await tick() >= idle:
            return done
    raise AssertionError(f"{MOST_TICKS} ticks, and still not done")
