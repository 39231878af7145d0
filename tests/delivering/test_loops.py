"""A loop ticks, waits as long as the tick says, can be woken and stopped, and outlives errors."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from runhook.dispatcher.loop import NO_PAUSE, Loop
from runhook.domain.errors import UnavailableError

FOREVER = timedelta(days=365)


class Ticks:
    """A tick that tells of each call; it asks for the pauses given, and for ever in the end."""

    def __init__(self, *pauses: timedelta | Exception) -> None:
        self.pauses = list(pauses)
        self.count = 0
        self.wake = asyncio.Event()
        self.loop = Loop("test", self.tick, wake=self.wake)
        self._called = asyncio.Condition()

    async def tick(self) -> timedelta:
        async with self._called:
            self.count += 1
            self._called.notify_all()
        pause = self.pauses.pop(0) if self.pauses else FOREVER
        if isinstance(pause, Exception):
            raise pause
        return pause

    async def wait_for(self, count: int) -> None:
        """Wait until so many ticks have begun."""
        async with self._called:
            await self._called.wait_for(lambda: self.count >= count)


async def test_ticks_again_at_once_as_long_as_there_is_more_to_do():
    ticks = Ticks(NO_PAUSE, NO_PAUSE, NO_PAUSE)
    running = asyncio.create_task(ticks.loop.run())

    await ticks.wait_for(4)

    ticks.loop.stop()
    await running
    assert ticks.count == 4


async def test_ticks_again_when_the_pause_is_over():
    ticks = Ticks(timedelta(microseconds=1))
    running = asyncio.create_task(ticks.loop.run())

    await ticks.wait_for(2)

    ticks.loop.stop()
    await running


async def test_a_wake_up_ends_the_pause():
    ticks = Ticks(FOREVER)
    running = asyncio.create_task(ticks.loop.run())
    await ticks.wait_for(1)

    ticks.wake.set()
    await ticks.wait_for(2)

    ticks.loop.stop()
    await running


async def test_a_wake_up_during_a_tick_skips_the_next_pause():
    """What it tells of may have come just after the tick looked."""
    ticks = Ticks()
    loop = Loop("test", woken_within(ticks), wake=ticks.wake)
    running = asyncio.create_task(loop.run())

    await ticks.wait_for(2)

    loop.stop()
    await running
    assert ticks.count == 2


def woken_within(ticks: Ticks) -> Callable:
    """The tick with a wake-up inside its first call."""

    async def tick() -> timedelta:
        if not ticks.count:
            ticks.wake.set()
        return await ticks.tick()

    return tick


@pytest.mark.parametrize("error", [UnavailableError(), RuntimeError("a bug")])
async def test_a_tick_that_raises_does_not_end_the_loop(error: Exception):
    ticks = Ticks(error)
    running = asyncio.create_task(ticks.loop.run())
    await ticks.wait_for(1)

    ticks.wake.set()
    await ticks.wait_for(2)

    ticks.loop.stop()
    await running


@pytest.mark.parametrize("error", [UnavailableError(), RuntimeError("a bug")])
async def test_a_loop_is_well_while_its_last_tick_was(error: Exception):
    ticks = Ticks(FOREVER, error)
    not_begun = ticks.loop.is_well
    running = asyncio.create_task(ticks.loop.run())
    await ticks.wait_for(1)
    after_a_good_tick = ticks.loop.is_well

    ticks.wake.set()
    await ticks.wait_for(2)
    after_a_bad_tick = ticks.loop.is_well
    ticks.wake.set()
    await ticks.wait_for(3)
    after_another_good_tick = ticks.loop.is_well

    ticks.loop.stop()
    await running
    ended = ticks.loop.is_well
    assert (not_begun, after_a_good_tick, after_a_bad_tick) == (False, True, False)
    assert (after_another_good_tick, ended) == (True, False)


async def test_stopping_ends_the_pause_and_begins_no_other_tick():
    ticks = Ticks(FOREVER)
    running = asyncio.create_task(ticks.loop.run())
    await ticks.wait_for(1)

    ticks.loop.stop()
    await running

    assert ticks.count == 1
