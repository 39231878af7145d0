"""A worker that records must hold its claim still; one that is over goes back to the queue."""

import asyncio
from datetime import timedelta

import pytest

from runhook.domain.deliveries.delivery import Claim, Delivery, DeliveryState
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.deliveries.claims import (
    end_attempts,
    hold_claims,
    release_claims,
    renew_claims,
    return_abandoned,
    return_all_claimed,
)
from runhook.storage.deliveries.rows import return_to_queue
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import attempts, deliveries
from tests.storage.claiming import LEASE, a_failed_attempt, claim
from tests.support.accounts import Tenant, claims_of, rows_of
from tests.support.clock import ManualClock

PENDING = (DeliveryState.PENDING, None)
MOMENT = timedelta(microseconds=1)


BOTH = pytest.mark.parametrize("successor", ["late", "another"])
"""Who claims what the late worker lost: the same worker, or another one."""


async def test_a_claim_is_held_until_it_is_returned(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="slow")
    clock.advance(LEASE)

    async with store.write() as tx:
        assert await hold_claims(tx, [claimed.claim]) == {claimed.claim}
        await return_abandoned(tx)
        assert await hold_claims(tx, [claimed.claim]) == set()


async def lose(store: Store, clock: ManualClock, webhook: Webhook, successor: str) -> Delivery:
    """Claim a webhook's delivery, let the lease end, and let the successor claim it again."""
    (lost,) = await claim(store, {webhook.id: 1}, owner="late")
    clock.advance(LEASE)
    async with store.write() as tx:
        await return_abandoned(tx)
    (claimed,) = await claim(store, {webhook.id: 1}, owner=successor)
    assert claimed.id == lost.id
    return lost


@BOTH
async def test_a_lost_claim_is_neither_held_nor_renewed_nor_given_back_nor_ended(
    tenant: Tenant, store: Store, clock: ManualClock, successor: str
):
    webhook = await tenant.webhook()
    await tenant.start()
    lost = await lose(store, clock, webhook, successor)
    before = await rows_of(store, deliveries)
    clock.advance(MOMENT)

    async with store.write() as tx:
        held = await hold_claims(tx, [lost.claim])
        renewed = await renew_claims(tx, [lost.claim], LEASE)
        await release_claims(tx, [lost.claim])
        ended = await end_attempts(tx, [a_failed_attempt(lost.claim)])

    assert (held, renewed, ended) == (set(), set(), set())
    assert await rows_of(store, deliveries) == before
    assert await rows_of(store, attempts) == []


@BOTH
async def test_of_two_claims_of_a_delivery_asked_for_together_the_later_one_is_held(
    tenant: Tenant, store: Store, clock: ManualClock, successor: str
):
    webhook = await tenant.webhook()
    await tenant.start()
    lost = (await lose(store, clock, webhook, successor)).claim
    held = Claim(lost.delivery_id, lost.number + 1)

    for asked in ([lost, held], [held, lost]):
        async with store.write() as tx:
            assert await hold_claims(tx, asked) == {held}
            assert await renew_claims(tx, asked, LEASE) == {held}


async def test_a_delivery_that_is_redelivered_has_a_new_claim(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.start()
    (first,) = await claim(store, {webhook.id: 1})
    async with store.write() as tx:
        await end_attempts(tx, [a_failed_attempt(first.claim)])
        state = DeliveryState.FAILED
        assert await return_to_queue(tx, webhook.account_id, first.id, state)

    (second,) = await claim(store, {webhook.id: 1})

    assert second.claim == Claim(first.id, first.claim_number + 1)


async def renew(store: Store, *claims: Claim) -> set[Claim]:
    """Renew claims as a worker does."""
    async with store.write() as tx:
        return await renew_claims(tx, claims, LEASE)


async def test_a_renewed_claim_lasts_a_whole_lease_from_then_on(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="busy")
    clock.advance(LEASE - MOMENT)

    assert await renew(store, claimed.claim) == {claimed.claim}

    clock.advance(LEASE - MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 0
    clock.advance(MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 1


async def test_a_late_worker_that_nobody_replaced_goes_on(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start()
    (claimed,) = await claim(store, {webhook.id: 1}, owner="late")
    clock.advance(2 * LEASE)

    assert await renew(store, claimed.claim) == {claimed.claim}


async def test_only_what_is_asked_for_is_renewed_however_much_it_is(
    tenant: Tenant, store: Store, clock: ManualClock
):
    """A delivery that could not be recorded is no longer held, and must end."""
    webhook = await tenant.webhook()
    many = 502
    await asyncio.gather(*(tenant.start(f"run-{number}") for number in range(many)))
    *kept, left = await claim(store, {webhook.id: many}, owner="busy")
    clock.advance(LEASE - MOMENT)

    renewed = await renew(store, *(one.claim for one in kept))

    clock.advance(MOMENT)
    async with store.write() as tx:
        assert await return_abandoned(tx) == 1
    assert renewed == {one.claim for one in kept}
    assert (await claims_of(store)).count(PENDING) == 1
    assert left.claim not in renewed


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

    (after,) = await rows_of(store, deliveries)
    assert after._asdict() == {**before._asdict(), "claim_number": before.claim_number + 1}


async def test_a_worker_gives_back_only_what_it_holds(
    tenant: Tenant, store: Store, clock: ManualClock
):
    webhook = await tenant.webhook()
    await tenant.start("run-1")
    (mine,) = await claim(store, {webhook.id: 1}, owner="me")
    clock.advance(MOMENT)
    await tenant.start("run-2")
    await claim(store, {webhook.id: 1}, owner="another")

    async with store.write() as tx:
        await release_claims(tx, [mine.claim])

    assert await claims_of(store) == [PENDING, (DeliveryState.SENDING, "another")]


async def test_the_only_process_takes_back_all_claims_when_it_starts(tenant: Tenant, store: Store):
    webhook = await tenant.webhook()
    await tenant.start("run-1")
    await tenant.start("run-2")
    await claim(store, {webhook.id: 2}, owner="killed")

    async with store.write() as tx:
        assert await return_all_claimed(tx) == 2

    assert await claims_of(store) == [PENDING, PENDING]
