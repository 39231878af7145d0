"""Reports that come in together share a commit; a bad one among them fails alone."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.errors import NotFoundError
from runhook.domain.runs.run import RunId
from runhook.operations.commits.group_commit import GroupCommit, Pace, rest_after
from runhook.operations.runs.reports import Heartbeat, Reported
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries, events, runs
from tests.support.accounts import Tenant, rows_of
from tests.support.statements import counted_commits

NOT_STORABLE = "\ud800"
"""Half of a character: no database takes it."""


async def test_a_hundred_reports_at_once_need_few_commits(tenant: Tenant, store: Store):
    await tenant.webhook()

    with counted_commits() as commits:
        await asyncio.gather(*(tenant.start(f"run-{number}") for number in range(100)))

    assert len(await rows_of(store, deliveries)) == 100
    assert commits.count <= 3


async def test_reports_of_all_kinds_share_a_commit(tenant: Tenant, store: Store):
    first, second, third = [await tenant.start(f"run-{number}") for number in range(3)]

    with counted_commits() as commits:
        await asyncio.gather(
            tenant.start("run-3"),
            tenant.finish(first),
            tenant.announce_cancel(second.id),
            tenant.heartbeat(third.id),
        )

    assert commits.count == 1
    assert len(await rows_of(store, runs)) == 4


async def test_a_report_that_is_refused_takes_no_other_with_it(tenant: Tenant, store: Store):
    nobodys = Heartbeat(tenant.account_id, RunId(404))

    good, refused, also_good = await asyncio.gather(
        tenant.report("run-1"),
        tenant.publisher.publish(nobodys),
        tenant.report("run-2"),
        return_exceptions=True,
    )

    assert isinstance(refused, NotFoundError)
    assert isinstance(good, Reported)
    assert isinstance(also_good, Reported)
    assert len(await rows_of(store, runs)) == 2


async def test_a_report_that_breaks_the_statement_takes_no_other_with_it(
    tenant: Tenant, store: Store
):
    good, broken, also_good = await asyncio.gather(
        tenant.report("run-1"),
        tenant.report("run-2", run_reason=NOT_STORABLE),
        tenant.report("run-3"),
        return_exceptions=True,
    )

    assert isinstance(broken, UnicodeEncodeError | sa.exc.DBAPIError)
    assert good.is_new
    assert also_good.is_new
    assert sorted(row.run_key for row in await rows_of(store, runs)) == ["run-1", "run-3"]
    assert len(await rows_of(store, events)) == 2


async def test_a_caller_that_went_away_is_no_trouble_to_the_others(tenant: Tenant, store: Store):
    await tenant.start("run-0")
    staying = asyncio.create_task(tenant.report("run-1"))
    leaving = asyncio.create_task(tenant.report("run-2"))
    await asyncio.sleep(0)

    leaving.cancel()

    assert (await staying).is_new
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert len(await rows_of(store, runs)) == 3


async def test_what_comes_in_during_a_commit_shares_the_next_one():
    under_way, may_end = asyncio.Event(), asyncio.Event()
    batches: list[list[int]] = []

    async def write(items):
        batches.append(list(items))
        under_way.set()
        await may_end.wait()
        return [item * 10 for item in items]

    commits: GroupCommit[int, int] = GroupCommit(write)
    first = asyncio.create_task(commits.submit(1))
    await under_way.wait()
    later = [asyncio.create_task(commits.submit(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    may_end.set()

    assert await asyncio.gather(first, *later) == [10, 20, 30, 40]
    assert batches == [[1], [2, 3, 4]]


@pytest.mark.parametrize(
    ("items", "took", "rest"), [(1, 4, 0), (1, 60, 0), (2, 4, 2), (4, 4, 3), (100, 60, 8)]
)
def test_the_more_a_batch_had_the_longer_the_next_one_waits_for_others(
    items: int, took: float, rest: float
):
    assert rest_after(items, took, Pace(longest_rest=timedelta(seconds=8))) == rest
