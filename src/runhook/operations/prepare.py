"""From a delivery to the request that attempts it."""

from collections.abc import Mapping
from datetime import datetime

from runhook.domain.declaring import MASK
from runhook.domain.deliveries import Attempt, AttemptTrigger, DeliveryId
from runhook.domain.judging import Outcome
from runhook.domain.signature import sign
from runhook.domain.webhooks import Endpoint
from runhook.outbound.sender import Request


def prepare(endpoint: Endpoint, *, delivery_id: DeliveryId, body: bytes, now: datetime) -> Request:
    """Return the request: the delivery's own bytes, signed for this attempt."""
    return Request(
        url=endpoint.client_url,
        headers={
            "Content-Type": "application/json",
            **endpoint.options.custom_headers,
            **sign(endpoint.secrets, message_id=delivery_id, timestamp=now, body=body),
        },
        body=body,
    )


def attempt_of(
    request: Request,
    endpoint: Endpoint,
    outcome: Outcome,
    *,
    delivery_id: DeliveryId,
    number: int,
    trigger: AttemptTrigger,
    sent_at: datetime,
) -> Attempt:
    """Return what is logged of a request that was sent; headers of the owner's are masked."""
    return Attempt(
        delivery_id=delivery_id,
        number=number,
        trigger=trigger,
        sent_at=sent_at,
        request_headers=shown(request.headers, endpoint),
        outcome=outcome,
    )


def shown(headers: Mapping[str, str], endpoint: Endpoint) -> dict[str, str]:
    """Return a request's headers as they may be logged and shown."""
    return {**headers, **dict.fromkeys(endpoint.options.custom_headers, MASK)}
