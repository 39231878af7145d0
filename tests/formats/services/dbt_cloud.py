"""dbt Cloud's receivers: what the payload has is the business of its own tests."""

import json

from runhook.domain.formats.format import Rendered

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []


def check(rendered: Rendered) -> None:
    payload = json.loads(rendered.body)

    assert {"data", "timestamp"} < set(payload)
    assert not rendered.headers
