"""New ids: a prefix and a KSUID, as dbt Cloud's are. They sort by the time they were made."""

import secrets
from datetime import datetime, timedelta

from ksuid import Ksuid

from runhook.domain.deliveries.redeliveries import RedeliveryId
from runhook.domain.messages.telling import DeliveryId, WebhookId

POSITION_BYTES = 3
RANDOM_BYTES = 10


def new_account_identifier(now: datetime) -> str:
    """Make an account's identifier."""
    return f"act_{Ksuid(now)}"


def new_webhook_id(now: datetime, chance: bytes | None = None) -> WebhookId:
    """Make a webhook's id; ``chance`` is 16 bytes that cannot be guessed."""
    return WebhookId(f"wsu_{Ksuid(now, chance)}")


def new_redelivery_id(now: datetime) -> RedeliveryId:
    """Make a redelivery's id."""
    return RedeliveryId(f"wrd_{Ksuid(now)}")


def new_delivery_id(now: datetime, position: int) -> DeliveryId:
    """Make a delivery's id, which sorts after those made before it.

    A KSUID knows seconds only; the first of its random bytes therefore hold the microsecond, and
    the delivery's position among those of its batch. 80 random bits remain.
    """
    payload = (
        now.microsecond.to_bytes(3, "big")
        + position.to_bytes(POSITION_BYTES, "big")
        + secrets.token_bytes(RANDOM_BYTES)
    )
    return DeliveryId(f"wev_{Ksuid(now, payload)}")


def first_delivery_id_of(second: datetime) -> DeliveryId:
    """Smallest id of deliveries made in ``second`` or later."""
    return DeliveryId(
        f"wev_{Ksuid(second - timedelta(microseconds=second.microsecond), bytes(16))}"
    )
