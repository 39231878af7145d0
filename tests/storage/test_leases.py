"""Whoever records must still hold the claim; one whose time is over goes back to the queue."""

import asyncio
from datetime import timedelta

from runhook.domain.deliveries import DeliveryId, DeliveryState, Lease
from runhook.storage.claims import (
    RENEWED_AT_ONCE,
    hold_claims,
    release_claims,
    renew_claims,
    return_abandoned,
    return_all_claimed,
)
from runhook.storage.store import Store
from runhook.storage.tables import deliveries
from tests.storage.claiming import LEASE, claim
from tests.support.accounts import Tenant, claims_of, rows_of
from tests.support.clock import ManualClock

PENDING = (DeliveryState.PENDING, None)
MOMENT = timedelta(microseconds=1)


async def test_the_owner_holds_its_claim_and_nobody_else_does(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="owner")

    async with store.write() as tx:
        assert await hold_claims(tx, [claimed.id], "owner") == {claimed.id}
        assert await hold_claims(tx, [claimed.id], "another") == set()


async def test_a_claim_that_was_returned_is_not_held_any_more(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="slow")
    clock.advance(LEASE)

    async with store.write() as tx:
        await return_abandoned(tx)
        assert await hold_claims(tx, [claimed.id], "slow") == set()


async def renew(store: Store, delivery_ids: list[DeliveryId], owner: str) -> set[DeliveryId]:
    """Renew claims as a worker does."""
    async with store.write() as tx:
        return await renew_claims(tx, delivery_ids, Lease(owner=owner, duration=LEASE))


async def test_a_renewed_claim_lasts_a_whole_lease_from_then_on(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="busy")
    clock.advance(LEASE - MOMENT)

    assert await renew(store, [claimed.id], "busy") == {claimed.id}

    clock.advance(LEASE - MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 0
    clock.advance(MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 1


async def test_a_late_worker_cannot_renew_what_was_returned_or_another_one_has(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="late")
    clock.advance(LEASE)
    async with store.write() as tx:
        await return_abandoned(tx)
    of_nobody = await renew(store, [claimed.id], "late")
    await claim(store, {webhook.id: 1}, owner="quick")
    (before,) = await rows_of(store, deliveries)

    clock.advance(MOMENT)
    of_another = await renew(store, [claimed.id], "late")

    assert (of_nobody, of_another) == (set(), set())
    assert await rows_of(store, deliveries) == [before]


async def test_a_late_worker_that_nobody_replaced_goes_on(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="late")
    clock.advance(2 * LEASE)

    assert await renew(store, [claimed.id], "late") == {claimed.id}


async def test_only_what_is_asked_for_is_renewed_however_much_it_is(
    tenant: Tenant, store: Store, clock: ManualClock
):
    """What could not be recorded is held by nobody any more, and must end."""
    webhook = await tenant.webhook()
    many = RENEWED_AT_ONCE + 2
    await asyncio.gather(*(tenant.start(f"run-{number}") for number in range(many)))
    *kept, left = await claim(store, {webhook.id: many}, owner="busy")
    clock.advance(LEASE - MOMENT)

    renewed = await renew(store, [one.id for one in kept], "busy")

    clock.advance(MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 1
    assert renewed == {one.id for one in kept}
    assert (await claims_of(store)).count(PENDING) == 1
    assert left.id not in renewed


async def test_a_claim_is_returned_only_once_its_lease_is_over(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    await claim(store, {webhook.id: 1}, owner="dead")

    clock.advance(LEASE - MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 0
    assert await claims_of(store) == [(DeliveryState.SENDING, "dead")]

    clock.advance(MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 1
    assert await claims_of(store) == [PENDING]


async def test_what_is_returned_keeps_its_place_and_its_attempts(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (before,) = await rows_of(store, deliveries)
    await claim(store, {webhook.id: 1}, owner="dead")
    clock.advance(LEASE)

    async with store.write() as tx:
        await return_abandoned(tx)

    assert await rows_of(store, deliveries) == [before]


async def test_a_worker_gives_back_only_what_it_holds(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start("run-1")
    (mine,) = await claim(store, {webhook.id: 1}, owner="me")
    clock.advance(MOMENT)
    await tenant.start("run-2")
    (other,) = await claim(store, {webhook.id: 1}, owner="another")

    async with store.write() as tx:
        await release_claims(tx, [mine.id, other.id], "me")

    assert await claims_of(store) == [PENDING, (DeliveryState.SENDING, "another")]


async def test_the_only_process_takes_back_all_claims_when_it_starts(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.start("run-1")
    await tenant.start("run-2")
    await claim(store, {webhook.id: 2}, owner="killed")

    async with store.write() as tx:
        assert await return_all_claimed(tx) == 2

    assert await claims_of(store) == [PENDING, PENDING]
