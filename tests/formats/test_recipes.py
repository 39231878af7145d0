"""The documents that the page of templates recommends, looked at as their services do."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings

from runhook.domain.formats import FORMATS
from runhook.domain.options.declaring import changed
from tests.docs.documents import REPOSITORY, blocks
from tests.formats import hostile, stories
from tests.formats.answering import Faults

PAGE = (REPOSITORY / "docs" / "formats" / "template.md").read_text()
RECIPES = {
    section.partition("\n")[0]: section
    for section in PAGE.partition("## Recipes\n")[2].split("\n### ")[1:]
}
CODE = re.compile(r"`[^`\n]+`")


def document_of(name: str) -> str:
    (document,) = blocks(RECIPES[name], "json")
    return document


def told(name: str, event, telling=None) -> dict:
    format_ = FORMATS["template"]
    chosen = format_.check(changed(format_.settings(), {"body": document_of(name)}))
    return json.loads(format_.render(event, telling or stories.telling(), chosen).body)


def mattermost(message: dict) -> list[str]:
    found = Faults()
    found.keys("message", message, {"text", "attachments", "username"}, set())
    for one in message["attachments"]:
        known = {"fallback", "color", "title", "title_link", "text", "fields"}
        found.keys("attachment", one, known, {"fallback"})
        found.text("text", one["text"], 4_000)
        if not re.fullmatch(r"#[0-9a-f]{6}", one["color"]):
            found.append("color is none")
        for field in one["fields"]:
            found.keys("field", field, {"short", "title", "value"}, {"title", "value"})
        texts = [one["fallback"], one["text"], one["title"]]
        texts += [field["value"] for field in one["fields"] if isinstance(field["value"], str)]
        found += [f"{text!r} is markup" for text in texts if is_markup(text)]
    return found


def is_markup(text: str) -> bool:
    """Whether something in a text could mention, link or format, outside of code."""
    return bool(re.search(r"[`@*_\[\]<>~]|://", CODE.sub("", text).replace("``", "")))


def ntfy(message: dict) -> list[str]:
    found = Faults()
    known = {"topic", "title", "message", "priority", "tags", "click"}
    found.keys("message", message, known, {"topic"})
    found.text("title", message["title"], 250)
    if len(message["message"].encode()) > 4_096:
        found.append("message becomes a file")
    if message["priority"] not in range(1, 6):
        found.append("priority is none")
    if not all(isinstance(tag, str) for tag in message["tags"]):
        found.append("a tag is no text")
    return found


class Html(HTMLParser):
    """What Telegram makes of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.bare = ""
        """What stands outside of code."""
        self._is_in_code = False

    def handle_data(self, data: str) -> None:
        self.text += data
        self.bare += "" if self._is_in_code else data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self._is_in_code = tag in {"code", "pre"}

    def handle_endtag(self, tag: str) -> None:
        self._is_in_code = False


def telegram(message: dict) -> list[str]:
    found = Faults()
    known = {"chat_id", "text", "parse_mode", "message_thread_id", "link_preview_options"}
    found.keys("message", message, known, {"chat_id", "text"})
    read = Html()
    read.feed(message["text"])
    found.text("text", read.text, 4_096)
    if read.tags != ["code", "pre"]:
        found.append(f"tags are {read.tags}")
    if read.bare.strip():
        found.append(f"{read.bare!r} could mention somebody")
    return found


def zulip(message: dict) -> list[str]:
    found = Faults()
    found.keys("message", message, {"text"}, {"text"})
    found.text("text", message["text"], 10_000)
    if is_markup(message["text"]):
        found.append("text is markup")
    return found


def grafana(alert: dict) -> list[str]:
    found = Faults()
    known = {"alert_uid", "title", "message", "image_url", "link_to_upstream_details", "state"}
    found.keys("alert", alert, known, {"alert_uid"})
    if alert["state"] not in {"alerting", "ok"}:
        found.append("state is unknown")
    found.extend(f"{key} is no text" for key, one in alert.items() if not isinstance(one, str))
    return found


def better_stack(incident: dict) -> list[str]:
    found = Faults()
    found.keys("incident", incident, set(incident), {"key", "state", "title", "cause"})
    return found


def flat(variables: dict) -> list[str]:
    return [f"{key} is no text" for key, one in variables.items() if not isinstance(one, str)]


SERVICES: dict[str, Callable[[dict], list[str]]] = {
    "Mattermost": mattermost,
    "ntfy": ntfy,
    "Telegram": telegram,
    "Zulip": zulip,
    "Grafana IRM": grafana,
    "Better Stack": better_stack,
    "Power Automate": flat,
    "Slack workflow": flat,
}
EVERY_RECIPE = pytest.mark.parametrize("name", list(SERVICES))


def test_each_recipe_has_a_test():
    assert list(RECIPES) == list(SERVICES)


@EVERY_RECIPE
def test_a_service_takes_a_failure_and_a_recovery(name):
    for event in (stories.failed(), stories.succeeded(), stories.missed(), stories.started()):
        assert SERVICES[name](told(name, event)) == []


@EVERY_RECIPE
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(event=hostile.events, telling=hostile.tellings)
def test_a_service_takes_whatever_an_event_holds(name, event, telling):
    assert SERVICES[name](told(name, event, telling)) == []


@EVERY_RECIPE
def test_no_attack_costs_the_message(name):
    for attack in hostile.ATTACKS:
        event = stories.with_run(stories.failed(), hostile.attacked_run(attack))

        assert SERVICES[name](told(name, event)) == []


def test_a_recovery_ends_what_a_failure_began():
    failure, recovery = stories.failed(), stories.succeeded(run_id=813)
    for name, key, states in (
        ("Grafana IRM", "alert_uid", ("alerting", "ok")),
        ("Better Stack", "key", ("firing", "resolved")),
    ):
        began, ended = told(name, failure), told(name, recovery)
        assert began[key] == ended[key]
        assert (began["state"], ended["state"]) == states


def test_the_page_shows_documents_that_can_be_saved():
    for document in blocks(PAGE, "json"):
        if "{{" in document:
            changed(FORMATS["template"].settings(), {"body": document})
