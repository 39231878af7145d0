"""Where services take requests, and what a colleague sees there after a failure and a success."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.formats import stories
from tests.formats.answering import Service
from tests.formats.services import (
    discord,
    github_status,
    gitlab_status,
    google_chat,
    incident_io,
    jsm,
    pagerduty,
    teams,
)


class Answering(Protocol):
    """A service as it behaves."""

    answer: Service


@dataclass(frozen=True)
class Place:
    """Where a service takes requests, and how a new one is made."""

    path: str
    make: Callable[[], Answering]
    seen: Callable[[Answering], object]
    """What of it a colleague would look at."""
    expected: object
    """What that is after a failure and the next success."""


PLACES = {
    "pagerduty": Place(
        "/v2/enqueue",
        lambda: pagerduty.PagerDuty(str(pagerduty.SETTINGS["routing_key"])),
        lambda it: (it.pages, it.unresolved),
        (1, []),
    ),
    "teams": Place(
        "/workflows/1/triggers?api=1&sig=s3cret-of-the-flow",
        teams.Teams,
        lambda it: (it.run_history, len(it.posted)),
        ([], 2),
    ),
    "discord": Place(
        "/api/webhooks/1/token-of-the-channel", discord.Discord, lambda it: len(it.posted), 2
    ),
    "google_chat": Place(
        "/v1/spaces/A/messages?key=key-of-chat&token=token-of-the-space",
        google_chat.GoogleChat,
        lambda it: [len(one) for one in it.threads],
        [1, 1],
    ),
    "jsm": Place(
        "/v2/alerts",
        lambda: jsm.Alerts(str(jsm.SETTINGS["api_key"])),
        lambda it: (len(it.alerts), it.open_alerts),
        (1, []),
    ),
    "incident_io": Place(
        "/v2/alert_events/http/01SOURCE",
        lambda: incident_io.IncidentIo(str(incident_io.SETTINGS["token"])),
        lambda it: (it.alerts, it.firing),
        (1, {}),
    ),
    "github_status": Place(
        "/api/v3",
        lambda: github_status.GitHub(str(github_status.SETTINGS["token"]), "acme/warehouse"),
        lambda it: [one["state"] for one in it.statuses[stories.COMMIT].values()],
        ["success"],
    ),
    "gitlab_status": Place(
        "",
        lambda: gitlab_status.GitLab(str(gitlab_status.SETTINGS["token"]), "acme/data/warehouse"),
        lambda it: [one["state"] for one in it.statuses[stories.COMMIT].values()],
        ["success"],
    ),
}
