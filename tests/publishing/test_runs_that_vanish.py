"""Runs whose reporters fall silent are given up, told of, and corrected by a late finish."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.dispatcher.loop import NO_PAUSE
from runhook.dispatcher.watcher import GRACE, INTERVAL, Watcher, run_watcher
from runhook.domain.runs.run import Run, RunAlreadyFinishedError, RunStatus
from runhook.operations.runs.watch_runs import STEP, give_up_silent_runs
from runhook.storage.engine.tables import deliveries, events, runs
from runhook.storage.runs.rows import find_run
from tests.support.accounts import Tenant, rows_of
from tests.support.clock import ManualClock
from tests.support.databases import open_store
from tests.support.waking import listening_to

FIVE_MINUTES = timedelta(minutes=5)
A_DAY = timedelta(hours=24)
A_SECOND = timedelta(seconds=1)


def watcher(tenant: Tenant) -> Watcher:
    return run_watcher(tenant.store, tenant.clock)


async def give_up(tenant: Tenant) -> list[Run]:
    """Let the service look for silent runs once."""
    return list(await give_up_silent_runs(tenant.store, tenant.clock))


async def start(tenant: Tenant, run_key: str = "run-1") -> Run:
    """Start a run whose reporter promises heartbeats."""
    return await tenant.start(run_key, heartbeats=True)


async def lose(tenant: Tenant, run: Run) -> Run:
    """Let nothing be heard of a run for too long."""
    tenant.clock.advance(FIVE_MINUTES)
    (lost,) = await give_up(tenant)
    assert lost.id == run.id
    return await as_it_is(tenant, run)


async def as_it_is(tenant: Tenant, run: Run) -> Run:
    """A run as the database has it."""
    async with tenant.store.read() as tx:
        found = await find_run(tx, tenant.account_id, run.id)
    assert found is not None
    return found.run


async def told(tenant: Tenant) -> list[str]:
    """The types of all events so far, once it is sure that they are numbered without gap."""
    rows = await rows_of(tenant.store, events)
    assert [row.sequence for row in rows] == [*range(1, len(rows) + 1)]
    assert [row.event_count for row in await rows_of(tenant.store, runs)] == [len(rows)]
    return [row.type.value.removeprefix("job.run.") for row in rows]


async def test_a_run_whose_heartbeats_stop_becomes_errored_and_everybody_is_told(tenant: Tenant):
    webhook = await tenant.webhook(event_types=["job.run.errored", "job.run.completed"])
    run = await start(tenant)
    tenant.clock.advance(timedelta(minutes=1))
    await tenant.heartbeat(run.id)

    lost = await lose(tenant, run)

    assert (lost.status, lost.status_message) == (RunStatus.ERROR, "lost contact after 300 s")
    assert (lost.finished_at, lost.is_lost) == (tenant.clock.now(), True)
    assert await told(tenant) == ["started", "errored", "completed"]
    assert [one.event_type.value for one in await tenant.deliveries(webhook)] == [
        "job.run.errored",
        "job.run.completed",
    ]


async def test_a_run_that_was_being_canceled_when_its_heartbeats_stop_becomes_canceled(
    tenant: Tenant,
):
    run = await start(tenant)
    await tenant.announce_cancel(run.id)

    lost = await lose(tenant, run)

    assert (lost.status, lost.status_message) == (RunStatus.CANCELLED, "lost contact after 300 s")
    assert await told(tenant) == ["started", "canceled"]


async def test_heartbeats_keep_a_run_going(tenant: Tenant):
    run = await start(tenant)
    for _ in range(3):
        tenant.clock.advance(FIVE_MINUTES - A_SECOND)
        assert await give_up(tenant) == []
        await tenant.heartbeat(run.id)

    assert await told(tenant) == ["started"]


async def test_a_run_whose_reporter_promised_no_heartbeats_has_a_day(tenant: Tenant):
    await tenant.start()
    tenant.clock.advance(A_DAY - A_SECOND)
    assert await give_up(tenant) == []

    tenant.clock.advance(A_SECOND)
    (lost,) = await give_up(tenant)

    assert lost.status is RunStatus.ERROR
    assert lost.status_message == "its end was not reported within 1 day"


async def test_a_reporter_says_how_long_a_run_without_heartbeats_may_take(tenant: Tenant):
    _, short = await asyncio.gather(
        tenant.start("run-1", longest_silence=3 * A_DAY),
        tenant.start("run-2", longest_silence=timedelta(hours=6)),
    )
    tenant.clock.advance(timedelta(hours=6))

    (lost,) = await give_up(tenant)

    assert (lost.id, lost.status_message) == (
        short.id,
        "its end was not reported within 6 hours",
    )
    tenant.clock.advance(2 * A_DAY)
    assert await give_up(tenant) == []


async def test_a_run_that_is_over_is_left_alone(tenant: Tenant):
    await tenant.finish(await start(tenant))
    tenant.clock.advance(A_DAY)

    assert await give_up(tenant) == []
    assert await told(tenant) == ["started", "completed"]


async def test_a_heartbeat_of_a_lost_run_is_answered_and_revives_nothing(tenant: Tenant):
    run = await start(tenant)
    lost = await lose(tenant, run)

    assert await tenant.heartbeat(run.id) == lost

    assert await as_it_is(tenant, run) == lost
    assert await told(tenant) == ["started", "errored", "completed"]


async def test_a_late_success_corrects_the_record_and_is_told_once(tenant: Tenant):
    webhook = await tenant.webhook(event_types=["job.run.completed"])
    run = await start(tenant)
    await lose(tenant, run)
    tenant.clock.advance(A_SECOND)

    ended = await tenant.finish(run, message="All good.")
    again = await tenant.finish(run, message="All good.")

    assert ended == again == await as_it_is(tenant, run)
    assert (ended.status, ended.status_message) == (RunStatus.SUCCESS, "All good.")
    assert (ended.finished_at, ended.is_lost) == (tenant.clock.now(), False)
    assert await told(tenant) == ["started", "errored", "completed", "completed"]
    bodies = [one.body for one in await tenant.deliveries(webhook)]
    assert [b'"run_status":"errored"' in body for body in bodies] == [True, False]


async def test_a_late_failure_is_told_with_its_results_and_not_as_errored_again(tenant: Tenant):
    run = await start(tenant)
    await lose(tenant, run)

    await tenant.finish(run, RunStatus.ERROR, message="2 models failed")

    assert await told(tenant) == ["started", "errored", "completed", "completed"]


async def test_a_late_cancellation_is_told_as_one(tenant: Tenant):
    run = await start(tenant)
    await lose(tenant, run)

    await tenant.finish(run, RunStatus.CANCELLED)

    assert await told(tenant) == ["started", "errored", "completed", "canceled"]


async def test_a_second_late_finish_with_other_facts_is_refused(tenant: Tenant):
    run = await start(tenant)
    await lose(tenant, run)
    await tenant.finish(run)

    with pytest.raises(RunAlreadyFinishedError):
        await tenant.finish(run, RunStatus.ERROR)

    assert (await as_it_is(tenant, run)).status is RunStatus.SUCCESS


async def test_replicas_that_look_at_once_tell_of_each_run_once(
    tenant: Tenant, database_url: str, clock: ManualClock
):
    webhook = await tenant.webhook(event_types=["job.run.errored"])
    for number in range(20):
        await start(tenant, f"run-{number}")
    clock.advance(FIVE_MINUTES)

    async def replica() -> list[Run]:
        own_store = open_store(database_url, clock=clock.as_sql())
        lost = await give_up_silent_runs(own_store, clock)
        await own_store.close()
        return list(lost)

    found = await asyncio.gather(*(replica() for _ in range(3)))

    assert sorted(run.id for lost in found for run in lost) == [*range(1, 21)]
    assert len(await tenant.deliveries(webhook)) == 20
    assert len(await rows_of(tenant.store, events)) == 60


async def test_a_finish_that_comes_as_the_run_is_given_up_has_the_last_word(
    tenant: Tenant, database_url: str, clock: ManualClock
):
    run = await start(tenant)
    clock.advance(FIVE_MINUTES)
    own_store = open_store(database_url, clock=clock.as_sql())

    await asyncio.gather(give_up_silent_runs(own_store, clock), tenant.finish(run))
    await own_store.close()

    ended = await as_it_is(tenant, run)
    assert (ended.status, ended.is_lost) == (RunStatus.SUCCESS, False)
    assert await told(tenant) in (
        ["started", "completed"],
        ["started", "errored", "completed", "completed"],
    )


async def test_the_watcher_gives_up_what_is_silent_and_wakes_the_dispatcher(tenant: Tenant):
    await tenant.webhook(event_types=["job.run.errored"])
    await start(tenant)
    tenant.clock.advance(FIVE_MINUTES)
    watching = watcher(tenant)

    async with listening_to(tenant.store) as wakes:
        pauses = [await watching.tick()]
        tenant.clock.advance(GRACE)
        pauses.append(await watching.tick())
        await wakes.wait_for(1)

    assert pauses == [INTERVAL, INTERVAL]
    assert await told(tenant) == ["started", "errored", "completed"]


async def test_a_look_gives_up_so_many_runs_and_the_next_one_follows_at_once(tenant: Tenant):
    await asyncio.gather(*(start(tenant, f"run-{number}") for number in range(STEP + 1)))
    tenant.clock.advance(FIVE_MINUTES)
    watching = watcher(tenant)
    await watching.tick()
    tenant.clock.advance(GRACE)

    assert await watching.tick() == NO_PAUSE
    assert await watching.tick() == INTERVAL

    assert {row.status for row in await rows_of(tenant.store, runs)} == {RunStatus.ERROR}
    assert await rows_of(tenant.store, deliveries) == []


async def test_after_a_time_in_which_nobody_was_heard_reporters_get_time_to_be_heard(
    tenant: Tenant,
):
    """The service was stopped, or its process had no turn: the silence was not the reporters'."""
    run = await start(tenant)
    watching = watcher(tenant)
    await watching.tick()
    tenant.clock.advance(A_DAY)

    await watching.tick()
    await tenant.heartbeat(run.id)
    tenant.clock.advance(GRACE)
    await watching.tick()

    assert await told(tenant) == ["started"]


async def test_so_they_do_after_the_database_was_away(tenant: Tenant):
    run = await start(tenant)
    watching = watcher(tenant)
    await watching.tick()
    tenant.clock.advance(GRACE)
    async with tenant.store.write() as tx:
        await tx.execute(sa.text("ALTER TABLE runs RENAME TO runs_elsewhere"))
    with pytest.raises(sa.exc.DBAPIError):
        await watching.tick()
    async with tenant.store.write() as tx:
        await tx.execute(sa.text("ALTER TABLE runs_elsewhere RENAME TO runs"))
    tenant.clock.advance(FIVE_MINUTES)

    await watching.tick()
    await tenant.heartbeat(run.id)
    tenant.clock.advance(GRACE)
    await watching.tick()

    assert await told(tenant) == ["started"]


async def test_a_clock_that_was_set_back_loses_no_run(tenant: Tenant):
    await start(tenant)
    watching = watcher(tenant)
    await watching.tick()
    tenant.clock.advance(-timedelta(hours=1))

    await watching.tick()
    tenant.clock.advance(GRACE)
    await watching.tick()

    assert await told(tenant) == ["started"]
