"""The bytes an endpoint receives, rendered once, when the event happens.

The wire's names live here, in one module per payload version, and nowhere else in the domain.
"""

import json

from runhook.domain.deliveries import DeliveryId
from runhook.domain.events import Event
from runhook.domain.payload import v2022_05, v2023_02
from runhook.domain.webhooks import PayloadVersion, Webhook

RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render,
    PayloadVersion.V2023_02: v2023_02.render,
}


def render(event: Event, webhook: Webhook, delivery_id: DeliveryId) -> bytes:
    """Return the final body of ``event`` for ``webhook``, in the version the webhook chose."""
    payload = RENDERERS[webhook.payload_version](event, webhook, delivery_id)
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
