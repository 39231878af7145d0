"""A first report brings a job, its project and its environment into being, each once."""

import asyncio

from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import environments, jobs, projects
from tests.support.accounts import Tenant, a_start_report, rows_of
from tests.support.clock import ManualClock
from tests.support.databases import open_store


async def test_a_job_keeps_its_ids_from_run_to_run(tenant: Tenant):
    first = await tenant.start("run-1")
    later = await tenant.start("run-2")

    assert later.job == first.job


async def test_jobs_are_told_apart_by_project_environment_and_name(tenant: Tenant):
    base = await tenant.start("run-1")
    other_name = await tenant.start("run-2", job_name="hourly")
    other_environment = await tenant.start("run-3", environment_name="staging")
    other_project = await tenant.start("run-4", project_name="shop")

    everyone = [base.job, other_name.job, other_environment.job, other_project.job]
    assert len({job.id for job in everyone}) == 4
    assert other_name.job.environment_id == base.job.environment_id
    assert other_environment.job.environment_id != base.job.environment_id
    assert other_environment.job.project_id == base.job.project_id
    assert other_project.job.project_id != base.job.project_id


async def test_accounts_share_no_job_though_the_names_are_equal(tenant: Tenant, stranger: Tenant):
    mine = await tenant.start()
    theirs = await stranger.start()

    assert mine.job.id != theirs.job.id
    assert mine.job.project_id != theirs.job.project_id
    assert mine.job.environment_id != theirs.job.environment_id


async def test_many_first_reports_in_one_batch_register_each_job_once(tenant: Tenant, store: Store):
    started = await asyncio.gather(
        *(tenant.start(f"run-{number}", job_name=f"job {number % 3}") for number in range(30))
    )

    assert len({run.job.id for run in started}) == 3
    assert len(await rows_of(store, jobs)) == 3
    assert len(await rows_of(store, environments)) == len(await rows_of(store, projects)) == 1


async def test_replicas_that_see_new_jobs_at_once_register_each_once(
    tenant: Tenant, database_url: str, store: Store, clock: ManualClock
):
    async def replica(name: str) -> dict[str, int]:
        own_store = open_store(database_url, clock=clock.as_sql())
        publisher = Publisher(own_store, clock)
        reports = [
            a_start_report(
                f"{name} {number}", job_name=f"job {number}", project_name=f"project {number % 3}"
            )
            for number in range(12)
        ]
        answers = await asyncio.gather(
            *(publisher.publish(Start(tenant.account_id, report)) for report in reports)
        )
        await own_store.close()
        return {answer.run.job.name: answer.run.job.id for answer in answers}

    first, second, third = await asyncio.gather(replica("one"), replica("two"), replica("three"))

    assert first == second == third
    assert len(await rows_of(store, jobs)) == 12
    assert len(await rows_of(store, projects)) == len(await rows_of(store, environments)) == 3
