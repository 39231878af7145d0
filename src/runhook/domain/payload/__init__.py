"""The bytes an endpoint receives, rendered once, when the event happens.

The wire's names live here, in one module per payload version, and nowhere else in the domain.
"""

import json

from runhook.domain.deliveries import DeliveryId
from runhook.domain.events import Event
from runhook.domain.notices import Deactivation
from runhook.domain.payload import v2022_05, v2023_02
from runhook.domain.webhooks import PayloadVersion, Webhook

RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render,
    PayloadVersion.V2023_02: v2023_02.render,
}
NOTICE_RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render_notice,
    PayloadVersion.V2023_02: v2023_02.render_notice,
}


def render(event: Event | Deactivation, webhook: Webhook, delivery_id: DeliveryId) -> bytes:
    """Return the final body of ``event`` for ``webhook``, in the version the webhook chose."""
    version = webhook.payload_version
    if isinstance(event, Deactivation):
        payload = NOTICE_RENDERERS[version](event, webhook, delivery_id)
    else:
        payload = RENDERERS[version](event, webhook, delivery_id)
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
