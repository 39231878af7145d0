"""Slack's incoming webhooks, in Block Kit; for other hosts the attachments that they all read.

Limits and answers are Slack's. Text is in rich or plain objects where it can be, so that nothing in
a name is markup; where it is mrkdwn, the three characters that Slack reads are escaped, and what
has no escape there stands in code.
"""

import re

from runhook.domain.formats.format import (
    Answer,
    Meaning,
    MessageFormat,
    NoSettings,
    Reading,
    Rendered,
)
from runhook.domain.messages.message import Fact, Link, Message, Node, Severity, and_more
from runhook.domain.messages.telling import Telling
from runhook.domain.messages.text import calls, defused, fill, fit
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.payload import encoded

SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
COLORS = {
    Severity.NEUTRAL: "#868e96",
    Severity.GOOD: "#2eb67d",
    Severity.WARNING: "#ecb22e",
    Severity.BAD: "#e01e5a",
}
HEADER_LIMIT = 140
TEXT_LIMIT = 2_500
"""All blocks together stay below 10,000 characters."""
FIELD_LIMIT = 150
FIELDS = 10
BUTTON_LIMIT = 70
URL_LIMIT = 1_500
FALLBACK_LIMIT = 3_500
# Of a reason, and of nodes, in an attachment: servers take 4,000 characters of it at least.
ATTACHMENT_LIMIT = 1_000
NAME_LIMIT = 200
NODE_LIMIT = 500
REASON_LIMIT = 1_000
MARKUP = frozenset("*_~`")
BACKTICK_ALIKE = "\N{MODIFIER LETTER GRAVE ACCENT}"

