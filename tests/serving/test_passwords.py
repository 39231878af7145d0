"""Hashing passwords beside everything else that a service does."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from threading import get_native_id

from runhook.operations.people.passwords import NICENESS, give_way
from tests.support.people import FAST, Passwords


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, get_native_id())


async def test_threads_that_hash_give_way_to_the_event_loop():
    before = niceness()
    loop = asyncio.get_running_loop()

    with ThreadPoolExecutor(1, initializer=give_way) as threads:
        of_thread = await loop.run_in_executor(threads, niceness)
        await Passwords(FAST).hash("correct horse")

    assert of_thread == min(before + NICENESS, 19)
    assert niceness() == before
