"""The bytes an endpoint receives, rendered once, when the event happens.

The wire's names live here, in one module per payload version, and nowhere else in the domain.
"""

import json
from collections.abc import Mapping
from typing import assert_never, cast

from runhook.domain.dbt.results import read_node_results
from runhook.domain.messages.links import links_of
from runhook.domain.messages.notices import Deactivation, MissedRun, Notice
from runhook.domain.messages.telling import PayloadVersion, Telling
from runhook.domain.payload import v2022_05, v2023_02
from runhook.domain.payload.results import camel_case, render_results, snake_case
from runhook.domain.runs.events import RESULT_EVENTS, Event

RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render,
    PayloadVersion.V2023_02: v2023_02.render,
}
ACCOUNT_KEYS = {
    PayloadVersion.V2022_05: "account_id",
    PayloadVersion.V2023_02: "accountId",
}
SPELLINGS = {
    PayloadVersion.V2022_05: snake_case,
    PayloadVersion.V2023_02: camel_case,
}
DEACTIVATION_RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render_deactivation,
    PayloadVersion.V2023_02: v2023_02.render_deactivation,
}
MISSED_RENDERERS = {
    PayloadVersion.V2022_05: v2022_05.render_missed,
    PayloadVersion.V2023_02: v2023_02.render_missed,
}


def render_payload(event: Event | Notice, telling: Telling) -> bytes:
    """Render the final body of ``event``, in the version that the webhook chose."""
    return encoded(payload_of(event, telling))


def payload_of(event: Event | Notice, telling: Telling) -> dict[str, object]:
    """Build the body as an object, its keys in the order of the version's documentation."""
    version = telling.payload_version
    match event:
        case Deactivation():
            return DEACTIVATION_RENDERERS[version](event, telling)
        case MissedRun():
            return MISSED_RENDERERS[version](event, telling)
        case Event():
            with_results = telling.include_results and event.type in RESULT_EVENTS
            beside = results_of(event, version, telling.public_url) if with_results else {}
            return RENDERERS[version](event, telling, beside)
        case unknown:
            assert_never(unknown)


def data_of(event: Event | Notice, telling: Telling) -> dict[str, object]:
    """What a payload tells beside its envelope, for formats that have their own."""
    payload = payload_of(event, telling)
    account = ACCOUNT_KEYS[telling.payload_version]
    return {account: payload[account], **cast(Mapping[str, object], payload["data"])}


def encoded(body: Mapping[str, object]) -> bytes:
    """JSON as it goes over the wire."""
    # A lone surrogate, which some reporter's language may make, must not cost the message.
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def results_of(event: Event, version: PayloadVersion, public_url: str | None) -> dict[str, object]:
    """Results of a run's nodes, for a webhook that includes them."""
    run = event.run
    results, links = read_node_results(run.results), links_of(run, public_url)
    return render_results(results, links, SPELLINGS[version])
