"""CloudEvents 1.0 over HTTP, in both of its modes.

The data is that of dbt Cloud's payload, in the version that the webhook chose.
"""

import re
from typing import assert_never
from urllib.parse import quote

from runhook.domain.formats.format import (
    Answer,
    Meaning,
    NoSettings,
    Reading,
    Rendered,
    SignedFormat,
)
from runhook.domain.messages.notices import Deactivation, MissedRun, Notice
from runhook.domain.messages.telling import Telling
from runhook.domain.payload import data_of, encoded
from runhook.domain.payload.v2023_02 import precise_text
from runhook.domain.runs.events import Event

TYPE_PREFIX = "runhook."
# The HTTP binding (3.1.3.2) encodes these, and all that is not a visible ASCII character.
HEADER_SAFE = re.sub(r'["%]', "", "".join(chr(one) for one in range(0x21, 0x7F)))


class CloudEvents(SignedFormat[NoSettings]):
    """Structured mode: one JSON object, the data in it."""

    name = "cloudevents"
    title = "CloudEvents"
    summary = "CloudEvents 1.0 as one JSON document (structured mode)."
    where = "The URL is that of your receiver, broker or sink."
    content_type = "application/cloudevents+json; charset=utf-8"
    settings = NoSettings

    def render(self, event: Event | Notice, telling: Telling, settings: NoSettings) -> Rendered:
        del settings
        body = {
            **attributes_of(event, telling),
            "datacontenttype": "application/json",
            "data": data_of(event, telling),
        }
        return Rendered(body=encoded(body))

    def read(self, answer: Answer) -> Reading:
        """Read an answer: 415 says that the receiver does not know this mode."""
        if answer.status == 415:
            return Reading(meaning=Meaning.REFUSED, words=answer.text)
        return super().read(answer)


class BinaryCloudEvents(CloudEvents):
    """Binary mode: the data is the body, its attributes are headers."""

    name = "cloudevents_binary"
    title = "CloudEvents, binary"
    summary = "CloudEvents 1.0 with attributes as `ce-` headers and the data as the body."
    content_type = "application/json"

    def render(self, event: Event | Notice, telling: Telling, settings: NoSettings) -> Rendered:
        del settings
        attributes = attributes_of(event, telling)
        return Rendered(
            body=encoded(data_of(event, telling)),
            headers={
                f"ce-{name}": quote(value, safe=HEADER_SAFE) for name, value in attributes.items()
            },
        )


def attributes_of(event: Event | Notice, telling: Telling) -> dict[str, str]:
    """The attributes of an event; source and id together are unique."""
    match event:
        case Event():
            account_id, subject = event.run.account_id, f"runs/{event.run.id}"
        case MissedRun():
            account_id, subject = event.account_id, f"jobs/{event.job.id}"
        case Deactivation():
            account_id, subject = event.account_id, f"webhooks/{event.webhook_id}"
        case unknown:
            assert_never(unknown)
    return {
        "specversion": "1.0",
        "id": telling.delivery_id,
        "source": f"{telling.public_url or ''}/accounts/{account_id}",
        "type": TYPE_PREFIX + event.type.value,
        "subject": subject,
        "time": precise_text(event.occurred_at),
    }
