"""Mail programs: what they read in a letter, and what they would fetch."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import cast
from urllib.parse import urlsplit

from runhook.domain.formats.format import Rendered

SETTINGS: dict[str, object] = {"to": ["data@example.com", "ada@example.com"]}
SECRETS: list[str] = []

LONGEST_LINE = 998
LARGEST = 250_000
HEADERS = [
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Runhook-Event",
    "X-Runhook-Webhook",
    "MIME-Version",
    "Content-Type",
]
TAGS = {"html", "head", "meta", "title", "body", "div", "h1", "p", "ul", "li", "strong", "span"}
TAGS |= {"bdi", "br", "table", "tr", "th", "td", "a"}


class Page(HTMLParser):
    """What a mail program would make of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert name in {"style", "href", "lang", "charset", "name", "content", "align", "role"}
            assert "url(" not in (value or "")
            if name == "href":
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def letter_in(body: bytes) -> EmailMessage:
    """Read a letter as mail programs do."""
    return cast(EmailMessage, message_from_bytes(body, policy=default))


def text_of(body: bytes, kind: str = "plain") -> str:
    part = letter_in(body).get_body((kind,))
    assert part is not None
    return str(part.get_content())


def page_of(body: bytes) -> Page:
    page = Page()
    page.feed(text_of(body, "html"))
    return page


def check(rendered: Rendered) -> None:
    body = rendered.body
    lines = body.split(b"\r\n")
    assert body.isascii()
    assert len(body) < LARGEST
    assert not [one for one in lines if len(one) > LONGEST_LINE or b"\n" in one or b"\r" in one]
    letter = letter_in(body)
    assert letter.keys() == HEADERS
    assert not [defect for part in letter.walk() for defect in part.defects]
    assert "\n" not in letter["Subject"]
    assert letter["To"] == ", ".join(cast(list[str], SETTINGS["to"]))
    kinds = [part.get_content_type() for part in letter.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    page = page_of(body)
    assert page.tags <= TAGS
    assert all(urlsplit(one).scheme in {"http", "https"} for one in page.links)
    for text in (page.text, text_of(body)):
        assert not [one for one in text if "\u202a" <= one <= "\u202e"]
