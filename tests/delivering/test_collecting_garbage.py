"""Garbage that holds much is taken out soon, however few objects it is."""

import gc
import weakref
from mmap import mmap

import pytest

from runhook.dispatcher.collector import GROWTH, LOOKS, Collector


class Held:
    """An object in a circle with itself, which holds memory."""

    def __init__(self, size: int) -> None:
        self.itself = self
        # Mapped, as what the allocator gives may be what it has kept.
        self.memory = mmap(-1, size)
        self.memory.write(b"x" * size)


@pytest.fixture(autouse=True)
def no_collector_of_pythons():
    gc.disable()
    yield
    gc.enable()


async def settled() -> Collector:
    """A collector that knows how much there is."""
    collector = Collector()
    for _ in range(LOOKS):
        await collector.tick()
    return collector


async def test_few_objects_that_hold_much_are_taken_out():
    collector = await settled()
    held = weakref.ref(Held(2 * GROWTH))
    assert held() is not None

    for _ in range(LOOKS):
        await collector.tick()

    assert held() is None


async def test_memory_that_is_needed_for_a_moment_makes_no_collector_look():
    """Hashes of passwords take 64 MiB each, and what guesses them would hold up reports."""
    collector = await settled()
    garbage = weakref.ref(Held(1_000))

    for _ in range(LOOKS):
        memory = mmap(-1, 2 * GROWTH)
        memory.write(b"x" * 2 * GROWTH)
        await collector.tick()
        memory.close()
        await collector.tick()

    assert garbage() is not None


async def test_little_garbage_is_left_to_python():
    collector = await settled()
    held = weakref.ref(Held(1_000))

    for _ in range(LOOKS):
        await collector.tick()

    assert held() is not None
