"""Google Chat's incoming webhooks: a card for each event, in one thread for each run."""

from dataclasses import replace
from html import escape

from runhook.domain.errors import InvalidError
from runhook.domain.formats.addresses import is_at_host, query_names, with_parameter
from runhook.domain.formats.format import (
    Draft,
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

HOST = "chat.googleapis.com"
LARGEST = 28_000
TITLE_LIMIT = 180
VALUE_LIMIT = 300
REASON_LIMIT = 1_500
NAME_LIMIT = 300
NODE_LIMIT = 700
FACTS = 10
ALIKE = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    }
)
COLON_SLASHES, COLON_SLASHES_ALIKE = "://", ":\N{DIVISION SLASH}\N{DIVISION SLASH}"


class GoogleChat(MessageFormat[NoSettings]):
    """A card in a space."""

    name = "google_chat"
    title = "Google Chat"
    summary = "A card in a Google Chat space, one thread for each run."
    where = "In Google Chat: the space, Apps & integrations, Webhooks, Add webhook; copy its link."
    rate_limit = RateLimit(1, "second")
    url_is_secret = True
    look = Look.CARD
    is_common = True
    reasons_at = ("error.message",)
    settings = NoSettings

    def check_url(self, url: str) -> None:
        """Refuse addresses without the key and the token of a webhook."""
        if is_at_host(url, HOST) and not {"key", "token"} <= set(query_names(url)):
            raise InvalidError(
                "a webhook's link has `key=` and `token=` in it; copy all of it",
                field="client_url",
            )

    def compose(self, message: Message, telling: Telling, settings: NoSettings) -> Rendered:
        """A card with as many nodes as it has room for."""
        del telling, settings
        run_id = message.run_id
        key = f"run-{run_id}" if run_id is not None else message.correlation_key

        def build(count: int) -> bytes:
            return encoded(
                {
                    "cardsV2": [{"cardId": "run", "card": card_of(message, count)}],
                    "thread": {"threadKey": key},
                }
            )

        return Rendered(body=as_many_as_fit(build, len(message.nodes), LARGEST))

    def finish(self, draft: Draft, settings: NoSettings) -> Draft:
        """Continue a thread that exists; without this each message begins one."""
        del settings
        option = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
        return replace(draft, url=with_parameter(draft.url, "messageReplyOption", option))


def card_of(message: Message, count: int) -> dict[str, object]:
    """A card that shows ``count`` nodes."""
    sections: list[dict[str, object]] = []
    widgets: list[dict[str, object]] = [
        labelled(one.name, html_text(one.value, VALUE_LIMIT)) for one in message.facts[:FACTS]
    ]
    if message.reason:
        widgets.insert(0, paragraph(html_text(message.reason, REASON_LIMIT)))
    if widgets:
        sections.append({"widgets": widgets})
    nodes = [labelled(*node_texts(one)) for one in message.nodes[:count]]
    more = len(message.nodes) - count + message.more_nodes
    if more:
        nodes.append(paragraph(and_more(more)))
    if nodes:
        title = "Failed nodes" if message.severity is Severity.BAD else "Nodes with warnings"
        sections.append({"header": title, "widgets": nodes})
    buttons = [
        {"text": one.title, "onClick": {"openLink": {"url": one.url}}} for one in message.links
    ]
    if buttons:
        sections.append({"widgets": [{"buttonList": {"buttons": buttons}}]})
    return {
        "header": {
            "title": fit(message.headline, TITLE_LIMIT, escape=unlinked),
            "subtitle": message.status.value.capitalize(),
        },
        "sections": sections,
    }


def node_texts(node: Node) -> tuple[str, str]:
    """A node's name and its message."""
    return unlinked(fit(node.label, NAME_LIMIT)), html_text(node.message or node.status, NODE_LIMIT)


def labelled(label: str, text: str) -> dict[str, object]:
    """A text below its label."""
    return {"decoratedText": {"topLabel": label, "text": text or "\N{EN DASH}", "wrapText": True}}


def paragraph(text: str) -> dict[str, object]:
    return {"textParagraph": {"text": text}}


def html_text(text: str, limit: int) -> str:
    """Escape a text for HTML, which texts of cards are."""
    return fit(text, limit, escape=in_html)


def in_html(text: str) -> str:
    lines = escape(text.replace(COLON_SLASHES, COLON_SLASHES_ALIKE), quote=False)
    return lines.replace("\n", "<br>")


def unlinked(text: str) -> str:
    """A text without markup, for places where entities may not be decoded."""
    return text.translate(ALIKE).replace(COLON_SLASHES, COLON_SLASHES_ALIKE)
