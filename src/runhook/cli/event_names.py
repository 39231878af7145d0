"""Names of events as people type them."""

from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.webhook import check_event_type

PREFIXES = ("", "job.run.", "webhook.")
"""What may be left out before a name."""


def event_type_in(word: str) -> EventType:
    """The event that a word names, whole or without what most begin with.

    Raises:
        InvalidError: there is none; the message names the nearest.
    """
    known = {one.value for one in EventType}
    named = [prefix + word for prefix in PREFIXES if prefix + word in known]
    return check_event_type(named[0] if named else word)


def event_types_in(words: str | None) -> list[EventType]:
    """The events of a list with commas; none of an empty one.

    Raises:
        InvalidError: one is unknown.
    """
    return [event_type_in(word.strip()) for word in (words or "").split(",") if word.strip()]
