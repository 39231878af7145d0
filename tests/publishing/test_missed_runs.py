"""Jobs that are expected to run, and what is told when they do not."""

import asyncio
import json
from datetime import timedelta

from runhook.dispatcher.watcher import GRACE, INTERVAL, job_watcher
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import JobId
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.context import Context
from runhook.operations.runs.expect import expect_job
from runhook.operations.runs.name_job import name_job
from runhook.operations.runs.reports import Start
from runhook.operations.runs.watch_jobs import tell_of_missed_runs
from runhook.storage.runs.expectations import find_expected
from runhook.storage.runs.jobs import JobName
from tests.support.accounts import SOMEBODY, Tenant, a_start_report
from tests.support.clock import ManualClock
from tests.support.databases import open_store
from tests.support.waking import listening_to

MISSED = ["job.run.missed"]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def expect(
    tenant: Tenant, every: str | None = "1 day", grace: str = "1 hour", job: int | None = None
) -> JobId:
    """Expect a job that has run once; return its id."""
    job_id = (await tenant.start()).job.id if job is None else JobId(job)
    expectation = None if every is None else Expectation.of(every, grace)
    await expect_job(
        Context(tenant.store, tenant.clock, SOMEBODY), tenant.account_id, job_id, expectation
    )
    return job_id


async def look(tenant: Tenant) -> int:
    """Look for missed runs; return how many jobs were told of."""
    return len(await tell_of_missed_runs(tenant.store, tenant.clock))


async def told(tenant: Tenant, webhook: Webhook) -> list[int]:
    """How many missed runs each notice counted, fewest first."""
    bodies = [json.loads(one.body) for one in await tenant.deliveries(webhook)]
    return sorted(body["data"]["missed_runs"] for body in bodies)


async def test_a_run_that_does_not_start_in_time_is_told_of_once(tenant: Tenant):
    webhook = await tenant.webhook(event_types=MISSED)
    others = await tenant.webhook(event_types=["job.run.started", "job.run.completed"])
    job_id = await expect(tenant)
    started_at = tenant.clock.now()
    tenant.clock.advance(DAY + HOUR - timedelta(seconds=1))
    assert await look(tenant) == 0

    tenant.clock.advance(timedelta(seconds=1))
    async with listening_to(tenant.store) as wakes:
        assert await look(tenant) == 1
        await wakes.wait_for(1)

    assert await look(tenant) == 0
    delivery = await tenant.delivery(webhook)
    data = json.loads(delivery.body)["data"]
    assert (delivery.event_type, delivery.job_id, delivery.run_id) == (MISSED[0], job_id, None)
    assert data["run_expected_at"] == f"{started_at + DAY:%Y-%m-%d %H:%M:%S}"
    assert (data["expected_every"], data["missed_runs"], data["last_run_id"]) == ("1 day", 1, "1")
    assert {one.event_type.value for one in await tenant.deliveries(others)} == {"job.run.started"}


async def test_a_job_that_has_never_run_is_told_of_as_well(tenant: Tenant):
    webhook = await tenant.webhook(event_types=MISSED)
    name = JobName(tenant.account_id, "shop", "prod", "weekly")
    job, _ = await name_job(Context(tenant.store, tenant.clock, SOMEBODY), name)
    await expect(tenant, job=job.id)
    tenant.clock.advance(DAY + HOUR)

    assert await look(tenant) == 1

    data = json.loads((await tenant.delivery(webhook)).body)["data"]
    told = (data["job_name"], data["missed_runs"], data["last_run_id"])
    assert told == ("weekly", 1, "")


async def test_it_is_told_again_after_each_interval_until_a_run_starts(tenant: Tenant):
    webhook = await tenant.webhook(event_types=MISSED)
    await expect(tenant)
    tenant.clock.advance(HOUR)
    for _ in range(3):
        tenant.clock.advance(DAY)
        assert await look(tenant) == 1
    assert await told(tenant, webhook) == [1, 2, 3]

    await tenant.start("run-2")
    tenant.clock.advance(DAY + HOUR - timedelta(seconds=1))
    assert await look(tenant) == 0
    tenant.clock.advance(timedelta(seconds=1))
    assert await look(tenant) == 1
    assert await told(tenant, webhook) == [1, 1, 2, 3]


async def test_each_start_puts_the_next_one_off(tenant: Tenant):
    await expect(tenant)
    for number in range(2, 5):
        tenant.clock.advance(DAY)
        await tenant.start(f"run-{number}")
        # Said again, it is the same run.
        await tenant.start(f"run-{number}")
        assert await look(tenant) == 0


