"""Garbage that holds much is taken out soon, however few objects it is."""

import gc
import weakref
from mmap import mmap

import pytest

from runhook.dispatcher.collector import GROWTH, Collector


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


async def test_few_objects_that_hold_much_are_taken_out():
    collector = Collector()
    await collector.tick()
    held = weakref.ref(Held(2 * GROWTH))
    assert held() is not None

    await collector.tick()

    assert held() is None


async def test_little_garbage_is_left_to_python():
    collector = Collector()
    await collector.tick()
    held = weakref.ref(Held(1_000))

    await collector.tick()

    assert held() is not None
