"""Work that takes long, beside everything else that a service does."""

import asyncio
import os
from threading import get_native_id

from runhook.operations.processors import NICENESS, threads_beside
from runhook.operations.runs.artifacts import on_thread


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, get_native_id())


async def test_threads_for_long_work_give_way_to_the_event_loop():
    before = niceness()

    with threads_beside("hashing") as threads:
        of_thread = await asyncio.get_running_loop().run_in_executor(threads, niceness)

    assert of_thread == min(before + NICENESS, 19)
    assert niceness() == before


async def test_threads_that_compress_files_give_way_to_the_event_loop():
    assert await on_thread(niceness) == min(niceness() + NICENESS, 19)
