"""Texts that go into somebody else's markup: made harmless, measured as they will be, and cut.

Services count what they get, so that a text is measured after it was escaped. It is cut before:
what is cut never ends inside an entity or behind a lonely backslash. Markup around a value, such as
a link or a fence, is put around it afterwards, so that no cut can open it.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
REPLACED = "\N{REPLACEMENT CHARACTER}"
LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# What turns the direction of other text, hides, or is not a character: no name may make
# what stands beside it read otherwise. The joiners that emoji and some scripts need stay.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
SURROGATES = re.compile("[\ud800-\udfff]")
SPACES = re.compile(r"\s+")
JOINERS = frozenset("\u200c\u200d")
CALLING = re.compile(r"(?i:(?<=[@#~!])(?=[\w{])|(?<=\])(?=\()|(?<=:)(?=//)|(?<=\bwww)(?=\.))")
"""Where a joiner keeps a chat or a code host from reading a mention, a reference or a link."""
JOINER = "\N{WORD JOINER}"
DBT_PREAMBLE = re.compile(r"\w[\w ]* Error in .+ \(.+\)")
"""How a message of dbt begins that says why in its second line."""

Escape = Callable[[str], str]


def as_is(text: str) -> str:
    """Escape nothing."""
    return text


def clean(text: str) -> str:
    """Drop what cannot be seen from a text, and end its lines by line feeds."""
    if text.isascii() and text.isprintable():
        return text
    text = LINE_ENDS.sub("\n", text).replace("\t", " ")
    return UNSEEN.sub("", SURROGATES.sub(REPLACED, text))


def calls(text: str) -> bool:
    """Whether some chat could read a mention, a reference or a link in a plain text."""
    return CALLING.search(text) is not None


def defused(text: str) -> str:
    """Put what cannot be seen into mentions, references and links, so that they are none."""
    return CALLING.sub(JOINER, text)


def one_line(text: str) -> str:
    """Put a text in one line, and make it harmless."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return SPACES.sub(" ", clean(text)).strip()


def first_line(message: str) -> str:
    """What a message of dbt says first.

    That is the line with the reason, too, where the first only says in what it is an error.
    """
    lines = [line.strip() for line in clean(message[:10_000]).splitlines() if line.strip()]
    if len(lines) > 1 and DBT_PREAMBLE.fullmatch(lines[0]):
        return f"{lines[0]}: {one_line(lines[1])}"
    return one_line(lines[0]) if lines else ""


def fit(text: str, limit: int, *, escape: Escape = as_is) -> str:
    """Escape a text and return as much as has room; an ellipsis stands for the rest.

    Args:
        text: is not escaped.
        limit: characters of the escaped text.
        escape: escapes a text; a longer text never becomes a shorter one.
    """
    whole = escape(text) if len(text) <= limit else None
    if whole is not None and len(whole) <= limit:
        return whole
    room = limit - len(ELLIPSIS)
    if room <= 0:
        return ""
    lengths = range(min(len(text), room) + 1)
    longest = bisect_right(lengths, room, key=lambda length: len(escape(text[:length]))) - 1
    return escape(text[: end_of_character(text, max(longest, 0))].rstrip()) + ELLIPSIS


def end_of_character(text: str, length: int) -> int:
    """The last place up to ``length`` that is not inside of what people see as one."""
    place = length
    while 0 < place < len(text) and (
        unicodedata.combining(text[place])
        or text[place] in JOINERS
        or text[place - 1] in JOINERS
        or unicodedata.category(text[place]) in {"Mn", "Me", "Sk"}
    ):
        place -= 1
    return place or length


def fill(
    parts: Sequence[str],
    limit: int,
    *,
    more: Callable[[int], str],
    beside: int = 0,
    separator: str = "\n",
) -> str:
    """Join as many parts as have room, in their order, and say how many were left out.

    Args:
        parts: each whole in its markup.
        limit: characters of the text, with what says how many were left out.
        more: says that so many were left out.
        beside: how many more there are that are not among the parts.
        separator: stands between parts.
    """
    for count in range(len(parts), 0, -1):
        left = len(parts) - count + beside
        text = separator.join([*parts[:count], *([more(left)] if left else [])])
        if len(text) <= limit:
            return text
    return more(len(parts) + beside) if parts or beside else ""


def as_many_as_fit(build: Callable[[int], bytes], most: int, limit: int) -> bytes:
    """Build a document of as many items as its size allows.

    Args:
        build: builds it of a number of items, and says in it how many are left out.
        most: the number of items.
        limit: size in bytes; without items, the document is returned whatever its size.
    """
    for count in range(most, 0, -1):
        built = build(count)
        if len(built) <= limit:
            return built
    return build(0)
