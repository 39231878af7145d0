"""PagerDuty's Events API v2."""

import json
from dataclasses import dataclass, field

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS = {
    "routing_key": "R015kQ2vEw7zAbCdEfGhIjKlMnOpQrSt",
    "severity": "warning",
    "severity_by_environment": {"development": "critical"},
}
SECRETS = [SETTINGS["routing_key"]]

LARGEST = 512_000
KEYS = {
    "routing_key",
    "event_action",
    "dedup_key",
    "payload",
    "images",
    "links",
    "client",
    "client_url",
}
PAYLOAD_KEYS = {
    "summary",
    "source",
    "severity",
    "timestamp",
    "component",
    "group",
    "class",
    "custom_details",
}
SEVERITIES = {"critical", "error", "warning", "info"}


def check(rendered: Rendered) -> None:
    event = json.loads(rendered.body)
    assert "routing_key" not in event
    assert not faults({**event, "routing_key": SETTINGS["routing_key"]})
    assert len(rendered.body) < LARGEST
    assert not rendered.path


def faults(event: object) -> list[str]:
    """List what the Events API would refuse."""
    found = Faults()
    if not found.keys("event", event, KEYS, {"routing_key", "event_action"}):
        return found
    found.text("routing_key", event.get("routing_key"), 32, 32)
    action = event.get("event_action")
    if action not in {"trigger", "acknowledge", "resolve"}:
        found.append(f"event_action is {action!r}")
    if action != "trigger" or "dedup_key" in event:
        found.text("dedup_key", event.get("dedup_key"), 255)
    if action == "trigger":
        payload = event.get("payload")
        if found.keys("payload", payload, PAYLOAD_KEYS, {"summary", "source", "severity"}):
            check_payload(found, payload)
    for number, link in enumerate(event.get("links", ())):
        if found.keys(f"links[{number}]", link, {"href", "text"}, {"href"}):
            found.link(f"links[{number}].href", link.get("href"))
    if "client_url" in event:
        found.link("client_url", event["client_url"])
    return found


def check_payload(found: Faults, payload: dict[str, object]) -> None:
    found.text("payload.summary", payload.get("summary"), 1_024)
    for key in ("source", "component", "group", "class", "timestamp"):
        if key in payload:
            found.text(f"payload.{key}", payload[key], 1_024)
    if payload.get("severity") not in SEVERITIES:
        found.append(f"payload.severity is {payload.get('severity')!r}")
    if not isinstance(payload.get("custom_details", {}), dict):
        found.append("payload.custom_details is no object")


@dataclass
class PagerDuty:
    """A service with one integration key: its alerts open, are told again, and are resolved."""

    routing_key: str
    alerts: list[tuple[str, str, str]] = field(default_factory=list)
    """The key, the summary and the state of each alert; a resolved one is never opened again."""
    pages: int = 0

    def answer(self, request: Received) -> Reply:
        if request.path != "/v2/enqueue" or request.method != "POST":
            return Reply(404)
        if len(request.body) > LARGEST:
            return Reply(413)
        event = document_of(request)
        found = faults(event)
        if found:
            return invalid(*found)
        if event["routing_key"] != self.routing_key:
            return invalid("Invalid routing key")
        self.take(event)
        done = {"status": "success", "message": "Event processed"}
        return said(202, {**done, "dedup_key": event["dedup_key"]})

    def take(self, event: dict[str, object]) -> None:
        key, action = event["dedup_key"], event["event_action"]
        states = {"acknowledge": "acknowledged", "resolve": "resolved"}
        for number, (known, summary, state) in enumerate(self.alerts):
            if known == key and state != "resolved":
                if action in states:
                    self.alerts[number] = (known, summary, states[action])
                return
        if action == "trigger":
            self.alerts.append((key, event["payload"]["summary"], "triggered"))
            self.pages += 1

    @property
    def unresolved(self) -> list[str]:
        """The summaries of the alerts that somebody has to look at."""
        return [summary for _, summary, state in self.alerts if state != "resolved"]


def invalid(*errors: str) -> Reply:
    """Answer as to an event that is wrong."""
    told = {"status": "invalid event", "message": "Event object is invalid"}
    return said(400, {**told, "errors": list(errors)})
