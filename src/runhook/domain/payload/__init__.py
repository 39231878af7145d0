"""The bytes an endpoint receives, rendered once, when the event happens.

The wire's names live here, in one module per payload version, and nowhere else in the domain.
"""

import json
from typing import assert_never

from runhook.domain.deliveries import DeliveryId
from runhook.domain.events import Event, EventType
from runhook.domain.notices import Deactivation, MissedRun, Notice
from runhook.domain.options import PayloadVersion
from runhook.domain.payload import v2022_05, v2023_02
from runhook.domain.payload.links import links_of
from runhook.domain.results import read_results
from runhook.domain.webhooks import Webhook

RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render,
    PayloadVersion.V2023_02: v2023_02.render,
}
RESULTS_RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render_results,
    PayloadVersion.V2023_02: v2023_02.render_results,
}
DEACTIVATION_RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render_deactivation,
    PayloadVersion.V2023_02: v2023_02.render_deactivation,
}
MISSED_RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render_missed,
    PayloadVersion.V2023_02: v2023_02.render_missed,
}


def render(
    event: Event | Notice,
    webhook: Webhook,
    delivery_id: DeliveryId,
    *,
    public_url: str | None = None,
) -> bytes:
    """Return the final body of ``event`` for ``webhook``, in the version the webhook chose.

    Args:
        event: what happened.
        webhook: who is told, and how.
        delivery_id: the delivery's.
        public_url: where people reach this service, None if nobody has said so.
    """
    version = webhook.options.payload_version
    match event:
        case Deactivation():
            payload = DEACTIVATION_RENDERERS[version](event, webhook, delivery_id)
        case MissedRun():
            payload = MISSED_RENDERERS[version](event, webhook, delivery_id)
        case Event():
            with_results = webhook.options.include_results and event.type is EventType.COMPLETED
            beside = results_of(event, version, public_url) if with_results else {}
            payload = RENDERERS[version](event, webhook, delivery_id, beside)
        case unknown:
            assert_never(unknown)
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def results_of(event: Event, version: PayloadVersion, public_url: str | None) -> dict[str, object]:
    """Return what a webhook is told of a run's nodes if it asked for that."""
    run = event.run
    return RESULTS_RENDERERS[version](read_results(run.results), links_of(run, public_url))
