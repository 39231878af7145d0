"""The alerts of Jira Service Management, and of Opsgenie, whose API it took over."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS = {
    "api_key": "5b1e9c3a-genie-key-planted",
    "priority": "P4",
    "priority_by_environment": {"development": "P1"},
}
SECRETS = [SETTINGS["api_key"]]

KEYS = {
    "message",
    "alias",
    "description",
    "priority",
    "tags",
    "details",
    "entity",
    "source",
    "note",
    "user",
}
CLOSE_KEYS = {"user", "source", "note"}
CLOSE = re.compile(r"(?P<alerts>.*/v2/alerts)/(?P<alias>[^/]+)/close")


def check(rendered: Rendered) -> None:
    document = json.loads(rendered.body)
    if rendered.path:
        assert CLOSE.fullmatch(f"/v2/alerts{rendered.path}")
        assert not faults_of_closing(document)
    else:
        assert not faults(document)


def faults(alert: object) -> list[str]:
    """List what would be refused of an alert."""
    found = Faults()
    if not found.keys("alert", alert, KEYS, {"message"}):
        return found
    found.text("message", alert.get("message"), 130)
    for key, most in (("alias", 512), ("description", 15_000), ("entity", 512), ("source", 100)):
        if key in alert:
            found.text(key, alert[key], most)
    if alert.get("priority", "P3") not in {"P1", "P2", "P3", "P4", "P5"}:
        found.append(f"priority is {alert['priority']!r}")
    tags = alert.get("tags", [])
    if len(tags) > 20:
        found.append("tags has more than 20")
    for tag in tags:
        found.text("tag", tag, 50)
    details = alert.get("details", {})
    if any(not isinstance(value, str) for value in details.values()):
        found.append("details has what is no text")
    if sum(len(key) + len(value) for key, value in details.items()) > 8_000:
        found.append("details has more than 8000 characters")
    return found


def faults_of_closing(request: object) -> list[str]:
    """List what would be refused of a request to close an alert."""
    found = Faults()
    if found.keys("request", request, CLOSE_KEYS, set()):
        for key, most in (("source", 100), ("note", 25_000), ("user", 100)):
            if key in request:
                found.text(key, request[key], most)
    return found


@dataclass
class Alerts:
    """An integration with its key."""

    key: str
    path: str = "/v2/alerts"
    alerts: list[tuple[str, str, str]] = field(default_factory=list)
    """The alias, the message and the state of each."""
    count: int = 0

    def answer(self, request: Received) -> Reply:
        if request.headers.get("authorization") != f"GenieKey {self.key}":
            return said(401, {"message": "Key format is not valid!", "took": 0.0, "requestId": "r"})
        address = urlsplit(request.path)
        closing = CLOSE.fullmatch(address.path)
        if closing and closing["alerts"] == self.path:
            by_alias = parse_qs(address.query).get("identifierType") == ["alias"]
            found = faults_of_closing(document_of(request))
            if found or not by_alias:
                return unprocessable(found or ["identifierType"])
            self.close(unquote(closing["alias"]))
        elif address.path == self.path:
            found = faults(document_of(request))
            if found:
                return unprocessable(found)
            self.open(document_of(request))
        else:
            return said(404, {"message": "No such path", "took": 0.0, "requestId": "r"})
        return said(202, {"result": "Request will be processed", "took": 0.1, "requestId": "r"})

    def open(self, alert: dict[str, object]) -> None:
        alias = alert.get("alias", "")
        if not any(known == alias and state == "open" for known, _, state in self.alerts):
            self.alerts.append((alias, alert["message"], "open"))

    def close(self, alias: str) -> None:
        self.alerts = [
            (known, message, "closed" if known == alias else state)
            for known, message, state in self.alerts
        ]

    @property
    def open_alerts(self) -> list[str]:
        """The messages of those that somebody has to look at."""
        return [message for _, message, state in self.alerts if state == "open"]


def unprocessable(found: list[str]) -> Reply:
    """Answer as to an alert that is wrong."""
    told = {"message": "Request body is not processable.", "took": 0.0, "requestId": "r"}
    return said(422, {**told, "errors": {"fields": "; ".join(found)}})
