"""Of one run's events to one webhook, a later one waits for the earlier one's first attempt."""

from datetime import timedelta

from runhook.domain.deliveries.delivery import Delivery
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.store import Store
from tests.storage.claiming import claim, fail_first_attempt
from tests.support.accounts import Tenant
from tests.support.clock import ManualClock

A_WHILE = timedelta(seconds=1)
AN_HOUR = timedelta(hours=1)


async def claim_all(store: Store, webhook: Webhook) -> list[Delivery]:
    """Claim whatever can be claimed of a webhook."""
    return list(await claim(store, {webhook.id: 100}))


async def test_a_later_event_waits_while_the_earlier_one_is_pending(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.finish(await tenant.start())

    claimed = await claim_all(store, webhook)

    assert [one.event_type for one in claimed] == [EventType.STARTED]


async def test_a_later_event_waits_while_the_earlier_one_is_being_sent(
    tenant: Tenant, store: Store
):
    webhook = await tenant.webhook()
    await tenant.finish(await tenant.start())
    await claim_all(store, webhook)

    assert await claim_all(store, webhook) == []


async def test_a_later_event_is_claimable_after_the_earlier_ones_first_attempt(
    tenant: Tenant, store: Store
):
    """Even a failed one: a failing "started" never holds back "completed"."""
    webhook = await tenant.webhook()
    await tenant.finish(await tenant.start())
    (started,) = await claim_all(store, webhook)
    await fail_first_attempt(store, started, retry=AN_HOUR)

    claimed = await claim_all(store, webhook)

    assert [one.event_type for one in claimed] == [EventType.COMPLETED]


async def test_an_earlier_event_that_is_retried_holds_nothing_back(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.finish(await tenant.start())
    (started,) = await claim_all(store, webhook)
    await fail_first_attempt(store, started, retry=A_WHILE)
    clock.advance(A_WHILE)

    claimed = await claim_all(store, webhook)

    assert {one.event_type for one in claimed} == {EventType.STARTED, EventType.COMPLETED}


async def test_each_event_of_a_failed_run_waits_for_the_one_before(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.finish(await tenant.start(), RunStatus.ERROR)

    order = []
    while claimed := await claim_all(store, webhook):
        (only,) = claimed
        order.append(only.event_type)
        await fail_first_attempt(store, only, retry=AN_HOUR)

    assert order == [EventType.STARTED, EventType.ERRORED, EventType.COMPLETED]


async def test_other_runs_are_not_held(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    first = await tenant.finish(await tenant.start("run-1"))
    second = await tenant.start("run-2")

    claimed = await claim_all(store, webhook)

    assert {one.run_id for one in claimed} == {first.id, second.id}


async def test_other_webhooks_are_not_held(tenant: Tenant, store: Store):
    await tenant.webhook()
    only_endings = await tenant.webhook(event_types=[EventType.COMPLETED.value])
    await tenant.finish(await tenant.start())

    claimed = await claim_all(store, only_endings)

    assert [one.event_type for one in claimed] == [EventType.COMPLETED]


async def test_an_earlier_event_that_was_skipped_holds_nothing_back(tenant: Tenant, store: Store):
    webhook = await tenant.webhook(active=False)
    run = await tenant.start()
    await tenant.activate(webhook)
    await tenant.finish(run)

    claimed = await claim_all(store, webhook)

    assert [one.event_type for one in claimed] == [EventType.COMPLETED]
