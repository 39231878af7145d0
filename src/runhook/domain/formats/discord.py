"""Discord's webhooks: an embed in a channel.

Names and messages stand in code, where nothing is markup but its end; that has no escape, so that
it is replaced. Where code is not shown, all punctuation that could be markup is escaped.
"""

import re
from dataclasses import replace

from runhook.domain.errors import InvalidError
from runhook.domain.formats.addresses import is_at_host, with_parameter
from runhook.domain.formats.answers import pause_in
from runhook.domain.formats.format import (
    Answer,
    Draft,
    Meaning,
    MessageFormat,
    NoSettings,
    Reading,
    Rendered,
)
from runhook.domain.messages.message import Link, Message, Node, Severity, and_more
from runhook.domain.messages.telling import Telling
from runhook.domain.messages.text import fill, fit
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.payload import encoded
from runhook.domain.payload.v2023_02 import precise_text

COLORS = {
    Severity.NEUTRAL: 0x868E96,
    Severity.GOOD: 0x2EB67D,
    Severity.WARNING: 0xECB22E,
    Severity.BAD: 0xE01E5A,
}
# All of an embed together has 6,000 characters; these leave a tenth of it.
TITLE_LIMIT = 230
REASON_LIMIT = 1_200
NODES_LIMIT = 1_800
NAME_LIMIT = 200
NODE_LIMIT = 400
FIELDS = 10
FIELD_LIMIT = 100
LINK_LIMIT = 600
MARKUP = re.compile(r"([\\`*_~|<>#\-+\[\]()@:./!])")
BACKTICK_ALIKE = "\N{MODIFIER LETTER GRAVE ACCENT}"
SUFFIXES = ("/slack", "/github")


class Discord(MessageFormat[NoSettings]):
    """One message in the channel of a webhook."""

    name = "discord"
    title = "Discord"
    summary = "A message in a Discord channel."
    where = (
        "In Discord: the channel's settings, Integrations, Webhooks, New Webhook, Copy Webhook URL."
    )
    rate_limit = RateLimit(1, "second")
    url_is_secret = True
    mentionable = re.compile(r"&?[0-9]{15,20}")
    mentionable_as = "the id of a user (digits) or of a role (`&` and digits)"
    is_common = True
    reasons_at = ("message", "errors")
    settings = NoSettings

    def check_url(self, url: str) -> None:
        """Refuse addresses that take other services' forms."""
        path = url.partition("?")[0].rstrip("/")
        if is_at_host(url, "discord.com", "discordapp.com") and path.endswith(SUFFIXES):
            raise InvalidError(
                "this address takes another service's form; leave off what stands behind the "
                "webhook's token",
                field="client_url",
            )

    def compose(self, message: Message, telling: Telling, settings: NoSettings) -> Rendered:
        """A message that pings only whom the webhook's owner chose."""
        del telling, settings
        users = [one for one in message.mentions if not one.startswith("&")]
        roles = [one.removeprefix("&") for one in message.mentions if one.startswith("&")]
        mentions = " ".join(f"<@{one}>" for one in message.mentions)
        body = {
            **({"content": mentions} if mentions else {}),
            "embeds": [embed_of(message)],
            "allowed_mentions": {
                "parse": [],
                **({"users": users} if users else {}),
                **({"roles": roles} if roles else {}),
            },
        }
        return Rendered(body=encoded(body))

    def finish(self, draft: Draft, settings: NoSettings) -> Draft:
        """Wait for the message to be saved: otherwise failing to save it is not an error."""
        del settings
        return replace(draft, url=with_parameter(draft.url, "wait", "true"))

    def read(self, answer: Answer) -> Reading:
        """Read an answer: 404 is final, and Discord blocks clients that go on after it."""
        reading = super().read(answer)
        if answer.status == 404:
            return replace(reading, meaning=Meaning.GONE)
        if answer.status == 429:
            return replace(reading, retry_after=pause_in(answer.body, "retry_after"))
        return reading


def embed_of(message: Message) -> dict[str, object]:
    """The embed, in the message's colour."""
    parts = []
    if message.reason:
        parts.append(f"```\n{code(message.reason, REASON_LIMIT)}\n```")
    if message.nodes or message.more_nodes:
        lines = [node_line(one) for one in message.nodes]
        parts.append(fill(lines, NODES_LIMIT, more=and_more, beside=message.more_nodes))
    parts += [linked(one) for one in message.links[1:] if len(address(one)) <= LINK_LIMIT]
    return {
        "title": fit(message.headline, TITLE_LIMIT, escape=escape),
        **({"url": message.links[0].url} if message.links else {}),
        **({"description": "\n".join(parts)} if parts else {}),
        "color": COLORS[message.severity],
        "fields": [
            {"name": one.name, "value": f"`{code(one.value, FIELD_LIMIT)}`", "inline": True}
            for one in message.facts[:FIELDS]
        ],
        "timestamp": precise_text(message.occurred_at),
    }


def node_line(node: Node) -> str:
    """A node's name and what it says."""
    name = f"\N{BULLET} `{code(node.label, NAME_LIMIT)}`"
    return f"{name} `{code(node.message, NODE_LIMIT)}`" if node.message else name


def linked(link: Link) -> str:
    """A link below the text."""
    return f"[{escape(link.title)}]({address(link)})"


def address(link: Link) -> str:
    """An address that does not end a link early."""
    return link.url.replace("(", "%28").replace(")", "%29")


def escape(text: str) -> str:
    """Escape what is markup, a mention or an address."""
    return MARKUP.sub(r"\\\1", text)


def code(text: str, limit: int) -> str:
    """A text that stands in code."""
    return fit(text, limit, escape=lambda one: one.replace("`", BACKTICK_ALIKE))
