"""Attempts are recorded once the database is back, and none that fails takes others with it.

The recorder does not look at what it records: here that is numbers.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from runhook.dispatcher.limits import LIMITS
from runhook.dispatcher.recorder import Recorder
from runhook.domain.errors import UnavailableError
from tests.support.patience import PATIENCE, until

REFUSED = 13


class Database:
    """Keeps what is recorded while it is there."""

    def __init__(self) -> None:
        self.is_there = False
        self.was_asked = asyncio.Event()
        self.kept: list[Any] = []
        self.told: list[tuple[Any, Any]] = []
        self.recorder = Recorder(self.record, self.note)

    async def record(self, numbers: Sequence[Any]) -> Sequence[Any]:
        self.was_asked.set()
        if not self.is_there:
            raise UnavailableError("It is away.")
        if REFUSED in numbers:
            raise ValueError("It is not lucky.")
        self.kept += numbers
        return list(numbers)

    def note(self, numbers: Sequence[Any], answers: Sequence[Any]) -> None:
        self.told += zip(numbers, answers, strict=True)

    def add(self, *numbers: Any) -> None:
        for number in numbers:
            self.recorder.add(number)

    async def until_told(self, count: int) -> None:
        async def is_told() -> bool:
            return len(self.told) >= count

        await until(is_told)


@pytest.fixture
async def database() -> Database:
    return Database()


async def test_nothing_else_is_begun_while_a_full_backlog_waits_for_the_database(
    database: Database,
):
    database.add(*range(LIMITS.records_waiting + 1))
    await database.was_asked.wait()
    waiting = asyncio.create_task(database.recorder.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()

    database.is_there = True
    await asyncio.wait_for(waiting, PATIENCE)
    await database.until_told(LIMITS.records_waiting + 1)

    assert set(database.kept) == set(range(LIMITS.records_waiting + 1)) - {REFUSED}


async def test_what_the_database_refuses_is_told_alone(database: Database):
    database.is_there = True
    database.add(*range(2 * REFUSED))

    await database.until_told(2 * REFUSED)

    assert [number for number, answer in database.told if number != answer] == [REFUSED]


async def test_an_error_in_what_follows_a_record_ends_no_later_one(database: Database):
    database.is_there = True
    told = database.note

    def fail_once(numbers: Sequence[Any], answers: Sequence[Any]) -> None:
        if not database.told:
            told(numbers, answers)
            raise KeyError("gone already")
        told(numbers, answers)

    database.recorder = Recorder(database.record, fail_once)
    database.add(1)
    await database.until_told(1)
    database.add(2)
    await database.until_told(2)

    assert database.kept == [1, 2]


async def test_a_recorder_that_stops_waits_for_no_database(database: Database):
    database.add(1)
    await database.was_asked.wait()

    database.recorder.stop()
    await database.until_told(1)

    ((number, error),) = database.told
    assert (number, type(error)) == (1, UnavailableError)
