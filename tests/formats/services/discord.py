"""Discord's webhooks."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from runhook.domain.formats.format import Rendered
from tests.formats.answering import Faults, Reply, document_of, said
from tests.support.receiver import Received

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []

KEYS = {"content", "embeds", "username", "avatar_url", "allowed_mentions", "components"}
EMBED_KEYS = {
    "title",
    "description",
    "url",
    "timestamp",
    "color",
    "footer",
    "author",
    "fields",
}
ALL_EMBEDS = 6_000
LINK = re.compile(r"\[Open what started it\]\(https?://[^\s()<>]*\)")
ESCAPED_OR_CODE = re.compile(r"\\[\\`*_~|<>#\-+\[\]()@:./!]|```\n[^`]*\n```|`[^`\n]+`")
MARKUP = re.compile(r"[\\`*_~|<>\[\]()@#]|://")


def check(rendered: Rendered) -> None:
    message = json.loads(rendered.body)
    assert not faults(message)
    assert message["allowed_mentions"] == {"parse": []}
    for embed in message["embeds"]:
        check_inert(embed["title"])
        check_inert(LINK.sub("", embed.get("description", "")))
        for one in embed["fields"]:
            check_inert(one["value"])


def check_inert(text: str) -> None:
    """Outside of code each character that could be markup has a backslash before it."""
    rest = ESCAPED_OR_CODE.sub("", text)
    assert not MARKUP.search(rest), rest


def faults(message: object) -> list[str]:
    """List what Discord would refuse, and what it would let ping somebody."""
    found = Faults()
    if not found.keys("message", message, KEYS, {"allowed_mentions"}):
        return found
    if not message.get("content") and not message.get("embeds"):
        found.append("Cannot send an empty message")
    if "content" in message:
        found.text("content", message["content"], 2_000)
    if "username" in message:
        found.text("username", message["username"], 80)
        if any(word in message["username"].lower() for word in ("clyde", "discord")):
            found.append("username is reserved")
    embeds = message.get("embeds", [])
    if len(embeds) > 10:
        found.append("embeds has more than 10")
    for embed in embeds:
        if found.keys("embed", embed, EMBED_KEYS, set()):
            check_embed(found, embed)
    if sum(length_of(embed) for embed in embeds) > ALL_EMBEDS:
        found.append(f"Embed size exceeds maximum size of {ALL_EMBEDS}")
    urls = [embed["url"] for embed in embeds if "url" in embed]
    if len(urls) != len(set(urls)):
        found.append("embeds of the same url are merged")
    return found


def check_embed(found: Faults, embed: dict[str, object]) -> None:
    for key, most in (("title", 256), ("description", 4_096)):
        if key in embed:
            found.text(key, embed[key], most)
    if "url" in embed:
        found.link("url", embed["url"])
    color = embed.get("color", 0)
    if not isinstance(color, int) or not 0 <= color <= 0xFFFFFF:
        found.append("color is no number of a color")
    if "footer" in embed and found.keys("footer", embed["footer"], {"text", "icon_url"}, {"text"}):
        found.text("footer.text", embed["footer"]["text"], 2_048)
    fields = embed.get("fields", [])
    if len(fields) > 25:
        found.append("fields has more than 25")
    for one in fields:
        if found.keys("field", one, {"name", "value", "inline"}, {"name", "value"}):
            found.text("field.name", one["name"], 256)
            found.text("field.value", one["value"], 1_024)


def length_of(embed: dict[str, object]) -> int:
    """Count what counts towards the limit of all embeds."""
    return (
        len(embed.get("title", ""))
        + len(embed.get("description", ""))
        + len(embed.get("footer", {}).get("text", ""))
        + len(embed.get("author", {}).get("name", ""))
        + sum(len(one["name"]) + len(one["value"]) for one in embed.get("fields", []))
    )


@dataclass
class Discord:
    """A webhook of a channel."""

    is_deleted: bool = False
    is_busy: bool = False
    posted: list[dict[str, object]] = field(default_factory=list)
    unseen: int = 0
    """Messages that were not saved while their sender did not wait to hear of it."""

    def answer(self, request: Received) -> Reply:
        waits = parse_qs(urlsplit(request.path).query).get("wait") == ["true"]
        if self.is_deleted:
            return said(404, {"message": "Unknown Webhook", "code": 10015})
        if "authorization" in request.headers:
            return said(401, {"message": "401: Unauthorized", "code": 0})
        if self.is_busy:
            busy = {"message": "You are being rate limited.", "retry_after": 0.4, "global": False}
            return said(429, busy, retry_after="1")
        message = document_of(request)
        found = faults(message)
        if found:
            told = {"message": "Invalid Form Body", "code": 50035, "errors": {"_errors": found}}
            return said(400, told)
        if not waits:
            self.unseen += 1
            return Reply(204)
        self.posted.append(message)
        return said(200, {"id": "1", "type": 0, **message})
