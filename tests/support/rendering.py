"""The bytes of deliveries that were never made."""

from runhook.domain import payload
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.events import Event
from runhook.domain.webhooks.webhook import Webhook


def render(
    event: Event | Notice, webhook: Webhook, delivery_id: DeliveryId, public_url: str | None = None
) -> bytes:
    """The body of an event for a webhook, as dbt Cloud's."""
    return payload.render_payload(event, webhook.telling(delivery_id, public_url=public_url))
