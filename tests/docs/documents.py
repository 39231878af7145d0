"""The documents, and what tests look for in them: fenced blocks, links, generated parts."""

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
README = REPOSITORY / "README.md"

FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def name_of(document: Path) -> str:
    """A document's path in the repository, to name tests by."""
    return str(document.relative_to(REPOSITORY))


def blocks(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks in ``language``."""
    return [content for _, found, content in FENCED.findall(text) if found == language]


def block_with(text: str, language: str, words: str) -> str:
    """The content of the one block that has ``words`` in it."""
    [block] = [block for block in blocks(text, language) if words in block]
    return block


def prose(text: str) -> str:
    """A document without its fenced blocks, its lines run together."""
    return " ".join(FENCED.sub("", text).split())


def inline_code(text: str) -> Iterator[str]:
    """What stands between backticks outside the fenced blocks."""
    yield from INLINE_CODE.findall(FENCED.sub("", text))


def links(text: str) -> list[str]:
    """The targets of a document's links."""
    return LINK.findall(FENCED.sub("", text))


def anchors(text: str) -> set[str]:
    """The fragments that a document's headings can be linked by."""
    return {anchor_of(heading) for heading in HEADING.findall(FENCED.sub("", text))}


def anchor_of(heading: str) -> str:
    """The fragment that leads to a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(text: str, level: int) -> list[str]:
    """The headings of a level, in a text without fenced blocks."""
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def table_rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, without the lines under the headings."""
    rows = re.findall(r"^ *\|(.+)\|$", text, re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return [row for row in cells if not set("".join(row)) <= set("-| ")]