REFUSED = frozenset(
    {"invalid_payload", "no_text", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
    | {"too_many_attachments"}
)
GONE = frozenset(
    {"channel_not_found", "no_service", "no_active_hooks", "no_team", "no_service_id"}
    | {"channel_is_archived"}
)


class Slack(MessageFormat[NoSettings]):
    """One message in the channel of an incoming webhook."""

    name = "slack"
    title = "Slack"
    summary = "A message in a Slack channel; Mattermost and Rocket.Chat read it too."
    where = (
        "In Slack: your app, Incoming Webhooks, Add New Webhook to Workspace, choose the channel, "
        "and copy the Webhook URL."
    )
    rate_limit = RateLimit(1, "second")
    usual_host = "hooks.slack.com"
    url_is_secret = True
    mentionable = re.compile(r"[UWS][A-Z0-9]{5,20}")
    mentionable_as = "the id of a user (`U...`, `W...`) or of a user group (`S...`)"
    is_common = True
    settings = NoSettings

    def compose(self, message: Message, telling: Telling, settings: NoSettings) -> Rendered:
        del settings
        build = blocks_of if telling.host in SLACK_HOSTS else attachments_of
        return Rendered(body=encoded(build(message)))

    def read(self, answer: Answer) -> Reading:
        """Read an answer: Slack's own say what happened in a word, which counts before the status.

        Others that speak Slack's language answer as they like, so that only a 2xx is sure.
        """
        word = answer.text
        if word in REFUSED:
            return Reading(meaning=Meaning.REFUSED, words=word)
        if word in GONE:
            return Reading(meaning=Meaning.GONE, words=word)
        if answer.is_success and answer.host in SLACK_HOSTS and word != "ok":
            return Reading(meaning=Meaning.FINAL, words=word or "Slack did not say `ok`.")
        return super().read(answer)


def blocks_of(message: Message) -> dict[str, object]:
    """A message in Block Kit: the headline, and the rest beside a bar in its colour."""
    mentions = " ".join(map(mention, message.mentions))
    return {
        "text": fallback_of(message),
        "blocks": [
            {"type": "header", "text": plain(message.headline, HEADER_LIMIT)},
            *([section(mentions)] if mentions else []),
        ],
        "attachments": [{"color": COLORS[message.severity], "blocks": details_of(message)}],
    }


def mention(id_: str) -> str:
    """The markup that mentions a user or a user group."""
    return f"<!subteam^{id_}>" if id_.startswith("S") else f"<@{id_}>"


def details_of(message: Message) -> list[object]:
    """The blocks below the headline."""
    blocks: list[object] = []
    if message.facts:
        fields = [marked(field_of(one)) for one in message.facts[:FIELDS]]
        blocks.append({"type": "section", "fields": fields})
    if message.reason:
        blocks.append(section(fenced(message.reason, REASON_LIMIT)))
    if message.nodes or message.more_nodes:
        blocks.append(section(nodes_of(message, TEXT_LIMIT)))
    buttons = [button(one) for one in message.links if len(one.url) <= URL_LIMIT]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def attachments_of(message: Message) -> dict[str, object]:
    """A message in the form that all servers read that speak Slack's language."""
    lines = [f"*{escape(one.name)}*: {inert(one.value, FIELD_LIMIT)}" for one in message.facts]
    if message.reason:
        lines.append(fenced(message.reason, ATTACHMENT_LIMIT))
    if message.nodes or message.more_nodes:
        lines.append(nodes_of(message, ATTACHMENT_LIMIT))
    others = [one for one in message.links[1:] if len(one.url) <= ATTACHMENT_LIMIT]
    lines += [f"<{escape(one.url)}|{escape(one.title)}>" for one in others]
    title = fit(message.headline, HEADER_LIMIT, escape=escape_bare)
    return {
        "attachments": [
            {
                "fallback": fit(message.headline, FALLBACK_LIMIT, escape=escape_bare),
                "color": COLORS[message.severity],
                "title": title,
                **({"title_link": message.links[0].url} if message.links else {}),
                "text": "\n".join(lines),
                "mrkdwn_in": ["text"],
            }
        ],
    }


def fallback_of(message: Message) -> str:
    """What a notification shows."""
    return fit(message.headline, FALLBACK_LIMIT, escape=escape)


def nodes_of(message: Message, limit: int) -> str:
    """List the nodes that failed, one a line, and say how many are left out."""
    lines = [node_line(one) for one in message.nodes]
    return fill(lines, limit, more=and_more, beside=message.more_nodes)


def node_line(node: Node) -> str:
    """A node's name and what it says."""
    name = f"\N{BULLET} {code(node.label, NAME_LIMIT)}"
    return f"{name} {code(node.message, NODE_LIMIT)}" if node.message else name


def field_of(fact: Fact) -> str:
    """A fact for a block of two columns."""
    return f"*{escape(fact.name)}*\n{inert(fact.value, FIELD_LIMIT)}"


def section(text: str) -> dict[str, object]:
    """A block of text."""
    return {"type": "section", "text": marked(text)}


def button(link: Link) -> dict[str, object]:
    """A button that opens an address."""
    return {"type": "button", "text": plain(link.title, BUTTON_LIMIT), "url": link.url}


def plain(text: str, limit: int) -> dict[str, object]:
    """A text without markup."""
    return {"type": "plain_text", "text": fit(text, limit, escape=escape), "emoji": False}


def marked(text: str) -> dict[str, object]:
    """A text whose values are escaped; what looks like an address or a name is none."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def escape(text: str) -> str:
    """Escape what Slack reads as a mention, a link or an entity."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_bare(text: str) -> str:
    """Escape a text that stands outside of code where others read more than Slack does."""
    return escape(defused(text))


def inert(text: str, limit: int) -> str:
    """A value that is not markup: in code, if Slack or another who reads this could see some."""
    if MARKUP.isdisjoint(text) and not calls(text):
        return fit(text, limit, escape=escape)
    return code(text, limit)


def code(text: str, limit: int) -> str:
    """A value in code, where nothing but its end is markup."""
    return f"`{fit(text, limit, escape=escape_code)}`"


def fenced(text: str, limit: int) -> str:
    """Lines of code."""
    return f"```\n{fit(text, limit, escape=escape_code)}\n```"


def escape_code(text: str) -> str:
    """Escape a text that stands in code; what ends code has no escape, so that it is replaced."""
    return escape(text.replace("`", BACKTICK_ALIKE))
