"""Microsoft Teams: an Adaptive Card that a Power Automate flow posts.

Texts stand in rich text blocks, which have no markup at all. What Teams makes of a card has to stay
below 28 KB, and a flow that posts nothing says so to its owner only.
"""

import re

from runhook.domain.errors import InvalidError
from runhook.domain.formats.addresses import is_at_host, query_names, refuse
from runhook.domain.formats.format import (
    Look,
    MessageFormat,
    NoSettings,
    Rendered,
)
from runhook.domain.messages.message import Message, Node, Severity, and_more
from runhook.domain.messages.telling import Telling
from runhook.domain.messages.text import as_many_as_fit, fit
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.payload import encoded

LARGEST = 20_000
HEADLINE_LIMIT = 400
VALUE_LIMIT = 150
FACTS = 10
REASON_LIMIT = 800
REASON_LINES = 8
NAME_LIMIT = 200
NODE_LIMIT = 400
URL_LIMIT = 1_000
CARD = "application/vnd.microsoft.card.adaptive"
FLOWS = ("logic.azure.com", "api.powerplatform.com")
INSTEAD = (
    "Office connectors were retired. In Teams create a workflow from the template `Post to a "
    "channel when a webhook request is received`, and give its URL"
)
COLORS = {
    Severity.NEUTRAL: "default",
    Severity.GOOD: "good",
    Severity.WARNING: "warning",
    Severity.BAD: "attention",
}
STYLES = {**COLORS, Severity.NEUTRAL: "emphasis"}


class Teams(MessageFormat[NoSettings]):
    """A card in a channel."""

    name = "teams"
    title = "Microsoft Teams"
    summary = "A card in a Teams channel, posted by a workflow."
    where = (
        "In Teams: the channel, Workflows, `Post to a channel when a webhook request is received`; "
        "copy the URL that it shows in the end. It says only that the workflow took a card: look "
        "whether a test arrives."
    )
    rate_limit = RateLimit(1, "second")
    url_is_secret = True
    caveat = (
        "The flow has accepted it. Whether it was posted, Teams does not say: look whether it has "
        "arrived, and into the flow's run history if it has not."
    )
    mentionable = re.compile(
        r"[A-Za-z0-9.'-]{1,60}@[A-Za-z0-9.-]{1,60}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    )
    mentionable_as = "a user principal name (as `ann@example.com`) or a user's object id"
    look = Look.CARD
    is_common = True
    reasons_at = ("error.code", "error.message")
    settings = NoSettings

    def check_url(self, url: str) -> None:
        """Refuse what is not an address of a flow that anybody who knows it can use."""
        refuse(url, "webhook.office.com", INSTEAD)
        refuse(url, "outlook.office.com", INSTEAD)
        refuse(url, "outlook.office365.com", INSTEAD)
        if "&amp;" in url:
            raise InvalidError("it has `&amp;` where `&` belongs", field="client_url")
        if is_at_host(url, *FLOWS) and "sig" not in query_names(url):
            raise InvalidError(
                "it has no `sig=`: the workflow asks who calls it. Let its trigger be called by "
                "`Anyone`, and copy its URL anew",
                field="client_url",
            )

    def compose(self, message: Message, telling: Telling, settings: NoSettings) -> Rendered:
        """A card with as many nodes as it has room for."""
        del telling, settings

        def build(count: int) -> bytes:
            card = {"contentType": CARD, "contentUrl": None, "content": card_of(message, count)}
            return encoded({"type": "message", "attachments": [card]})

        return Rendered(body=as_many_as_fit(build, len(message.nodes), LARGEST))


def card_of(message: Message, count: int) -> dict[str, object]:
    """A card that shows so many nodes."""
    headline = text_run(
        fit(message.headline, HEADLINE_LIMIT),
        size="Large",
        weight="Bolder",
        color=COLORS[message.severity],
    )
    body: list[object] = [
        {
            "type": "Container",
            "style": STYLES[message.severity],
            "bleed": True,
            "items": [block(headline)],
        }
    ]
    if message.mentions:
        body.append(
            {"type": "TextBlock", "wrap": True, "text": " ".join(map(at, message.mentions))}
        )
    lines = fit(message.reason, REASON_LIMIT).splitlines()
    body += [block(text_run(line)) for line in lines[:REASON_LINES] if line.strip()]
    body += [
        block(text_run(f"{one.name}: ", weight="Bolder"), text_run(fit(one.value, VALUE_LIMIT)))
        for one in message.facts[:FACTS]
    ]
    body += [node_block(one) for one in message.nodes[:count]]
    more = len(message.nodes) - count + message.more_nodes
    if more:
        body.append(block(text_run(and_more(more), isSubtle=True)))
    actions = [
        {"type": "Action.OpenUrl", "title": one.title, "url": one.url}
        for one in message.links
        if len(one.url) <= URL_LIMIT
    ]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {
            "width": "Full",
            **({"entities": list(map(entity, message.mentions))} if message.mentions else {}),
        },
        "body": body,
        **({"actions": actions} if actions else {}),
    }


def at(id_: str) -> str:
    """The markup that mentions a user."""
    return f"<at>{id_}</at>"


def entity(id_: str) -> dict[str, object]:
    """The entity that says whom such markup mentions."""
    return {"type": "mention", "text": at(id_), "mentioned": {"id": id_, "name": id_}}


def node_block(node: Node) -> dict[str, object]:
    """A node's name and what it says."""
    name = text_run(f"\N{BULLET} {fit(node.label, NAME_LIMIT)}", weight="Bolder")
    if not node.message:
        return block(name)
    return block(name, text_run(f"  {fit(node.message, NODE_LIMIT)}", fontType="Monospace"))


def block(*inlines: dict[str, object]) -> dict[str, object]:
    """A line of texts that wraps, in which nothing is markup."""
    return {"type": "RichTextBlock", "spacing": "Small", "inlines": list(inlines)}


def text_run(text: str, **looks: object) -> dict[str, object]:
    """A piece of text."""
    return {"type": "TextRun", "text": text, **looks}
