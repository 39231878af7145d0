"""A whole exchange with each service that behaves as its own documents say."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Meaning
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import Trigger
from tests.formats import hostile, stories
from tests.formats.exchanging import Sender
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

QUICKLY = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@dataclass(frozen=True)
class Place:
    """Where a service is, and how a new one is made."""

    make: Callable[[], object]
    url: str


PLACES = {
    "pagerduty": Place(
        lambda: pagerduty.PagerDuty(str(pagerduty.SETTINGS["routing_key"])),
        "https://events.pagerduty.com/v2/enqueue",
    ),
    "teams": Place(
        teams.Teams, "https://prod-1.westeurope.logic.azure.com:443/workflows/1/x?api=1&sig=s3cret"
    ),
    "discord": Place(discord.Discord, "https://discord.com/api/webhooks/1/token?thread_id=7"),
    "google_chat": Place(
        google_chat.GoogleChat, "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=t"
    ),
    "jsm": Place(
        lambda: jsm.Alerts(str(jsm.SETTINGS["api_key"]), "/jsm/ops/integration/v2/alerts"),
        "https://api.atlassian.com/jsm/ops/integration/v2/alerts",
    ),
    "incident_io": Place(
        lambda: incident_io.IncidentIo(str(incident_io.SETTINGS["token"])),
        "https://api.incident.io/v2/alert_events/http/01SOURCE",
    ),
    "github_status": Place(
        lambda: github_status.GitHub(str(github_status.SETTINGS["token"]), "acme/warehouse"),
        "https://api.github.com",
    ),
    "gitlab_status": Place(
        lambda: gitlab_status.GitLab(str(gitlab_status.SETTINGS["token"]), "acme/data/warehouse"),
        "https://gitlab.example.com",
    ),
}
EVERY_SERVICE = pytest.mark.parametrize("name", list(PLACES))


def sender_to(name: str) -> Sender:
    return Sender(name, PLACES[name].make().answer, PLACES[name].url)


def on_a_commit(event: object) -> object:
    """An event whose run is of a pull request, so that each format tells of it."""
    if not isinstance(event, Event):
        return event
    trigger = replace(
        event.run.trigger or Trigger(), commit=stories.COMMIT, pull_request=7, link=""
    )
    return replace(event, run=replace(event.run, trigger=trigger))


@EVERY_SERVICE
@QUICKLY
@given(event=hostile.events, telling=hostile.tellings)
def test_a_service_takes_whatever_an_event_holds(name, event, telling):
    reading = sender_to(name).tell(on_a_commit(event), telling)

    assert reading is None or reading.meaning is Meaning.TAKEN


@EVERY_SERVICE
def test_no_attack_costs_the_message(name):
    for attack in hostile.ATTACKS:
        event = on_a_commit(stories.with_run(stories.failed(), hostile.attacked_run(attack)))
        reading = sender_to(name).tell(event, hostile.attacked_telling(attack, "chat.example.com"))

        assert reading is not None
        assert reading.meaning is Meaning.TAKEN


@EVERY_SERVICE
def test_every_attempt_sends_the_same_bytes_to_the_same_place(name):
    sender = sender_to(name)

    assert sender.draft(stories.failed()) == sender.draft(stories.failed())


@EVERY_SERVICE
def test_no_request_carries_a_signature(name):
    headers = {one.lower() for one in sender_to(name).draft(stories.failed()).headers}

    assert not FORMATS[name].is_signed
    assert not [one for one in headers if one.startswith("webhook-")]


@EVERY_SERVICE
def test_a_whole_story_is_taken(name):
    sender = sender_to(name)
    told = [
        stories.started(),
        stories.failed(EventType.ERRORED),
        stories.missed(),
        stories.started(run_id=813),
        stories.succeeded(run_id=813),
        stories.canceled(run_id=814),
    ]
    readings = [sender.tell(event) for event in told]

    assert {one.meaning for one in readings if one} == {Meaning.TAKEN}
