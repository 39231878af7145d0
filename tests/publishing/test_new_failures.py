"""Webhooks that hear of a run's end only if something failed that had succeeded, or warned."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from runhook.domain.runs.run import Run, RunStatus
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.runs.watch_runs import give_up_silent_runs
from runhook.storage.engine.tables import job_failures
from tests.support.accounts import Tenant, rows_of
from tests.support.statements import all_statements

ENDS = ["job.run.completed", "job.run.errored"]


@dataclass
class Nightly:
    """A job, and a webhook that hears of its new failures."""

    tenant: Tenant
    webhook: Webhook
    runs: int = 0

    async def start(self, job_name: str = "nightly") -> Run:
        self.runs += 1
        return await self.tenant.start(f"run-{self.runs}", job_name=job_name, heartbeats=True)

    async def ends(self, *failed: str, run: Run | None = None, job_name: str = "nightly") -> Run:
        """End a run in which these nodes failed."""
        run = run or await self.start(job_name)
        results = {
            "counts": {"success": 3, "error": len(failed)},
            "failed": [{"unique_id": one} for one in failed],
            "failed_total": len(failed),
        }
        status = RunStatus.ERROR if failed else RunStatus.SUCCESS
        return await self.tenant.finish(run, status, results=results)

    async def told(self) -> list[int]:
        """The runs whose completion was told, in the order in which they started."""
        return sorted(
            one.run_id
            for one in await self.tenant.deliveries(self.webhook)
            if one.event_type == "job.run.completed"
        )


@pytest.fixture
async def nightly(tenant: Tenant) -> Nightly:
    webhook = await tenant.webhook(event_types=ENDS, result_filter=["new_failures"])
    return Nightly(tenant, webhook)


async def test_a_failure_is_told_when_it_is_new_and_not_again_until_it_was_mended(nightly: Nightly):
    await nightly.ends()
    broken = await nightly.ends("model.a")
    await nightly.ends("model.a")
    worse = await nightly.ends("model.a", "model.b")
    await nightly.ends("model.b")
    await nightly.ends()
    again = await nightly.ends("model.b")

    assert await nightly.told() == [broken.id, worse.id, again.id]


async def test_what_fails_in_a_jobs_first_run_had_not_succeeded_before(nightly: Nightly):
    await nightly.ends("model.a")
    second = await nightly.ends("model.a", "model.b")

    assert await nightly.told() == [second.id]


async def test_errored_is_told_with_completed_or_not_at_all(nightly: Nightly):
    await nightly.ends()
    await nightly.ends("model.a")
    await nightly.ends("model.a")

    deliveries = await nightly.tenant.deliveries(nightly.webhook)
    told = [one.event_type.value for one in deliveries]
    assert sorted(told) == ENDS


async def test_runs_without_node_results_change_nothing_about_what_is_new(nightly: Nightly):
    await nightly.ends("model.a")
    await nightly.tenant.finish(await nightly.start(), RunStatus.CANCELLED)
    killed = await nightly.tenant.finish(await nightly.start(), RunStatus.ERROR)
    await nightly.tenant.finish(await nightly.start(), RunStatus.ERROR)
    await nightly.tenant.finish(await nightly.start(), results={"counts": {}})
    await nightly.ends("model.a")

    assert await nightly.told() == [killed.id]


async def test_what_is_not_reached_is_not_mended(nightly: Nightly):
    await nightly.ends()
    first = await nightly.ends("model.b")
    run = await nightly.start()
    results = {
        "counts": {"error": 1, "skipped": 1},
        "failed": [{"unique_id": "model.a"}],
        "failed_total": 1,
        "skipped_ids": ["model.b"],
    }
    second = await nightly.tenant.finish(run, RunStatus.ERROR, results=results)
    await nightly.ends("model.b")

    assert await nightly.told() == [first.id, second.id]


async def test_another_jobs_failures_are_its_own(nightly: Nightly):
    await nightly.ends()
    await nightly.ends(job_name="hourly")
    first = await nightly.ends("model.a")
    other = await nightly.ends("model.a", job_name="hourly")

    assert await nightly.told() == [first.id, other.id]


async def test_a_lost_run_is_new_and_its_late_end_too_if_nodes_failed(nightly: Nightly):
    await nightly.ends()
    run = await nightly.start()
    nightly.tenant.clock.advance(timedelta(minutes=5))
    await give_up_silent_runs(nightly.tenant.store, nightly.tenant.clock)
    await nightly.ends("model.a", run=run)
    await nightly.ends("model.a")

    assert await nightly.told() == [run.id, run.id]


async def test_runs_that_end_in_one_transaction_are_compared_in_their_order(nightly: Nightly):
    await nightly.ends()
    runs = [await nightly.start() for _ in range(4)]

    await asyncio.gather(*(nightly.ends("model.a", run=run) for run in runs))

    assert len(await nightly.told()) == 1


async def test_a_row_is_kept_of_each_job(nightly: Nightly):
    for failed in ((), ("model.a",), ()):
        await nightly.ends(*failed)
        (kept,) = await rows_of(nightly.tenant.store, job_failures)
        assert (kept.ids, kept.is_whole) == ([*failed], True)


async def test_a_job_that_goes_well_locks_and_writes_nothing(nightly: Nightly):
    await nightly.ends()
    with all_statements() as statements:
        await nightly.ends()

    about = [one for one in statements if "job_failures" in one]
    assert len(about) == 1
    assert about[0].startswith("SELECT")
    assert "FOR UPDATE" not in about[0]


async def test_a_webhook_can_hear_of_warnings_only(tenant: Tenant):
    webhook = await tenant.webhook(
        event_types=[*ENDS, "job.run.started"], result_filter=["warnings"]
    )
    await tenant.finish(await tenant.start("run-1"), results={"counts": {"success": 2}})
    warned = await tenant.finish(await tenant.start("run-2"), results={"counts": {"warn": 1}})

    told = [(one.run_id, one.event_type.value) for one in await tenant.deliveries(webhook)]
    assert [run_id for run_id, type_ in told if type_ == "job.run.completed"] == [warned.id]
    assert [type_ for _, type_ in told].count("job.run.started") == 2
