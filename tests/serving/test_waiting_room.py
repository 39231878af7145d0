"""Requests that change something wait for the database; those that read do not."""

import asyncio
from datetime import timedelta

import pytest
from litestar.testing import RequestFactory

from runhook.domain.errors import UnavailableError
from runhook.server.http.waiting_room import MOST_BYTES, TAKEN, WaitingRoom
from runhook.storage.engine.outage import Outage
from runhook.storage.engine.store import DiskError
from tests.support.patience import PATIENCE

LONG = timedelta(seconds=PATIENCE)
A_READ = RequestFactory().get("/")
A_REPORT = RequestFactory().post("/", data={})


class AwayDatabase:
    """A database that comes back when it is told to."""

    def __init__(self) -> None:
        self.is_back = False
        self.looks = 0
        self.looking = asyncio.Event()
        self.outage = Outage(self.look)

    async def look(self) -> None:
        """Look for it, as every waiting request would want to."""
        self.looks += 1
        self.looking.set()
        if not self.is_back:
            raise UnavailableError

    async def ask(self) -> str:
        """Answer what a request asks."""
        if not self.is_back:
            self.outage.begin("it is away")
            raise UnavailableError
        return "here"


async def test_what_changes_something_waits_and_one_look_is_for_all():
    database = AwayDatabase()
    room = WaitingRoom(database.outage, LONG)
    waiting = [asyncio.create_task(room.pass_through(A_REPORT, database.ask)) for _ in range(100)]
    await database.looking.wait()
    with pytest.raises(UnavailableError):
        await room.pass_through(A_READ, database.ask)
    looks = database.looks

    database.is_back = True

    assert await asyncio.gather(*waiting) == ["here"] * 100
    assert looks < 100
    assert not database.outage.is_known


async def test_who_waited_for_long_enough_is_told_so():
    database = AwayDatabase()
    room = WaitingRoom(database.outage, timedelta(milliseconds=1))

    with pytest.raises(UnavailableError):
        await room.pass_through(A_REPORT, database.ask)

    await database.outage.close()


async def test_so_many_wait_and_no_more():
    database = AwayDatabase()
    room = WaitingRoom(database.outage, LONG, most=3)
    waiting = [asyncio.create_task(room.pass_through(A_REPORT, database.ask)) for _ in range(3)]
    await database.looking.wait()

    with pytest.raises(UnavailableError):
        await room.pass_through(A_REPORT, database.ask)

    database.is_back = True
    assert await asyncio.gather(*waiting) == ["here"] * 3


async def test_so_many_bytes_wait_and_no_more():
    database = AwayDatabase()
    most = MOST_BYTES // TAKEN
    room = WaitingRoom(database.outage, LONG, most=2 * most)
    large = RequestFactory().post("/", headers={"content-length": "99999999"})
    waiting = [asyncio.create_task(room.pass_through(large, database.ask)) for _ in range(most)]
    await database.looking.wait()

    with pytest.raises(UnavailableError):
        await room.pass_through(large, database.ask)

    database.is_back = True
    assert await asyncio.gather(*waiting) == ["here"] * most


async def test_a_full_disk_lets_nobody_wait():
    database = AwayDatabase()
    room = WaitingRoom(database.outage, LONG)

    async def ask() -> str:
        raise DiskError

    with pytest.raises(DiskError):
        await room.pass_through(A_REPORT, ask)
    assert database.looks == 0
