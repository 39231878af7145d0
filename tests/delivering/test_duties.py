"""What is done once for all is done by one process at a time, and by another one if that dies."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from runhook.dispatcher.loop import Loop
from runhook.dispatcher.presence import DUTY_LEASE, Presence
from runhook.domain.service.replicas import LONGEST_SILENCE, SIGN_INTERVAL, Replica, ReplicaRole
from runhook.operations.service.presence import count_dispatchers
from runhook.operations.service.prune import FORGOTTEN_AFTER, prune_step
from runhook.storage.engine.store import Store
from runhook.storage.service.replicas import list_replicas
from tests.support.clock import START, ManualClock, trust_the_clock
from tests.support.databases import PostgresqlDatabases, open_store

PAUSE = timedelta(minutes=10)


@pytest.fixture
def shared_url(postgresql_databases: PostgresqlDatabases, tmp_path: Path) -> Iterator[str]:
    """The address of a database that several processes may share: SQLite's has one."""
    with postgresql_databases.new(tmp_path) as url:
        yield url


class Process:
    """A process that shares the database and would prune."""

    def __init__(self, store: Store, name: str, *roles: ReplicaRole) -> None:
        replica = Replica(
            name=name,
            host="a-host",
            roles=roles or (ReplicaRole.DISPATCHER,),
            version="1.0",
            started_at=START,
        )
        self.presence = Presence(store, replica, attempts_lately=lambda: 0)
        self.pruned = 0
        self.has_pruned = asyncio.Event()
        self.pruner: Loop = self.presence.duty("pruner", self.prune)

    async def prune(self) -> timedelta:
        self.pruned += 1
        self.has_pruned.set()
        return PAUSE

    @property
    def prunes(self) -> bool:
        return self.presence.holds("pruner")


async def test_one_process_has_a_duty_and_keeps_it(store: Store, clock: ManualClock):
    first, second = Process(store, "first"), Process(store, "second")

    for _ in range(3):
        await first.presence.tick()
        await second.presence.tick()
        clock.advance(SIGN_INTERVAL)

    assert (first.prunes, second.prunes) == (True, False)


async def test_another_process_takes_the_duty_of_a_dead_one_when_its_lease_is_over(
    store: Store, clock: ManualClock
):
    dead, living = Process(store, "dead"), Process(store, "living")
    await dead.presence.tick()
    clock.advance(DUTY_LEASE - timedelta(microseconds=1))

    await living.presence.tick()
    is_early = living.prunes
    clock.advance(timedelta(microseconds=1))
    await living.presence.tick()

    assert (is_early, living.prunes) == (False, True)


async def test_a_late_process_does_not_get_its_duty_back_while_another_one_has_it(
    store: Store, clock: ManualClock
):
    late, quick = Process(store, "late"), Process(store, "quick")
    await late.presence.tick()
    clock.advance(DUTY_LEASE)
    await quick.presence.tick()

    await late.presence.tick()

    assert (late.prunes, quick.prunes) == (False, True)


async def test_a_process_that_ends_leaves_its_duties_at_once(store: Store):
    ending, staying = Process(store, "ending"), Process(store, "staying")
    await ending.presence.tick()

    await ending.presence.leave()
    await staying.presence.tick()

    assert staying.prunes
    assert [one.replica.name for one in await seen(store)] == ["staying"]


async def test_duties_are_taken_one_by_one(store: Store):
    """A process may have others than its neighbour; later ones come with later versions."""
    first, second = Process(store, "first"), Process(store, "second")
    second.presence.duty("watcher", second.prune)
    await first.presence.tick()

    await second.presence.tick()

    assert (first.prunes, second.prunes) == (True, False)
    assert second.presence.holds("watcher")


async def test_a_duty_is_done_at_once_where_it_is_taken_and_nowhere_else(store: Store):
    holding, waiting = Process(store, "holding"), Process(store, "waiting")
    loops = [asyncio.create_task(one.pruner.run()) for one in (waiting, holding)]
    await asyncio.sleep(0)
    before = (waiting.pruned, holding.pruned)

    await holding.presence.tick()
    await waiting.presence.tick()
    await holding.has_pruned.wait()

    for one in (waiting, holding):
        one.pruner.stop()
    await asyncio.gather(*loops)
    assert before == (0, 0)
    assert (waiting.pruned, holding.pruned) == (0, 1)


async def test_a_process_shows_what_it_is_and_that_it_lives(store: Store, clock: ManualClock):
    await Process(store, "worker").presence.tick()
    clock.advance(LONGEST_SILENCE / 2)
    await Process(store, "front", ReplicaRole.API).presence.tick()
    clock.advance(LONGEST_SILENCE / 2)

    front, worker = await seen(store)

    assert (front.replica.name, front.replica.roles) == ("front", (ReplicaRole.API,))
    assert (front.replica.host, front.replica.version) == ("a-host", "1.0")
    assert (front.replica.started_at, front.seen_at) == (START, START + LONGEST_SILENCE / 2)
    assert (worker.replica.name, worker.seen_at) == ("worker", START)
    assert (front.is_alive, worker.is_alive) == (True, False)


async def test_only_living_processes_that_deliver_count_as_dispatchers(
    store: Store, clock: ManualClock
):
    await Process(store, "dead").presence.tick()
    clock.advance(LONGEST_SILENCE)
    await Process(store, "front", ReplicaRole.API).presence.tick()
    none = await count_dispatchers(store)
    await Process(store, "both", ReplicaRole.API, ReplicaRole.DISPATCHER).presence.tick()

    assert (none, await count_dispatchers(store)) == (0, 1)


async def test_a_process_that_is_long_dead_is_forgotten(store: Store, clock: ManualClock):
    await Process(store, "dead").presence.tick()
    clock.advance(FORGOTTEN_AFTER / 2)
    await Process(store, "not so long dead").presence.tick()
    clock.advance(FORGOTTEN_AFTER / 2)

    await trust_the_clock(store)
    await prune_step(store, timedelta(days=30))

    assert [one.replica.name for one in await seen(store)] == ["not so long dead"]


async def seen(store: Store):
    """The processes that are known."""
    async with store.read() as tx:
        return await list_replicas(tx)


async def test_the_log_has_who_joins_who_leaves_and_who_falls_silent(
    shared_url: str, clock: ManualClock
):
    store = open_store(shared_url, clock=clock.as_sql())
    one, leaving, dying = (Process(store, name) for name in ("one", "leaving", "dying"))
    with capture_logs() as logged:
        await one.presence.tick()
        await leaving.presence.tick()
        await dying.presence.tick()
        logged.clear()
        await one.presence.tick()
        await leaving.presence.leave()
        await one.presence.tick()
        clock.advance(LONGEST_SILENCE)
        await one.presence.tick()
        await one.presence.tick()
    await store.close()

    told = [(each["event"], each["replica"]) for each in logged if "replica" in each]
    assert told == [
        ("replica.joined", "dying"),
        ("replica.joined", "leaving"),
        ("replica.left", "leaving"),
        ("replica.silent", "dying"),
    ]
