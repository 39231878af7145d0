"""CloudEvents in structured mode, as the specification's own SDK reads them."""

import json

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Rendered

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []


def check(rendered: Rendered) -> None:
    check_event(rendered, FORMATS["cloudevents"].content_type)

    assert json.loads(rendered.body)["specversion"] == "1.0"


def check_event(rendered: Rendered, content_type: str) -> None:
    message = HTTPMessage(
        headers={"Content-Type": content_type, **rendered.headers}, body=rendered.body
    )
    event = from_http_event(message)

    assert event.get_id()
    assert event.get_type().startswith("runhook.")
    assert event.get_time() is not None
    assert isinstance(event.get_data(), dict)
