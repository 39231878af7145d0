"""dbt Cloud's own payloads, signed as dbt Cloud signs them."""

from runhook.domain.formats.format import NoSettings, Rendered, SignedFormat
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import Telling
from runhook.domain.payload import render_payload
from runhook.domain.runs.events import Event


class DbtCloud(SignedFormat[NoSettings]):
    """The default format: dbt Cloud's payload and signature."""

    name = "dbt_cloud"
    title = "dbt Cloud"
    summary = "dbt Cloud's payloads and signature, for receivers written for these."
    where = "The URL is your receiver's own."
    settings = NoSettings

    def render(self, event: Event | Notice, telling: Telling, settings: NoSettings) -> Rendered:
        del settings
        return Rendered(body=render_payload(event, telling))
