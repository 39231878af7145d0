"""Standard Webhooks: a body as its own library reads it, with the three keys that it recommends."""

import base64
from datetime import UTC, datetime

from standardwebhooks import Webhook

from runhook.domain.formats.format import Rendered

RECEIVER = Webhook(base64.b64encode(b"0" * 32).decode())
SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []


def check(rendered: Rendered) -> None:
    payload = read_by_its_library(rendered.body)

    assert list(payload) == ["type", "timestamp", "data"]
    assert all(part.isidentifier() for part in payload["type"].split("."))
    assert datetime.fromisoformat(payload["timestamp"]).tzinfo is not None
    assert isinstance(payload["data"], dict)


def read_by_its_library(body: bytes) -> dict[str, object]:
    now = datetime.now(UTC)
    signature = RECEIVER.sign("wev_1", now, body.decode())
    return RECEIVER.verify(
        body,
        {
            "webhook-id": "wev_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        },
    )
