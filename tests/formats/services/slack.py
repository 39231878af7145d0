"""Slack: the limits of Block Kit, with Slack's own models for the types of blocks.

The models do not see fields that are too long, empty texts and unknown keys; those are here.
"""

import json
import re

from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import Block

from runhook.domain.formats.format import Rendered

SETTINGS: dict[str, object] = {}
SECRETS: list[str] = []

TEXT_LIMITS = {"header": 150, "section": 3_000, "button": 75, "field": 2_000}
KEYS = {
    "header": {"type", "text"},
    "section": {"type", "text", "fields"},
    "actions": {"type", "elements"},
    "button": {"type", "text", "url"},
}
# What Slack reads between angle brackets: a mention, a channel, a link.
ANGLE = re.compile(r"<[^<>]*>")
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
CALLS = re.compile(r"[@#~!]\w|\]\(|://|www\.")
CODE = re.compile(r"```\n.*?\n```|`[^`\n]+`", re.DOTALL)


def check(rendered: Rendered) -> None:
    payload = json.loads(rendered.body)
    if "blocks" not in payload:
        check_attachments(payload)
        return
    assert set(payload) <= {"text", "blocks", "attachments"}
    assert 1 <= len(payload["text"]) <= 4_000
    check_escaped(payload["text"])
    blocks = list(payload["blocks"])
    for one in payload.get("attachments", []):
        assert set(one) == {"color", "blocks"}
        BlockAttachment(blocks=[Block.parse(block) for block in one["blocks"]])
        blocks += one["blocks"]
    assert 1 <= len(blocks) <= 50
    assert len(json.dumps(blocks, ensure_ascii=False).replace("\\\\", "\\")) <= 10_000
    for block in blocks:
        check_block(block)


def check_block(block: dict) -> None:
    parsed = Block.parse(block)
    assert parsed is not None
    parsed.to_dict()
    assert set(block) <= KEYS[block["type"]]
    if "text" in block:
        check_text(block["text"], TEXT_LIMITS[block["type"]])
    if block["type"] == "section":
        assert "text" in block or block["fields"]
        assert len(block.get("fields", [])) <= 10
        for field in block.get("fields", []):
            check_text(field, TEXT_LIMITS["field"])
    if block["type"] == "header":
        assert block["text"]["type"] == "plain_text"
    for element in block.get("elements", []):
        assert set(element) <= KEYS["button"]
        check_text(element["text"], TEXT_LIMITS["button"])
        assert len(element["url"]) <= 3_000
        assert element["url"].startswith(("https://", "http://"))


def check_text(text: dict, limit: int) -> None:
    assert 1 <= len(text["text"]) <= limit
    check_escaped(text["text"])
    if text["type"] == "mrkdwn":
        assert text["verbatim"] is True
        check_markup(text["text"])


def check_escaped(text: str) -> None:
    assert not ENTITY.search(text)
    assert "<" not in text
    assert ">" not in text


def check_markup(text: str) -> None:
    """Outside of code stands what we wrote, and values that hold no markup."""
    rest = CODE.sub("", text)
    assert "`" not in rest
    assert "~" not in rest
    assert "_" not in rest
    assert re.fullmatch(r"(?:\*[A-Za-z ]+\*)?[^*]*", rest, re.DOTALL)


def check_attachments(payload: dict) -> None:
    (one,) = payload["attachments"]
    assert one["fallback"]
    check_escaped(one["fallback"])
    check_escaped(one["title"])
    assert len(one["text"]) <= 4_000
    links = ANGLE.findall(one["text"])
    for found in links:
        url, _, title = found[1:-1].partition("|")
        assert url.startswith(("https://", "http://"))
        assert title == "Open what started it"
    rest = ANGLE.sub("", one["text"])
    check_escaped(rest)
    # Mattermost and Rocket.Chat read Markdown in all of it.
    for text in (one["fallback"], one["title"], CODE.sub("", rest)):
        assert not CALLS.search(text), text
    assert len(links) <= 1
