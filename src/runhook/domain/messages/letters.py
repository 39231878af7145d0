"""Letters: messages as mail servers take them (RFC 5322), as plain text and as HTML.

A letter has no `From`: whose server sends it is known when it is sent. All else is made once, so
that each attempt sends the same bytes, and has the same `Message-ID`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from urllib.parse import urlsplit

from runhook.domain.messages.mailboxes import Mailbox
from runhook.domain.messages.text import fit, one_line

LINE_END = "\r\n"
SUBJECT_CHARACTERS = 250
FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
# No colour of text or ground is set, so that each mail program shows its own, light or dark.
PAGE = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n'
    '<meta name="color-scheme" content="light dark">\n'
    '<meta name="supported-color-schemes" content="light dark">\n'
    "<title>{title}</title></head>\n"
    '<body style="margin:0;padding:16px;{font};font-size:15px;line-height:1.5">\n{body}\n'
    "</body></html>\n"
)
UNKNOWN_HOST = "runhook.invalid"
"""Right side of a `Message-ID` where the service does not know its own address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An e-mail message before it is encoded."""

    id: str
    """Left side of its `Message-ID`; ASCII letters, digits, `.`, `_` and `-`."""
    host: str
    """Right side of its `Message-ID`."""
    to: Sequence[str]
    subject: str
    text: str
    html: str
    date: datetime
    thread: str = ""
    """Equal for letters that mail programs show as one conversation; in the form of ``id``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers: ASCII, one line each."""


def letter_bytes(letter: Letter) -> bytes:
    """A letter as it is sent, all of it in ASCII, without its `From`."""
    thread = f"<{letter.thread}@{letter.host}>"
    headers = {
        "To": f",{LINE_END} ".join(letter.to),
        "Subject": encoded_header("Subject", fit(one_line(letter.subject), SUBJECT_CHARACTERS)),
        "Date": format_datetime(letter.date),
        "Message-ID": f"<{letter.id}@{letter.host}>",
        **({"In-Reply-To": thread, "References": thread} if letter.thread else {}),
        # No holiday notice comes back (RFC 3834), from Exchange neither.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        **letter.headers,
    }
    lines = [f"{name}: {value}{LINE_END}" for name, value in headers.items()]
    return "".join(lines).encode("ascii") + both_forms_of(letter)


def both_forms_of(letter: Letter) -> bytes:
    """Both forms of a letter, the better one last, with the headers that say so."""
    body = EmailMessage(policy=SMTP)
    body.set_content(letter.text, cte="quoted-printable")
    body.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    # Quoted-printable has no `=_` in it.
    body.set_boundary(f"=_{letter.id}")
    return body.as_bytes()


def from_line(sender: Mailbox) -> bytes:
    """The header that says who a letter is from."""
    name = sender.name
    shown = str(sender) if name.isascii() else f"{encoded_header('From', name)} <{sender.address}>"
    return f"From: {shown}{LINE_END}".encode("ascii")


def encoded_header(name: str, text: str) -> str:
    """A header's text in ASCII, folded (RFC 2047)."""
    # What looks like an encoded word would be decoded.
    is_plain = text.isascii() and "=?" not in text
    header = Header(text, "us-ascii" if is_plain else "utf-8", header_name=name)
    return header.encode(linesep=LINE_END)


def host_of_letters(public_url: str | None) -> str:
    """The right side of `Message-ID`s of a service with this address."""
    host = (urlsplit(public_url or "").hostname or "").rstrip(".")
    is_name = host.isascii() and "." in host and ":" not in host and len(host) < 200
    return host if is_name else UNKNOWN_HOST


def html_page(title: str, body: str) -> str:
    """A page that fetches nothing; the body is HTML."""
    return PAGE.format(title=escape(title), font=FONT, body=body)


def html_value(text: str) -> str:
    """A value in HTML; its direction does not reach beyond it."""
    return "<bdi>{}</bdi>".format(escape(text).replace("\n", "<br>"))


def html_link(title: str, url: str) -> str:
    """A link in HTML."""
    return f'<a href="{escape(url)}" style="font-weight:600">{escape(title)}</a>'
