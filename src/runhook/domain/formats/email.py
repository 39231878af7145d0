"""E-mail: a letter for each event, as plain text and as HTML, over the operator's mail server."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from runhook.domain.errors import InvalidError
from runhook.domain.formats.format import (
    LETTER,
    SMTP_COMMAND,
    Answer,
    Meaning,
    MessageFormat,
    Reading,
    Rendered,
)
from runhook.domain.messages.letters import (
    Letter,
    host_of_letters,
    html_page,
    html_value,
    letter_bytes,
)
from runhook.domain.messages.mailboxes import check_address, mailto
from runhook.domain.messages.message import Message, Node, Severity, and_more
from runhook.domain.messages.telling import Telling
from runhook.domain.messages.text import fit, one_line
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import Texts
from runhook.domain.options.rate_limits import RateLimit

MOST_RECIPIENTS = 20
LINE_CHARACTERS = 76
NAME_CHARACTERS = 60
INDENT = "    "
COLOURS = {
    # Each is told from white and from black.
    Severity.NEUTRAL: "#808890",
    Severity.GOOD: "#2e9e5b",
    Severity.WARNING: "#c98a00",
    Severity.BAD: "#e0463c",
}
MONOSPACE = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px"
HEADLINE = "font-size:19px;line-height:1.3;margin:0 0 10px"
NAME_CELL = "padding:2px 14px 2px 0;font-weight:600;vertical-align:top"
ABOUT_MESSAGE = frozenset({"DATA"})
ABOUT_ADDRESSES = frozenset({"RCPT TO"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """What a webhook that mails needs."""

    to: tuple[str, ...] = option(
        (),
        Texts(check_address, most=MOST_RECIPIENTS, rows=3),
        label="To",
        hint=f"One address a line, at most {MOST_RECIPIENTS}. Each sees the others.",
        help=f"a list of addresses, at most {MOST_RECIPIENTS}, such as `data@example.com`; each "
        "sees the others",
    )


class Email(MessageFormat[EmailSettings]):
    """A letter to a few people or a list."""

    name = "email"
    title = "E-mail"
    summary = "A letter to people or a mailing list, over the mail server of this service."
    where = (
        "Write the addresses, one a line; there is no URL. Letters go over the mail server of this "
        "service."
    )
    settings = EmailSettings
    content_type = LETTER
    rate_limit = RateLimit(30, "minute")
    answerer = "The mail server"
    to_mend = "the webhook's addresses"
    caveat = "The mail server took it; whether it arrives, the inbox tells."
    is_relayed = True
    takes_url = False
    unused_options = frozenset(
        {"authorization", "ca_certificate", "client_certificate", "custom_headers", "verify_tls"}
    )

    def check(self, settings: EmailSettings) -> EmailSettings:
        """Check that settings have an address."""
        if not settings.to:
            raise InvalidError("give at least one address", field="to")
        return settings

    def check_url(self, url: str) -> None:
        """Refuse every URL: a letter goes to addresses.

        Raises:
            InvalidError: always.
        """
        del url
        raise InvalidError(
            "leave it out: e-mail goes to the addresses in `format_settings.to`",
            field="client_url",
        )

    def address(self, settings: EmailSettings) -> str | None:
        """The addresses as a URL."""
        return mailto(settings.to) if settings.to else None

    def compose(self, message: Message, telling: Telling, settings: EmailSettings) -> Rendered:
        """The letter, without its `From`."""
        footer = footer_of(message, telling)
        return Rendered(
            body=letter_bytes(
                Letter(
                    id=telling.delivery_id,
                    host=host_of_letters(telling.public_url),
                    to=settings.to,
                    subject=message.headline,
                    text="\n".join([*text_lines(message), "", "-- ", *footer, ""]),
                    html=html_of(message, footer),
                    date=message.occurred_at,
                    thread=f"{telling.webhook_id}.{message.correlation_key}",
                    headers={
                        "X-Runhook-Event": message.event_type.value,
                        "X-Runhook-Webhook": telling.webhook_id,
                    },
                )
            )
        )

    def read(self, answer: Answer) -> Reading:
        """Read a mail server's answer: a refusal for ever is final, if it is of this message."""
        if answer.is_success:
            return Reading(meaning=Meaning.TAKEN)
        if 500 <= answer.status < 600:
            command = answer.headers.get(SMTP_COMMAND)
            if command in ABOUT_MESSAGE:
                return Reading(meaning=Meaning.REFUSED, words=answer.text)
            if command in ABOUT_ADDRESSES:
                return Reading(meaning=Meaning.FINAL, words=answer.text)
        # A server that is full, or does not know our login, takes it once that is fixed.
        return Reading(meaning=Meaning.RETRY)


