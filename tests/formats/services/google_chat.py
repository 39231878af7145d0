"""Google Chat's incoming webhooks."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []

LARGEST = 32_000
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
LONGEST_TEXT = 4_096
KEYS = {"text", "cardsV2", "thread", "fallbackText"}


def check(rendered: Rendered) -> None:
    message = json.loads(rendered.body)
    assert not faults(message, len(rendered.body))
    for text in texts_in(message["cardsV2"]):
        rest = text.replace("<br>", "")
        assert "<" not in rest
        assert ">" not in rest
        assert not ENTITY.search(rest)


def texts_in(value: object) -> list[str]:
    """List the texts that people read, which are all but addresses."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value for text in texts_in(one)]
    if isinstance(value, dict):
        kept = [one for key, one in value.items() if key not in {"onClick", "title", "topLabel"}]
        return texts_in(kept)
    return []


def faults(message: object, size: int) -> list[str]:
    """List what Google Chat would refuse of a message of so many bytes."""
    found = Faults()
    if not found.keys("message", message, KEYS, set()):
        return found
    if size > LARGEST:
        found.append(f"Message is too long: {size} bytes")
    if not message.get("text") and not message.get("cardsV2"):
        found.append("Message cannot be empty")
    if "text" in message:
        found.text("text", message["text"], LONGEST_TEXT)
    if "thread" in message and found.keys("thread", message["thread"], {"threadKey"}, set()):
        found.text("thread.threadKey", message["thread"].get("threadKey"), 4_000)
    for card in message.get("cardsV2", []):
        if found.keys("cardsV2[]", card, {"cardId", "card"}, {"cardId", "card"}):
            check_card(found, card["card"])
    return found


def check_card(found: Faults, card: dict[str, object]) -> None:
    found.keys("card", card, {"header", "sections"}, {"sections"})
    if "header" in card:
        found.keys("header", card["header"], {"title", "subtitle"}, {"title"})
        found.text("header.title", card["header"].get("title"), 200)
    for section in card.get("sections", []):
        found.keys("section", section, {"header", "widgets"}, {"widgets"})
        if not section.get("widgets"):
            found.append("a section has no widgets")
        for widget in section.get("widgets", []):
            check_widget(found, widget)


def check_widget(found: Faults, widget: dict[str, object]) -> None:
    kinds = {"decoratedText", "textParagraph", "buttonList", "divider"}
    if not isinstance(widget, dict) or len(widget) != 1 or not kinds.issuperset(widget):
        found.append(f"a widget is no one of {sorted(kinds)}")
        return
    kind, content = next(iter(widget.items()))
    if kind == "decoratedText":
        found.keys(kind, content, {"topLabel", "text", "wrapText"}, {"text"})
        found.text(kind, content.get("text"), LARGEST)
    elif kind == "textParagraph":
        found.keys(kind, content, {"text"}, {"text"})
        found.text(kind, content.get("text"), LARGEST)
    elif kind == "buttonList":
        for button in content.get("buttons", []):
            if found.keys("button", button, {"text", "onClick"}, {"text", "onClick"}):
                found.text("button.text", button["text"], 100)
                found.link("button", button["onClick"].get("openLink", {}).get("url"))


@dataclass
class GoogleChat:
    """A webhook of a space, whose messages are threads."""

    is_deleted: bool = False
    threads: list[list[dict[str, object]]] = field(default_factory=list)
    _by_key: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def answer(self, request: Received) -> Reply:
        query = parse_qs(urlsplit(request.path).query)
        if self.is_deleted:
            return refused(404, "NOT_FOUND", "Requested entity was not found.")
        if "authorization" in request.headers or not {"key", "token"} <= query.keys():
            return refused(401, "UNAUTHENTICATED", "Request had invalid authentication.")
        message = document_of(request)
        found = faults(message, len(request.body))
        if found:
            return refused(400, "INVALID_ARGUMENT", "; ".join(found))
        key = message.get("thread", {}).get("threadKey", "")
        # Without the option, a key that is known begins a new thread all the same.
        replies = query.get("messageReplyOption") == ["REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"]
        thread = self._by_key.get(key) if replies else None
        if thread is None:
            thread = []
            self._by_key[key] = thread
            self.threads.append(thread)
        thread.append(message)
        return said(200, {"name": "spaces/AAAA/messages/1", **message})


def refused(status: int, name: str, message: str) -> Reply:
    """Answer as Google's services do."""
    return said(status, {"error": {"code": status, "message": message, "status": name}})
