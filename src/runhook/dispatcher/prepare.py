"""From a claimed delivery to the request that attempts it."""

from datetime import datetime

from runhook.domain.signature import sign
from runhook.operations.attempt import Claimed
from runhook.outbound.sender import Request


def prepare(claimed: Claimed, *, now: datetime) -> Request:
    """Return the request: the delivery's own bytes, signed for this attempt."""
    delivery, endpoint = claimed.delivery, claimed.endpoint
    return Request(
        url=endpoint.client_url,
        headers={
            "Content-Type": "application/json",
            **sign(endpoint.secrets, message_id=delivery.id, timestamp=now, body=delivery.body),
        },
        body=delivery.body,
    )