async def test_a_late_report_counts_for_when_the_run_was(tenant: Tenant):
    job_id = await expect(tenant)
    begun_at = tenant.clock.now()
    tenant.clock.advance(3 * DAY)
    report = a_start_report("run-2")
    late = {name: getattr(report, name) for name in report.__slots__} | {
        "is_late": True,
        "started_at": begun_at + DAY,
    }

    await tenant.publisher.publish(Start(tenant.account_id, type(report)(**late)))

    async with tenant.store.read() as tx:
        expected = await find_expected(tx, tenant.account_id, job_id)
    assert expected is not None
    assert expected.missed_at == begun_at + 2 * DAY + HOUR
    assert await look(tenant) == 1


async def test_after_a_long_time_a_job_is_told_of_once_with_all_that_was_missed(tenant: Tenant):
    webhook = await tenant.webhook(event_types=MISSED)
    await expect(tenant)
    watching = job_watcher(tenant.store, tenant.clock)
    tenant.clock.advance(30 * DAY)

    pauses = [await watching.tick()]
    assert await told(tenant, webhook) == []
    tenant.clock.advance(GRACE)
    pauses += [await watching.tick(), await watching.tick()]

    assert pauses == [INTERVAL] * 3
    assert await told(tenant, webhook) == [29]


async def test_a_run_that_is_heard_of_after_an_outage_is_not_missed(tenant: Tenant):
    webhook = await tenant.webhook(event_types=MISSED)
    await expect(tenant)
    watching = job_watcher(tenant.store, tenant.clock)
    tenant.clock.advance(2 * DAY)
    await watching.tick()

    await tenant.start("run-2")
    tenant.clock.advance(GRACE)
    await watching.tick()

    assert await told(tenant, webhook) == []


async def test_a_job_that_is_no_longer_expected_is_not_missed(tenant: Tenant):
    job_id = await expect(tenant)
    await expect(tenant, None, job=job_id)
    tenant.clock.advance(9 * DAY)

    assert await look(tenant) == 0


async def test_saying_the_same_again_does_not_begin_anew(tenant: Tenant):
    job_id = await expect(tenant)
    tenant.clock.advance(DAY)
    await expect(tenant, "24 hours", "60 minutes", job=job_id)
    tenant.clock.advance(HOUR)

    assert await look(tenant) == 1

    await expect(tenant, "2 days", job=job_id)
    tenant.clock.advance(2 * DAY)
    assert await look(tenant) == 0


async def test_both_payload_versions_and_inactive_webhooks_have_their_delivery(tenant: Tenant):
    today = await tenant.webhook(event_types=MISSED, payload_version=PayloadVersion.V2023_02)
    inactive = await tenant.webhook(event_types=MISSED, active=False)
    await expect(tenant)
    tenant.clock.advance(2 * DAY)

    await look(tenant)

    data = json.loads((await tenant.delivery(today)).body)["data"]
    assert (data["jobName"], data["expectedEvery"], data["missedRuns"]) == ("nightly", "1 day", 1)
    assert (await tenant.delivery(inactive)).state == "skipped"


async def test_replicas_that_look_at_once_tell_of_each_job_once(
    tenant: Tenant, database_url: str, clock: ManualClock
):
    webhook = await tenant.webhook(event_types=MISSED)
    for number in range(10):
        run = await tenant.start(f"run-{number}", job_name=f"job-{number}")
        await expect(tenant, job=run.job.id)
    clock.advance(2 * DAY)

    async def replica() -> int:
        own_store = open_store(database_url, clock=clock.as_sql())
        found = await tell_of_missed_runs(own_store, clock)
        await own_store.close()
        return len(found)

    found = await asyncio.gather(replica(), replica(), replica())

    assert sum(found) == 10
    assert await told(tenant, webhook) == [1] * 10


async def test_a_missed_run_leads_to_the_last_one_where_people_read_of_it(tenant: Tenant):
    webhook = await tenant.webhook(event_types=MISSED, format="slack", rate_limit=None)
    await expect(tenant)
    tenant.clock.advance(DAY + HOUR)

    await tell_of_missed_runs(tenant.store, tenant.clock, public_url="https://runhook.example.com")

    body = (await tenant.delivery(webhook)).body.decode()
    assert "did not start in" in body
    assert f"https://runhook.example.com/accounts/{tenant.account_id}/runs/1" in body
