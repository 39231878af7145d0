"""Standard Webhooks: the three keys of the body that the specification recommends."""

import json
from datetime import datetime

from runhook.domain.formats.format import Rendered

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []


def check(rendered: Rendered) -> None:
    payload = json.loads(rendered.body)

    assert list(payload) == ["type", "timestamp", "data"]
    assert all(part.isidentifier() for part in payload["type"].split("."))
    assert datetime.fromisoformat(payload["timestamp"]).tzinfo is not None
    assert isinstance(payload["data"], dict)
