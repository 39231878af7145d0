"""What services say in JSON, read with care: an answer may be anything, and cut off."""

import json
from collections.abc import Mapping
from datetime import timedelta

from runhook.domain.formats.format import SENTENCE_CHARACTERS, Answer
from runhook.domain.messages.text import fit, one_line

LONGEST_PAUSE = timedelta(hours=4)


def object_in(answer: Answer) -> Mapping[str, object]:
    """An answer's object, empty if it has none."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def words_of(answer: Answer, *names: str) -> str:
    """What an answer says under these names, or all of it where it has none of them.

    Args:
        answer: what came.
        names: of texts, or lists and objects of texts; a dot leads into an object.
    """
    document = object_in(answer)
    said = [text for name in names for text in texts_in(value_at(document, name))]
    words = "; ".join(dict.fromkeys(one_line(one) for one in said if one.strip()))
    return fit(words, SENTENCE_CHARACTERS) or answer.text


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


def pause_in(answer: Answer, name: str) -> timedelta | None:
    """How many seconds an answer asks to be left alone for, None if it does not say."""
    seconds = value_at(object_in(answer), name)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    # Compared so that what is not a number counts as none.
    if not 0 <= seconds <= LONGEST_PAUSE.total_seconds():
        return None
    return timedelta(seconds=seconds)
