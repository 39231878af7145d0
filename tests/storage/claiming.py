"""Claiming as workers do it, a transaction at a time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from runhook.domain.deliveries.delivery import (
    Attempt,
    AttemptTrigger,
    Claim,
    Delivery,
    DeliveryState,
    Lease,
)
from runhook.domain.deliveries.judging import FailureReason, Outcome
from runhook.domain.messages.telling import WebhookId
from runhook.storage.deliveries.claims import AttemptEnd, claim_due, end_attempts
from runhook.storage.engine.store import Store
from tests.support.clock import START

LEASE = timedelta(seconds=30)
FAILED = Outcome(
    duration=timedelta(seconds=1), status_code=500, failure=FailureReason.HTTP_STATUS, error="No."
)


async def claim(
    store: Store, lanes: Mapping[WebhookId, int], *, owner: str = "a worker"
) -> Sequence[Delivery]:
    """Claim what is due for ``owner``."""
    async with store.write() as tx:
        return await claim_due(tx, lanes, Lease(owner=owner, duration=LEASE))


def a_failed_attempt(claim: Claim, *, retry: timedelta | None = None) -> AttemptEnd:
    """The end of a claimed delivery's first attempt, which failed; None if none follows."""
    attempt = Attempt(
        delivery_id=claim.delivery_id,
        number=1,
        trigger=AttemptTrigger.SCHEDULED,
        sent_at=START,
        request_headers={},
        outcome=FAILED,
    )
    state = DeliveryState.FAILED if retry is None else DeliveryState.PENDING
    return AttemptEnd(claim=claim, attempt=attempt, state=state, delay=retry)


async def fail_first_attempt(store: Store, claimed: Delivery, *, retry: timedelta) -> None:
    """Record that a claimed delivery's first attempt failed and is to be retried."""
    async with store.write() as tx:
        await end_attempts(tx, [a_failed_attempt(claimed.claim, retry=retry)])
