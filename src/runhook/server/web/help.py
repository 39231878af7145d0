"""The documents, as pages of the service: they fit its version, and need no other host."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from litestar import Response, Router, get
from litestar.params import FromPath
from litestar.response import Template
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from runhook.domain.errors import NotFoundError
from runhook.server.access.authentication import Access, open_to
from runhook.server.web.page.errors import show_error
from runhook.server.web.page.rendering import page

PACKAGE = Path(__file__).parents[2]
FOLDERS = (PACKAGE / "docs", PACKAGE.parents[1] / "docs")
"""Where the documents lie: in a wheel, and in a checkout."""
DOCUMENTS: Mapping[str, str] = {
    "tutorial": "Ten minutes",
    "installing": "Installing",
    "questions/README": "Questions",
    "guides/README": "Guides",
    "reporting": "Reporting runs",
    "receiving": "Receiving webhooks",
    "payloads": "Payloads and headers",
    "formats/README": "Formats",
    "guarantees": "Guarantees",
    "api": "API",
    "compatibility": "Compatibility",
    "sizing": "Sizing",
    "deploying": "Deploying",
    "settings": "Settings",
    "sign-in": "Sign-in",
    "operations": "Operations",
    "upgrading": "Upgrading",
    "security-model": "Security model",
    "security": "Threat model",
    "performance": "Performance",
    "deliveries": "Deliveries",
    "glossary": "Glossary",
}
"""The documents in the order of docs/index.md; those of folders are beside the folder's README."""
IN_FOLDERS = ("guides", "formats", "questions")
OWN_ADDRESSES: Mapping[str, str] = {"openapi.json": "/api/openapi.json"}
"""What the service has at an address of its own."""
TEXT = re.compile(r">[^<]+<")
HIDDEN = re.compile(r"^<!--.*?-->\n?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """A document as a page shows it."""

    title: str
    html: Markup


@get("/help", **open_to(Access.ANYONE))
async def show_documents() -> Template:
    """List the documents."""
    return page("help", documents=DOCUMENTS, shown="", document=None)


@get("/help/{name:path}", **open_to(Access.ANYONE))
async def show_document(name: FromPath[str]) -> Template | Response[bytes]:
    """Show a document, or a file that one shows or links to.

    Raises:
        NotFoundError: there is no such document.
    """
    asked = str(name).strip("/")
    if (media_type := files().get(asked)) is not None:
        return Response((folder() / asked).read_bytes(), media_type=media_type)
    if asked not in names():
        raise NotFoundError
    return page("help", documents=DOCUMENTS, shown=asked, document=document(asked))


@cache
def folder() -> Path:
    """Where the documents lie."""
    return next(one for one in FOLDERS if one.is_dir())


@cache
def names() -> frozenset[str]:
    """What documents there are, as their addresses name them."""
    in_folders = (
        found.relative_to(folder()).with_suffix("").as_posix()
        for name in IN_FOLDERS
        for found in (folder() / name).glob("*.md")
    )
    return frozenset({*DOCUMENTS, *in_folders})


@cache
def files() -> Mapping[str, str]:
    """The pictures and schemas beside documents, with their media types."""
    return {
        found.relative_to(folder()).as_posix(): media_type
        for pattern, media_type in (
            ("formats/pictures/*.png", "image/png"),
            ("schemas/*/*.json", "application/json"),
        )
        for found in folder().glob(pattern)
    }


@cache
def document(name: str) -> Document:
    """Read a document."""
    text = HIDDEN.sub("", (folder() / f"{name}.md").read_text())
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")
    tokens = parser.parse(text)
    relink_tokens(tokens, within=posixpath.dirname(name))
    heading = next((one.content for one in inlines_of(tokens, "h1")), name)
    html = parser.renderer.render(tokens, parser.options, {})
    # Only within a tag a quotation mark has to be written as six letters.
    html = TEXT.sub(lambda found: found[0].replace("&quot;", '"'), html)
    return Document(plain_heading(heading), Markup(html))  # noqa: S704 - of our own


def relink_tokens(tokens: Sequence[Token], *, within: str) -> None:
    """Give headings their ids, and links and pictures their addresses here."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slug(inline.content))
        for one in inline.children or ():
            if one.type == "link_open":
                one.attrSet("href", link_target(str(one.attrGet("href")), within=within))
            elif one.type == "image":
                one.attrSet("src", link_target(str(one.attrGet("src")), within=within))


def inlines_of(tokens: Sequence[Token], tag: str) -> Iterator[Token]:
    """Yield the texts of the headings of a level."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == tag:
            yield inline


def link_target(target: str, *, within: str) -> str:
    """Where a link of a document leads here; what is not served leads to the list of documents.

    Args:
        target: the link, as the document has it.
        within: the folder that the document is in.
    """
    parts = urlsplit(target)
    if parts.scheme or not parts.path:
        return target
    path = posixpath.normpath(posixpath.join(within, parts.path))
    found = path.removesuffix(".md")
    if found not in names() | files().keys():
        return OWN_ADDRESSES.get(path, "/help")
    return f"/help/{found}" + (f"#{parts.fragment}" if parts.fragment else "")


def plain_heading(heading: str) -> str:
    """A heading without the marks of code."""
    return heading.replace("`", "")


def slug(heading: str) -> str:
    """The id of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", plain_heading(heading).lower()).replace(" ", "-")


router = Router(
    "/",
    route_handlers=[show_documents, show_document],
    exception_handlers={Exception: show_error},
)
