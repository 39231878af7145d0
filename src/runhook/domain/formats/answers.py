"""What services say in JSON, read with care: a body may be anything, and cut off."""

import json
from collections.abc import Mapping
from datetime import timedelta

from runhook.domain.messages.text import fit, one_line

LONGEST_PAUSE = timedelta(hours=4)
SENTENCE_CHARACTERS = 300


def object_in(body: bytes) -> Mapping[str, object]:
    """The object in a body; empty if there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def words_in(body: bytes, *names: str) -> str:
    """The texts that a body has under these names, in one line; empty if it has none.

    Args:
        body: of an answer.
        names: of texts, or lists and objects of texts; a dot leads into an object.
    """
    document = object_in(body)
    said = [text for name in names for text in texts_in(value_at(document, name))]
    words = "; ".join(dict.fromkeys(one_line(one) for one in said if one.strip()))
    return fit(words, SENTENCE_CHARACTERS)


def value_at(document: object, name: str) -> object:
    """What an object has under a name, None if nothing."""
    for part in name.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def texts_in(value: object, depth: int = 4) -> list[str]:
    """List the texts in a value, down to some depth."""
    if isinstance(value, str):
        return [value]
    if depth == 0:
        return []
    within = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(within, list):
        return []
    return [text for one in within[:20] for text in texts_in(one, depth - 1)]


def pause_in(body: bytes, name: str) -> timedelta | None:
    """The pause that a body asks for under a name, in seconds; None if it asks for none."""
    seconds = value_at(object_in(body), name)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    # Compared so that what is not a number counts as none.
    if not 0 <= seconds <= LONGEST_PAUSE.total_seconds():
        return None
    return timedelta(seconds=seconds)