def footer_of(message: Message, telling: Telling) -> list[str]:
    """Say why this is sent, and where that is changed."""
    name = fit(one_line(telling.webhook_name), NAME_CHARACTERS)
    lines = [f"Runhook sent this for the webhook {name}."]
    if telling.public_url:
        lines.append(
            f"{telling.public_url}/accounts/{message.account_id}/webhooks/{telling.webhook_id}"
        )
    return lines


def text_lines(message: Message) -> Iterator[str]:
    """Yield the lines of plain text."""
    yield from wrapped(message.headline)
    if message.reason:
        yield ""
        for line in message.reason.splitlines():
            yield from wrapped(line)
    if message.nodes or message.more_nodes:
        yield ""
        for node in message.nodes:
            yield from wrapped(node.label)
            yield from wrapped(node.message, INDENT)
        if message.more_nodes:
            yield and_more(message.more_nodes)
    if message.facts:
        yield ""
        width = max(len(one.name) for one in message.facts) + 1
        for one in message.facts:
            first, *others = wrapped(one.value, " " * (width + 1)) or [""]
            yield f"{one.name + ':':<{width}} {first.strip()}"
            yield from others
    for link in message.links:
        yield ""
        yield f"{link.title}:"
        yield link.url


def wrapped(text: str, indent: str = "") -> list[str]:
    """Break a text into lines for a terminal; a word longer than a line stays whole."""
    return wrap(
        text,
        LINE_CHARACTERS,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def html_of(message: Message, footer: list[str]) -> str:
    """The letter as a page that fetches nothing."""
    colour = COLOURS[message.severity]
    parts = [
        f'<div style="border-left:4px solid {colour};padding-left:14px">',
        f'<h1 style="{HEADLINE}">{html_value(message.headline)}</h1>',
    ]
    if message.reason:
        parts.append(f"<p>{html_value(message.reason)}</p>")
    if message.nodes or message.more_nodes:
        parts += ["<ul>", *map(node_item, message.nodes)]
        parts += [f"<li>{and_more(message.more_nodes)}</li>"] if message.more_nodes else []
        parts.append("</ul>")
    if message.facts:
        rows = [
            f'<tr><th align="left" style="{NAME_CELL}">{html_value(one.name)}</th>'
            f'<td style="padding:2px 0">{html_value(one.value)}</td></tr>'
            for one in message.facts
        ]
        parts += ['<table role="presentation" style="border-spacing:0;font-size:14px">', *rows]
        parts.append("</table>")
    if message.links:
        links = [
            f'<a href="{escape(one.url)}" style="font-weight:600;margin-right:18px">'
            f"{escape(one.title)}</a>"
            for one in message.links
        ]
        parts.append(f'<p style="margin:14px 0 0">{"".join(links)}</p>')
    said, *where = footer
    about = "".join(f' <a href="{escape(one)}">Change it</a>.' for one in where)
    parts += ["</div>", f'<p style="font-size:12px;margin:20px 0 0">{html_value(said)}{about}</p>']
    return html_page(message.headline, "\n".join(parts))


def node_item(node: Node) -> str:
    """Item of a node with its message."""
    told = (
        f'<br><span style="{MONOSPACE}">{html_value(node.message)}</span>' if node.message else ""
    )
    return f"<li><strong>{html_value(node.label)}</strong>{told}</li>"
