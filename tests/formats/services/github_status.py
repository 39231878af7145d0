"""GitHub's commit statuses."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS = {"repository": "acme/warehouse", "token": "ghp_planted0123456789abcdef"}
SECRETS = [SETTINGS["token"]]

PLACE = re.compile(r"(?P<base>.*)/repos/(?P<repository>[^/]+/[^/]+)/statuses/(?P<commit>\w+)")
CALLS = re.compile(r"[@#!]\w")
"""What names a person, an issue or a merge request."""
KEYS = {"state", "target_url", "description", "context"}


def check(rendered: Rendered) -> None:
    status = json.loads(rendered.body)
    assert not faults(status)
    assert not CALLS.search(status["description"])
    assert PLACE.fullmatch(rendered.path)
    assert rendered.headers == {"Accept": "application/vnd.github+json"}


def faults(status: object) -> list[str]:
    """List what GitHub would refuse."""
    found = Faults()
    if not found.keys("status", status, KEYS, {"state"}):
        return found
    if status.get("state") not in {"pending", "success", "failure", "error"}:
        found.append(f"state is {status.get('state')!r}")
    if "description" in status:
        found.text("description", status["description"], 140)
    if "context" in status:
        found.text("context", status["context"], 255)
    if "target_url" in status:
        found.link("target_url", status["target_url"])
    return found


@dataclass
class GitHub:
    """A repository."""

    token: str
    repository: str
    statuses: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)
    """The newest of each context, by commit."""

    def answer(self, request: Received) -> Reply:
        place = PLACE.fullmatch(urlsplit(request.path).path)
        if "user-agent" not in request.headers:
            return said(403, {"message": "Request forbidden by administrative rules."})
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return said(401, {"message": "Bad credentials"})
        if place is None or place["repository"] != self.repository or request.method != "POST":
            return said(404, {"message": "Not Found"})
        status = document_of(request)
        found = faults(status)
        if found:
            told = [{"resource": "Status", "message": one} for one in found]
            return said(422, {"message": "Validation Failed", "errors": told})
        context = status.get("context", "default").lower()
        self.statuses.setdefault(place["commit"], {})[context] = status
        return said(201, {"id": 1, **status})
