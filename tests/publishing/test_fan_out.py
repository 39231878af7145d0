"""Each webhook that wants an event owes a delivery of it, and no other does."""

import json

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.tables import events
from tests.support.accounts import Tenant, rows_of
from tests.support.waking import listening_to


async def types_of(tenant: Tenant, webhook: Webhook) -> list[EventType]:
    """Which events a webhook owes deliveries of, in order."""
    return sorted(one.event_type for one in await tenant.deliveries(webhook))


async def test_a_run_that_succeeds_is_told_as_started_and_completed(tenant: Tenant):
    webhook = await tenant.webhook()

    await tenant.finish(await tenant.start())

    assert await types_of(tenant, webhook) == sorted([EventType.STARTED, EventType.COMPLETED])


async def test_a_run_that_fails_is_told_as_errored_and_as_completed(tenant: Tenant):
    webhook = await tenant.webhook()

    await tenant.finish(await tenant.start(), RunStatus.ERROR)

    assert await types_of(tenant, webhook) == sorted(
        [EventType.STARTED, EventType.ERRORED, EventType.COMPLETED]
    )


async def test_a_run_that_is_canceled_is_told_as_canceled_only(tenant: Tenant):
    webhook = await tenant.webhook()

    await tenant.finish(await tenant.start(), RunStatus.CANCELLED)

    assert await types_of(tenant, webhook) == sorted([EventType.STARTED, EventType.CANCELED])


async def test_every_webhook_gets_a_delivery_of_its_own(tenant: Tenant):
    first = await tenant.webhook(name="First")
    second = await tenant.webhook(name="Second", payload_version=PayloadVersion.V2023_02)

    await tenant.start()

    to_first, to_second = await tenant.delivery(first), await tenant.delivery(second)
    assert to_first.id != to_second.id
    assert json.loads(to_first.body)["event_id"] == to_first.id
    assert json.loads(to_first.body)["data"]["webhook_name"] == "First"
    assert json.loads(to_second.body)["eventId"] == to_second.id
    assert json.loads(to_second.body)["webhookName"] == "Second"


async def test_only_a_webhook_that_asked_for_results_gets_them(tenant: Tenant):
    completed = ["job.run.completed"]
    plain = await tenant.webhook(event_types=completed)
    asking = await tenant.webhook(event_types=completed, include_results=True)

    run = await tenant.finish(await tenant.start(), results={"counts": {"success": 2}})

    data = json.loads((await tenant.delivery(asking)).body)["data"]
    assert (data["node_counts"], data["run_url"]) == (
        {"success": 2},
        f"https://runhook.example.com/accounts/1/runs/{run.id}",
    )
    assert "node_counts" not in json.loads((await tenant.delivery(plain)).body)["data"]


async def test_a_webhook_gets_only_the_events_it_asked_for(tenant: Tenant):
    webhook = await tenant.webhook(event_types=["job.run.errored"])

    await tenant.finish(await tenant.start(), RunStatus.ERROR)

    assert await types_of(tenant, webhook) == [EventType.ERRORED]


async def test_a_webhook_gets_only_the_jobs_it_asked_for(tenant: Tenant):
    nightly = await tenant.start("run-1", job_name="nightly")
    webhook = await tenant.webhook(job_ids=[nightly.job.id])

    again = await tenant.start("run-2", job_name="nightly")
    await tenant.start("run-3", job_name="hourly")

    assert [one.run_id for one in await tenant.deliveries(webhook)] == [again.id]


async def test_an_inactive_webhook_gets_a_delivery_that_is_skipped(tenant: Tenant):
    webhook = await tenant.webhook(active=False)

    await tenant.start()

    delivery = await tenant.delivery(webhook)
    assert (delivery.state, delivery.next_attempt_at) == (DeliveryState.SKIPPED, None)
    assert json.loads(delivery.body)["event_type"] == "job.run.started"


async def test_a_run_that_no_webhook_asked_for_is_kept_with_its_events_and_owes_nothing(
    tenant: Tenant,
):
    webhook = await tenant.webhook(event_types=["job.run.canceled"])

    run = await tenant.finish(await tenant.start())

    told = [row.type for row in await rows_of(tenant.store, events) if row.run_id == run.id]
    assert run.status is RunStatus.SUCCESS
    assert sorted(told) == sorted([EventType.STARTED, EventType.COMPLETED])
    assert await tenant.deliveries(webhook) == []


async def test_a_deleted_webhook_gets_nothing(tenant: Tenant):
    webhook = await tenant.webhook()
    await tenant.remove(webhook)

    await tenant.start()

    assert await tenant.deliveries(webhook) == []


async def test_another_accounts_webhook_gets_nothing(tenant: Tenant, stranger: Tenant):
    webhook = await stranger.webhook()

    await tenant.start()

    assert await stranger.deliveries(webhook) == []


async def test_what_happened_before_a_webhook_was_made_is_not_told_to_it(tenant: Tenant):
    run = await tenant.start()
    webhook = await tenant.webhook()

    await tenant.finish(run)

    assert await types_of(tenant, webhook) == [EventType.COMPLETED]


async def test_the_dispatcher_is_woken_only_if_there_is_something_to_send(tenant: Tenant):
    async with listening_to(tenant.store) as wakes:
        await tenant.start("nobody listens")
        await tenant.webhook(active=False)
        await tenant.start("somebody used to")
        assert wakes.count == 0

        await tenant.webhook()
        await tenant.start("somebody listens")
        assert wakes.count == 1
