"""Attempt deliveries: claim them, and record what came of it.

The sending lies in between, outside any transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from runhook.clock import Clock
from runhook.domain.deliveries import Attempt, Delivery, DeliveryId, DeliveryState, Lease
from runhook.domain.judging import (
    GONE_REASON,
    EndpointGone,
    GivenUp,
    Retry,
    Succeeded,
    Verdict,
)
from runhook.domain.webhooks import Endpoint, WebhookId
from runhook.storage.claims import (
    Ending,
    claim_due,
    end_attempts,
    hold_claims,
    release_claims,
    return_abandoned,
    return_all_claimed,
    stranded_webhooks,
    waiting_webhooks,
)
from runhook.storage.deliveries import cancel_pending_of_inactive
from runhook.storage.store import Store, Transaction
from runhook.storage.webhooks import deactivate_webhooks, find_endpoints, note_dispatches


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send, and where it goes now."""

    delivery: Delivery
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Judged:
    """An attempt of a claimed delivery, and what we decided.

    ``endpoint`` is where it was sent, which need not be where the webhook is now.
    """

    delivery: Delivery
    endpoint: Endpoint
    attempt: Attempt
    verdict: Verdict


async def look(store: Store) -> Mapping[WebhookId, timedelta]:
    """Return the webhooks with something pending, and how long until it is due."""
    async with store.read() as tx:
        return await waiting_webhooks(tx)


async def claim(
    store: Store, lanes: Mapping[WebhookId, int], lease: Lease, clock: Clock
) -> Sequence[Claimed]:
    """Claim what is due, up to so many for each webhook of ``lanes``, with fresh endpoints."""
    async with store.write() as tx:
        deliveries = await claim_due(tx, lanes, lease)
        if not deliveries:
            return []
        endpoints = await find_endpoints(tx, {one.webhook_id for one in deliveries})
        orphans = [one for one in deliveries if one.webhook_id not in endpoints]
        if orphans:
            # The webhook was deactivated or deleted while we claimed.
            await release_claims(tx, [one.id for one in orphans], lease.owner)
            await cancel_pending_of_inactive(
                tx, {one.webhook_id for one in orphans}, now=clock.now()
            )
    return [
        Claimed(one, endpoints[one.webhook_id]) for one in deliveries if one.webhook_id in endpoints
    ]


async def record(
    store: Store, owner: str, judged: Sequence[Judged], clock: Clock
) -> Sequence[bool]:
    """Record attempts; for each, say whether it counted.

    One whose lease was lost meanwhile changes nothing: another worker has the delivery.
    """
    now = clock.now()
    async with store.write() as tx:
        held = await hold_claims(tx, [one.delivery.id for one in judged], owner)
        kept = [one for one in judged if one.delivery.id in held]
        if kept:
            # First the webhooks, whose rows a deactivation locks too: it sees what we return to
            # the queue, or we see that it was there.
            await note_dispatches(tx, latest_answers(kept))
            gone = await gone_webhooks(tx, kept)
            if gone:
                await deactivate_webhooks(tx, gone, reason=GONE_REASON, now=now)
            await end_attempts(tx, [ending_of(one) for one in kept])
            retried = {one.delivery.webhook_id for one in kept if isinstance(one.verdict, Retry)}
            if gone | retried:
                await cancel_pending_of_inactive(tx, gone | retried, now=tx.now)
    return [one.delivery.id in held for one in judged]


async def gone_webhooks(tx: Transaction, judged: Sequence[Judged]) -> set[WebhookId]:
    """Return the webhooks whose endpoint is gone; those that have moved since are not."""
    gone = [one for one in judged if one.verdict == EndpointGone()]
    if not gone:
        return set()
    endpoints = await find_endpoints(tx, {one.delivery.webhook_id for one in gone})
    return {
        one.endpoint.webhook_id
        for one in gone
        if one.endpoint.webhook_id in endpoints
        and one.endpoint.client_url == endpoints[one.endpoint.webhook_id].client_url
    }


def latest_answers(judged: Sequence[Judged]) -> dict[WebhookId, tuple[datetime, int]]:
    """Return each webhook's latest attempt here, and what it answered (0 for nothing)."""
    latest = {}
    for one in sorted(judged, key=lambda one: one.attempt.sent_at):
        latest[one.delivery.webhook_id] = (
            one.attempt.sent_at,
            one.attempt.outcome.status_code or 0,
        )
    return latest


def ending_of(judged: Judged) -> Ending:
    """Return what the verdict makes of the delivery."""
    match judged.verdict:
        case Succeeded():
            return Ending(attempt=judged.attempt, state=DeliveryState.SUCCEEDED)
        case Retry(delay):
            return Ending(attempt=judged.attempt, state=DeliveryState.PENDING, delay=delay)
        case GivenUp() | EndpointGone():
            return Ending(attempt=judged.attempt, state=DeliveryState.FAILED)
        case unknown:
            assert_never(unknown)


async def release(store: Store, owner: str, delivery_ids: Sequence[DeliveryId]) -> None:
    """Give back deliveries that were claimed and not sent."""
    async with store.write() as tx:
        await release_claims(tx, delivery_ids, owner)


async def rescue(store: Store) -> int:
    """Return to the queue what is held by workers whose lease is over; say how much.

    A webhook can be deactivated while its deliveries are held, or are being published. What comes
    to the queue after that is canceled here: nobody would claim it.
    """
    async with store.write() as tx:
        returned = await return_abandoned(tx)
        stranded = await stranded_webhooks(tx)
        if stranded:
            await cancel_pending_of_inactive(tx, stranded, now=tx.now)
    return returned


async def rescue_all(store: Store) -> int:
    """Return to the queue all that is held, where no worker can be alive; say how much."""
    async with store.write() as tx:
        return await return_all_claimed(tx)
