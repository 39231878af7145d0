"""The body that Standard Webhooks recommends: type, timestamp and data.

Its data is that of dbt Cloud's payload, in the version that the webhook chose.
"""

from runhook.domain.formats.format import NoSettings, Rendered, SignedFormat
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import Telling
from runhook.domain.payload import data_of, encoded
from runhook.domain.payload.v2023_02 import precise_text
from runhook.domain.runs.events import Event


class StandardWebhooks(SignedFormat[NoSettings]):
    """For receivers that verify with a Standard Webhooks library and look at `type`."""

    name = "standard_webhooks"
    title = "Standard Webhooks"
    summary = "`type`, `timestamp` and `data`, for receivers built on a Standard Webhooks library."
    where = "The URL is your receiver's own."
    settings = NoSettings

    def render(self, event: Event | Notice, telling: Telling, settings: NoSettings) -> Rendered:
        del settings
        return Rendered(
            body=encoded(
                {
                    "type": event.type.value,
                    "timestamp": precise_text(event.occurred_at),
                    "data": data_of(event, telling),
                }
            )
        )
