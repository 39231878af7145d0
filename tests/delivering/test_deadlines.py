"""Many requests share one deadline, and each has as long as it says."""

import asyncio
from datetime import timedelta

import pytest

from runhook.outbound.deadline import Deadline
from tests.support.scene import LONG

AT_ONCE = timedelta()


async def test_what_takes_too_long_is_ended_and_has_timed_out():
    deadline = Deadline(AT_ONCE)

    with pytest.raises(TimeoutError):
        await deadline.wait_for(asyncio.Event().wait())

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_one_that_is_overdue_takes_no_other_with_it():
    deadline = Deadline(timedelta(milliseconds=50))
    others = [asyncio.create_task(deadline.wait_for(asyncio.Event().wait())) for _ in range(3)]

    with pytest.raises(TimeoutError):
        await deadline.wait_for(asyncio.Event().wait())
    in_time = await deadline.wait_for(asyncio.sleep(0, "in time"))
    ended = await asyncio.gather(*others, return_exceptions=True)

    assert in_time == "in time"
    assert [type(one) for one in ended] == [TimeoutError] * 3


async def test_it_is_set_anew_for_what_begins_after_all_have_ended():
    deadline = Deadline(AT_ONCE)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            await deadline.wait_for(asyncio.Event().wait())


async def test_what_fails_in_time_fails_as_it_did():
    async def fail() -> None:
        raise ConnectionResetError("by the endpoint")

    with pytest.raises(ConnectionResetError, match="by the endpoint"):
        await Deadline(LONG).wait_for(fail())


async def test_what_somebody_else_ends_has_not_timed_out():
    deadline = Deadline(LONG)
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(deadline.wait_for(work()))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    deadline.close()
