"""A claim takes what is due, for one owner, as much of each webhook as there are places."""

import asyncio
from datetime import timedelta

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.storage.deliveries.waiting import Waiting, waiting_webhooks
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries
from tests.storage.claiming import LEASE, claim, fail_first_attempt
from tests.support.accounts import Tenant, claims_of, rows_of
from tests.support.clock import ManualClock
from tests.support.databases import open_store


async def start_runs(tenant: Tenant, count: int) -> None:
    """Report that many runs started, all at once."""
    await asyncio.gather(*(tenant.start(f"run-{number}") for number in range(count)))


async def test_what_was_just_published_is_due_at_once(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    run = await tenant.start()

    (claimed,) = await claim(store, {webhook.id: 1})

    delivery = await tenant.delivery(webhook)
    assert (claimed.id, claimed.run_id, claimed.webhook_id, claimed.attempt_count) == (
        delivery.id,
        run.id,
        webhook.id,
        0,
    )
    assert claimed.rendered.body == delivery.body


async def test_a_claim_is_a_lease_with_an_owner(tenant: Tenant, store: Store, clock: ManualClock):
    webhook = await tenant.webhook()
    await tenant.start()

    await claim(store, {webhook.id: 1}, owner="worker 7")

    (row,) = await rows_of(store, deliveries)
    assert (row.state, row.claimed_by) == (DeliveryState.SENDING, "worker 7")
    assert row.claimed_until == clock.now() + LEASE


async def test_what_is_claimed_is_not_claimed_again(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.start()

    first = await claim(store, {webhook.id: 10})
    second = await claim(store, {webhook.id: 10}, owner="another worker")

    assert len(first) == 1
    assert second == []


async def test_nothing_is_claimed_before_it_is_due(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1})
    await fail_first_attempt(store, claimed, retry=timedelta(seconds=10))

    clock.advance(timedelta(seconds=10) - timedelta(microseconds=1))
    assert await claim(store, {webhook.id: 1}) == []
    clock.advance(timedelta(microseconds=1))
    (retried,) = await claim(store, {webhook.id: 1})

    assert (retried.id, retried.attempt_count) == (claimed.id, 1)


async def test_takes_no_more_of_a_webhook_than_it_has_places_for(tenant: Tenant, store: Store):
    narrow = await tenant.webhook()
    wide = await tenant.webhook()
    await start_runs(tenant, 10)

    claimed = await claim(store, {narrow.id: 2, wide.id: 7})

    webhooks = [one.webhook_id for one in claimed]
    assert (webhooks.count(narrow.id), webhooks.count(wide.id)) == (2, 7)


async def test_leaves_webhooks_alone_that_it_was_not_asked_for(tenant: Tenant, store: Store):
    wanted = await tenant.webhook()
    other = await tenant.webhook()
    await tenant.start()

    claimed = await claim(store, {wanted.id: 10})

    assert [one.webhook_id for one in claimed] == [wanted.id]
    assert await tenant.states(other) == [DeliveryState.PENDING]


async def test_takes_the_oldest_first(tenant: Tenant, store: Store, clock: ManualClock):
    webhook = await tenant.webhook()
    for number in range(5):
        await tenant.start(f"run-{number}")
        clock.advance(timedelta(seconds=1))

    claimed = await claim(store, {webhook.id: 3})

    oldest = [one.id for one in await tenant.deliveries(webhook)][:3]
    assert [one.id for one in claimed] == oldest


async def test_a_thousand_waiting_for_one_webhook_keep_nothing_from_another(
    tenant: Tenant, store: Store, clock: ManualClock
):
    busy = await tenant.webhook()
    await start_runs(tenant, 1_000)
    clock.advance(timedelta(minutes=1))
    quiet = await tenant.webhook()
    await tenant.start("the quiet one's only run")

    claimed = await claim(store, {busy.id: 32, quiet.id: 32})

    webhooks = [one.webhook_id for one in claimed]
    assert (webhooks.count(busy.id), webhooks.count(quiet.id)) == (32, 1)


async def test_two_owners_never_claim_the_same_delivery(
    tenant: Tenant, database_url: str, clock: ManualClock
):
    webhook = await tenant.webhook()
    await start_runs(tenant, 120)

    async def work(owner: str) -> list[str]:
        store = open_store(database_url, clock=clock.as_sql())
        mine: list[str] = []
        while claimed := await claim(store, {webhook.id: 7}, owner=owner):
            mine += [one.id for one in claimed]
        await store.close()
        return mine

    shares = await asyncio.gather(*(work(f"worker {number}") for number in range(4)))

    everything = [one for share in shares for one in share]
    # On PostgreSQL a worker may end early: what others are just claiming is passed over.
    everything += [one.id for one in await claim(tenant.store, {webhook.id: 120})]
    assert len(everything) == 120
    assert len(set(everything)) == 120


async def test_tells_who_waits_and_how_long(tenant: Tenant, store: Store, clock: ManualClock):
    due = await tenant.webhook()
    await tenant.start("run-1")
    clock.advance(timedelta(seconds=5))
    retried = await tenant.webhook(job_ids=[(await tenant.start("run-2")).job.id])
    await tenant.start("run-3")
    (claimed,) = await claim(store, {retried.id: 1})
    await fail_first_attempt(store, claimed, retry=timedelta(seconds=60))
    await tenant.webhook(name="has nothing")

    async with store.read() as tx:
        waiting = await waiting_webhooks(tx)

    pauses = {due.id: timedelta(seconds=-5), retried.id: timedelta(seconds=60)}
    assert waiting == {
        webhook_id: Waiting(account_id=tenant.account_id, pause=pause, due_at=clock.now() + pause)
        for webhook_id, pause in pauses.items()
    }


async def test_nobody_waits_in_an_empty_database(tenant: Tenant, store: Store):
    async with store.read() as tx:
        waiting = await waiting_webhooks(tx)

    assert waiting == {}
    assert await claims_of(store) == []
