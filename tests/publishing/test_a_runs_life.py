"""What reports leave in a run, and how its events are counted."""

from datetime import timedelta

import pytest

from runhook.domain.runs.run import RunNotCancelableError, RunStatus
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import events, runs
from tests.support.accounts import Tenant, rows_of
from tests.support.clock import START, ManualClock

A_MINUTE = timedelta(minutes=1)


async def test_a_run_starts_now_if_its_reporter_does_not_say_when(tenant: Tenant):
    run = await tenant.start()

    assert (run.status, run.started_at, run.finished_at) == (RunStatus.RUNNING, START, None)


async def test_a_run_ends_now_if_its_reporter_does_not_say_when(tenant: Tenant, clock: ManualClock):
    run = await tenant.start()
    clock.advance(A_MINUTE)

    ended = await tenant.finish(run, RunStatus.ERROR, message="2 models failed")

    assert (ended.status, ended.finished_at) == (RunStatus.ERROR, START + A_MINUTE)
    assert ended.status_message == "2 models failed"


async def test_events_are_numbered_within_their_run(tenant: Tenant, store: Store):
    await tenant.finish(await tenant.start("run-1"), RunStatus.ERROR)
    await tenant.finish(await tenant.start("run-2"))

    numbered = [(row.run_id, row.sequence, row.type.value) for row in await rows_of(store, events)]
    assert numbered == [
        (1, 1, "job.run.started"),
        (1, 2, "job.run.errored"),
        (1, 3, "job.run.completed"),
        (2, 1, "job.run.started"),
        (2, 2, "job.run.completed"),
    ]
    assert [row.event_count for row in await rows_of(store, runs)] == [3, 2]


async def test_a_heartbeat_tells_that_the_reporter_is_alive_and_nothing_else(
    tenant: Tenant, store: Store, clock: ManualClock
):
    run = await tenant.start()
    (before,) = await rows_of(store, runs)
    clock.advance(A_MINUTE)

    after = await tenant.heartbeat(run.id)

    (row,) = await rows_of(store, runs)
    assert row._asdict() == {**before._asdict(), "heartbeat_at": START + A_MINUTE}
    assert after == run
    assert len(await rows_of(store, events)) == 1


async def test_a_cancellation_is_asked_for_once_and_told_when_the_run_ends(
    tenant: Tenant, clock: ManualClock
):
    webhook = await tenant.webhook(event_types=["job.run.canceled"])
    run = await tenant.start(cancelable=True)

    asked = await tenant.cancel(run.id)
    clock.advance(A_MINUTE)
    asked_again = await tenant.cancel(run.id)

    assert asked.cancel_requested_at == asked_again.cancel_requested_at == START
    assert await tenant.deliveries(webhook) == []
    await tenant.finish(run, RunStatus.CANCELLED)
    assert len(await tenant.deliveries(webhook)) == 1


async def test_a_reporter_hears_of_the_cancellation_at_its_next_heartbeat(tenant: Tenant):
    run = await tenant.start(cancelable=True)
    await tenant.cancel(run.id)

    heard = await tenant.heartbeat(run.id)

    assert heard.cancel_requested_at == START


async def test_who_did_not_allow_it_is_not_asked_to_end_a_run(tenant: Tenant):
    run = await tenant.start()

    with pytest.raises(RunNotCancelableError, match="--allow-cancel"):
        await tenant.cancel(run.id)

    assert await tenant.heartbeat(run.id) == run


async def test_a_reporter_tells_of_a_cancellation_that_nobody_asked_it_for(
    tenant: Tenant, store: Store
):
    run = await tenant.start()
    tenant.clock.advance(A_MINUTE)

    announced = await tenant.announce_cancel(run.id)

    (row,) = await rows_of(store, runs)
    assert announced.cancel_requested_at == row.heartbeat_at == tenant.clock.now()
    assert await tenant.cancel(run.id) == announced


async def test_a_run_that_is_over_cannot_be_canceled(tenant: Tenant):
    ended = await tenant.finish(await tenant.start())

    assert await tenant.cancel(ended.id) == ended
