"""incident.io's HTTP alert source."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS = {"token": "planted-token-of-incident-io", "severity": "info"}
SECRETS = [SETTINGS["token"]]

LARGEST = 512_000
ESCAPED = re.compile(r"\\[\\`*_{}\[\]()<>#+\-.!|~&@:]")
MARKUP = re.compile(r"[\\`*_\[\]()<>#|~@&]|://")
KEYS = {"title", "status", "deduplication_key", "description", "source_url", "metadata"}


def check(rendered: Rendered) -> None:
    event = json.loads(rendered.body)
    assert not faults(event)
    assert len(rendered.body) < LARGEST
    ours = event["description"].replace("**", "")
    assert not MARKUP.search(ESCAPED.sub("", ours))


def faults(event: object) -> list[str]:
    """List what would be refused of an alert event."""
    found = Faults()
    if not found.keys("event", event, KEYS, {"title", "status"}):
        return found
    found.text("title", event.get("title"), 1_000)
    if event.get("status") not in {"firing", "resolved"}:
        found.append(f"status is {event.get('status')!r}")
    for key in ("deduplication_key", "description"):
        if key in event:
            found.text(key, event[key], LARGEST)
    if "source_url" in event:
        found.link("source_url", event["source_url"])
    if not isinstance(event.get("metadata", {}), dict):
        found.append("metadata is no object")
    return found


@dataclass
class IncidentIo:
    """An alert source with its token."""

    token: str
    source: str = "01SOURCE"
    firing: dict[str, str] = field(default_factory=dict)
    """Titles by key."""
    alerts: int = 0

    def answer(self, request: Received) -> Reply:
        address = urlsplit(request.path)
        in_query = parse_qs(address.query).get("token") == [self.token]
        in_header = request.headers.get("authorization") == f"Bearer {self.token}"
        if not in_query and not in_header:
            return refused(401, "authentication_error", "No valid token")
        if address.path != f"/v2/alert_events/http/{self.source}":
            return refused(404, "not_found", "Alert source not found")
        if len(request.body) > LARGEST:
            return refused(413, "too_large", "Body too large")
        event = document_of(request)
        found = faults(event)
        if found:
            return refused(422, "validation_error", "; ".join(found))
        key = event.get("deduplication_key", "")
        if event["status"] == "resolved":
            self.firing.pop(key, None)
        else:
            self.alerts += key not in self.firing
            self.firing[key] = event["title"]
        done = {"status": "success", "message": "Event accepted for processing"}
        return said(202, {**done, "deduplication_key": key})


def refused(status: int, kind: str, message: str) -> Reply:
    """Answer with an error."""
    return said(status, {"type": kind, "status": status, "errors": [{"message": message}]})
