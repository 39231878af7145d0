"""GitLab's commit statuses."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS = {"project": "acme/data/warehouse", "token": "glpat-planted0123456789"}
SECRETS = [SETTINGS["token"]]

PLACE = re.compile(
    r"(?P<base>.*)/api/v4/projects/(?P<project>[^/]+)/statuses/(?P<commit>\w+)",
)
CALLS = re.compile(r"[@#!]\w")
"""What names a person, an issue or a merge request."""
KEYS = {"state", "target_url", "description", "name", "ref", "pipeline_id", "coverage"}


def check(rendered: Rendered) -> None:
    status = json.loads(rendered.body)
    assert not faults(status)
    assert not CALLS.search(status["description"])
    assert PLACE.fullmatch(rendered.path)
    assert rendered.path.startswith("/api/v4/projects/acme%2Fdata%2Fwarehouse/statuses/")


def faults(status: object) -> list[str]:
    """List what GitLab would refuse."""
    found = Faults()
    if not found.keys("status", status, KEYS, {"state"}):
        return found
    if status.get("state") not in {"pending", "running", "success", "failed", "canceled"}:
        found.append(f"state is {status.get('state')!r}")
    for key in ("description", "name"):
        if key in status:
            found.text(key, status[key], 255)
    if "target_url" in status:
        found.link("target_url", status["target_url"])
    return found


@dataclass
class GitLab:
    """A project."""

    token: str
    project: str
    statuses: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)

    def answer(self, request: Received) -> Reply:
        place = PLACE.fullmatch(urlsplit(request.path).path)
        if request.headers.get("private-token") != self.token:
            return said(401, {"message": "401 Unauthorized"})
        if "authorization" in request.headers:
            return said(401, {"error": "invalid_token"})
        if place is None or unquote(place["project"]) != self.project or request.method != "POST":
            return said(404, {"message": "404 Project Not Found"})
        status = document_of(request)
        found = faults(status)
        if found:
            return said(400, {"message": {"error": found}})
        known = self.statuses.setdefault(place["commit"], {})
        before = known.get(status.get("name", "default"))
        if before and before["state"] == status["state"]:
            told = f"Cannot transition status via :enqueue from :{status['state']}"
            return said(400, {"message": told})
        known[status.get("name", "default")] = status
        return said(201, {"id": 1, **status})
