"""The events that webhooks can be sent: what each means, and what its payload holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from runhook.domain.messages.telling import DeliveryId, PayloadVersion
from runhook.domain.payload import payload_of
from runhook.domain.payload.schema import schema_of
from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.options import Options
from runhook.domain.webhooks.samples import sample_event, sample_webhook

SOME_TIME = datetime(2026, 3, 1, 4, 7, 31, tzinfo=UTC)
"""No schema depends on it."""


@dataclass(frozen=True, slots=True)
class EventMeaning:
    """What an event means, and when it is sent."""

    meaning: str
    when: str


MEANINGS: Mapping[EventType, EventMeaning] = {
    EventType.STARTED: EventMeaning("A run started.", "With the first report of the run."),
    EventType.COMPLETED: EventMeaning(
        "A run ended, in success or in failure. A canceled run does not complete.",
        "With the report of the end, once the results are there. After a failure, behind "
        "job.run.errored.",
    ),
    EventType.ERRORED: EventMeaning(
        "A run failed: dbt could not run, or a node failed.",
        "With the report of the end, or when a run is lost. job.run.completed follows.",
    ),
    EventType.CANCELED: EventMeaning(
        "A run was canceled.", "With the report of the end. No other event of the run follows."
    ),
    EventType.MISSED: EventMeaning(
        "A job did not start when it was expected.",
        "After the grace period of the job's expectation, once for each missed run.",
    ),
    EventType.DEACTIVATED: EventMeaning(
        "Runhook deactivated another webhook of the account because its endpoint kept failing.",
        "At the deactivation. Not when a person deactivates a webhook.",
    ),
}


def schema_of_event(
    type_: EventType, version: PayloadVersion, *, include_results: bool
) -> Mapping[str, object]:
    """The JSON Schema of an event's payload, of webhooks that include results or do not."""
    options = Options(payload_version=version, include_results=include_results)
    webhook = sample_webhook(type_, options, now=SOME_TIME)
    telling = webhook.telling(DeliveryId("wev_sample"))
    payload = payload_of(sample_event(webhook, now=SOME_TIME), telling)
    return schema_of(payload, type_, version)
