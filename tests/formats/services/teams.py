"""Microsoft Teams, behind a Power Automate flow: errors in a card are reported to no one."""

import json
from dataclasses import dataclass, field
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft6Validator

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []

LARGEST = 28_672
GROWS_BY = 28_897 / 24_453
"""What Teams makes of a body is larger than it is; as one that was refused was counted."""
VERSIONS = {"1.0", "1.1", "1.2", "1.3", "1.4"}
ACTIONS = {"Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility"}
SCHEMA = Draft6Validator(
    json.loads(files("adaptive_cards").joinpath("schemas/schema-1.4.json").read_text())
)


def check(rendered: Rendered) -> None:
    message = json.loads(rendered.body)
    assert not faults(message)
    assert len(rendered.body) <= 20_000
    # Rich text has no markup, so that nothing in it calls anybody or leads anywhere.
    card = message["attachments"][0]["content"]
    assert not [one for one in elements_in(card) if one.get("type") in {"TextBlock", "FactSet"}]
    assert "entities" not in card["msteams"]


def faults(message: object) -> list[str]:
    """List what would keep a message from being posted."""
    found = Faults()
    if not found.keys("message", message, {"type", "attachments"}, {"type", "attachments"}):
        return found
    if message.get("type") != "message":
        found.append("type is not `message`")
    attachments = message.get("attachments")
    if not isinstance(attachments, list) or not attachments:
        found.append("attachments is empty")
        return found
    for attachment in attachments:
        known = {"contentType", "contentUrl", "content"}
        if found.keys("attachment", attachment, known, {"contentType", "content"}):
            if attachment["contentType"] != "application/vnd.microsoft.card.adaptive":
                found.append(f"contentType is {attachment['contentType']!r}")
            found.extend(faults_of_card(attachment["content"]))
    return found


def faults_of_card(card: object) -> list[str]:
    """List what is wrong with an Adaptive Card for Teams."""
    if not isinstance(card, dict):
        return ["the card is no object"]
    found = []
    if card.get("version") not in VERSIONS:
        found.append(f"version is {card.get('version')!r}")
    # A key of Teams, which the schema does not know.
    plain = {key: value for key, value in card.items() if key != "msteams"}
    found.extend(f"{one.json_path}: {one.message[:200]}" for one in SCHEMA.iter_errors(plain))
    for action in actions_in(card):
        if action.get("type") not in ACTIONS:
            found.append(f"{action.get('type')} does not work in a channel")
        if not 1 <= len(action.get("title", "")) <= 100:
            found.append("an action has no title, or a long one")
    return found


def actions_in(card: object) -> list[dict[str, object]]:
    """List the actions of a card and all that is in it."""
    return [one for one in elements_in(card) if str(one.get("type", "")).startswith("Action.")]


def elements_in(element: object) -> list[dict[str, object]]:
    """List an element and all that is in it."""
    if isinstance(element, list):
        return [found for one in element for found in elements_in(one)]
    if not isinstance(element, dict):
        return []
    return [element, *(found for one in element.values() for found in elements_in(one))]


@dataclass
class Teams:
    """A flow that posts cards to a channel."""

    is_deleted: bool = False
    posted: list[dict[str, object]] = field(default_factory=list)
    run_history: list[str] = field(default_factory=list)
    """What its owner can read there, and the sender cannot."""

    def answer(self, request: Received) -> Reply:
        query = parse_qs(urlsplit(request.path).query)
        if self.is_deleted:
            return refused(404, "WorkflowNotFound", "The workflow could not be found.")
        if "sig" in query and "authorization" in request.headers:
            return refused(
                401,
                "DirectApiRequestHasMoreThanOneAuthorization",
                "The request has both SAS authentication scheme and authorization header. "
                "Only one scheme should be used.",
            )
        if "sig" not in query:
            return refused(
                401,
                "DirectApiAuthorizationRequired",
                "The OAuth authorization scheme is required.",
            )
        message = document_of(request)
        if message is None:
            return refused(400, "InvalidRequestContent", "The request content is not valid.")
        self.post(message, len(request.body))
        return Reply(202)

    def post(self, message: dict[str, object], size: int) -> None:
        found = faults(message)
        if size * GROWS_BY > LARGEST:
            found.append(f"RequestEntityTooLarge: {size} bytes")
        if found:
            self.run_history.append("; ".join(found))
        else:
            self.posted.append(message)


def refused(status: int, code: str, message: str) -> Reply:
    """Answer as Azure does."""
    return said(status, {"error": {"code": code, "message": message}})
