"""A report that is sent again changes nothing; one that contradicts the first is refused."""

import asyncio
from datetime import timedelta

import pytest

from runhook.domain.errors import NotFoundError
from runhook.domain.runs.run import (
    FinishReport,
    RunAlreadyFinishedError,
    RunId,
    RunKeyTakenError,
    RunStatus,
)
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Finish, Start
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries, events, runs
from tests.support.accounts import Tenant, a_start_report, rows_of
from tests.support.clock import ManualClock
from tests.support.databases import open_store


async def test_the_same_start_again_is_the_same_run_and_owes_no_second_delivery(
    tenant: Tenant, clock: ManualClock
):
    webhook = await tenant.webhook()

    first = await tenant.report()
    clock.advance(timedelta(minutes=1))
    again = await tenant.report()

    assert (first.is_new, again.is_new) == (True, False)
    assert again.run == first.run
    assert len(await tenant.deliveries(webhook)) == 1


async def test_the_same_start_twice_in_one_batch_is_one_new_run(tenant: Tenant):
    webhook = await tenant.webhook()

    first, again = await asyncio.gather(tenant.report(), tenant.report())

    assert sorted([first.is_new, again.is_new]) == [False, True]
    assert again.run == first.run
    assert len(await tenant.deliveries(webhook)) == 1


async def test_a_run_key_with_other_facts_is_taken(tenant: Tenant, store: Store):
    run = await tenant.start("run-1")

    with pytest.raises(
        RunKeyTakenError, match=f"`run-1` is already run {run.id} of the job `nightly`"
    ):
        await tenant.start("run-1", run_reason="another reason")

    assert len(await rows_of(store, runs)) == 1


async def test_of_two_that_contradict_each_other_in_one_batch_the_first_wins(tenant: Tenant):
    first, second = await asyncio.gather(
        tenant.report("run-1"),
        tenant.report("run-1", run_reason="another reason"),
        return_exceptions=True,
    )

    assert first.is_new
    assert isinstance(second, RunKeyTakenError)


async def test_another_accounts_run_key_is_free(tenant: Tenant, stranger: Tenant):
    mine = await tenant.report("run-1")
    theirs = await stranger.report("run-1", run_reason="another reason")

    assert mine.is_new
    assert theirs.is_new
    assert mine.run.id != theirs.run.id


async def test_replicas_that_get_the_same_starts_at_once_make_each_run_once(
    tenant: Tenant, database_url: str, store: Store, clock: ManualClock
):
    await tenant.webhook()
    reports = [Start(tenant.account_id, a_start_report(f"run-{number}")) for number in range(20)]

    async def replica(mine: list[Start]) -> list[bool]:
        own_store = open_store(database_url, clock=clock.as_sql())
        publisher = Publisher(own_store, clock)
        answers = await asyncio.gather(*(publisher.publish(report) for report in mine))
        await own_store.close()
        return [answer.is_new for answer in answers]

    there, back = await asyncio.gather(replica(reports), replica(reports[::-1]))

    assert [one ^ other for one, other in zip(there, back[::-1], strict=True)] == [True] * 20
    assert len(await rows_of(store, runs)) == 20
    assert len(await rows_of(store, events)) == 20
    assert len(await rows_of(store, deliveries)) == 20


async def test_the_same_finish_again_changes_nothing(tenant: Tenant, clock: ManualClock):
    webhook = await tenant.webhook()
    run = await tenant.start()

    first = await tenant.finish(run, message="All good.")
    clock.advance(timedelta(minutes=1))
    again = await tenant.finish(run, message="All good.")

    assert again == first
    assert len(await tenant.deliveries(webhook)) == 2


async def test_a_finish_with_other_facts_is_refused(tenant: Tenant, store: Store):
    run = await tenant.start()
    await tenant.finish(run, RunStatus.SUCCESS)
    before = await rows_of(store, runs)

    with pytest.raises(RunAlreadyFinishedError, match=f"Run {run.id} already ended as success"):
        await tenant.finish(run, RunStatus.ERROR)

    assert await rows_of(store, runs) == before


async def test_two_ends_of_one_run_in_one_batch_are_told_once(tenant: Tenant):
    webhook = await tenant.webhook(event_types=["job.run.completed"])
    run = await tenant.start()

    same, again, other = await asyncio.gather(
        tenant.finish(run),
        tenant.finish(run),
        tenant.finish(run, RunStatus.CANCELLED),
        return_exceptions=True,
    )

    assert same == again
    assert isinstance(other, RunAlreadyFinishedError)
    assert len(await tenant.deliveries(webhook)) == 1


async def test_replicas_that_end_one_run_at_once_tell_it_once(
    tenant: Tenant, database_url: str, store: Store, clock: ManualClock
):
    run = await tenant.start()
    report = Finish(tenant.account_id, run.id, FinishReport(status=RunStatus.SUCCESS))

    async def replica() -> RunStatus:
        own_store = open_store(database_url, clock=clock.as_sql())
        publisher = Publisher(own_store, clock)
        answer = await publisher.publish(report)
        await own_store.close()
        return answer.run.status

    assert await asyncio.gather(replica(), replica()) == [RunStatus.SUCCESS] * 2
    assert [row.sequence for row in await rows_of(store, events)] == [1, 2]


@pytest.mark.parametrize("what", ["finish", "cancel", "canceling", "heartbeat"])
async def test_another_accounts_run_is_not_there(tenant: Tenant, stranger: Tenant, what: str):
    run = await tenant.start()
    before = await rows_of(tenant.store, runs)

    with pytest.raises(NotFoundError, match=f"There is no run {run.id} in this account"):
        await {
            "finish": lambda: stranger.finish(run),
            "cancel": lambda: stranger.cancel(run.id),
            "canceling": lambda: stranger.announce_cancel(run.id),
            "heartbeat": lambda: stranger.heartbeat(run.id),
        }[what]()

    assert await rows_of(tenant.store, runs) == before


async def test_a_run_that_nobody_started_is_not_there(tenant: Tenant):
    with pytest.raises(NotFoundError):
        await tenant.heartbeat(RunId(404))
