"""Spans of time in words such as `6 hours`, as people write and read them."""

import re
from datetime import timedelta

from runhook.domain.errors import InvalidError

UNITS = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
}
SPAN = re.compile(r"(\d{1,6})\s*(week|day|hour|minute)s?", re.IGNORECASE)


def span_in(field: str, text: str, shortest: timedelta, longest: timedelta) -> timedelta:
    """Parse a span of time.

    Raises:
        InvalidError: the text is not a span, or one that is too short or too long.
    """
    found = SPAN.fullmatch(text.strip())
    if found is None:
        raise InvalidError(
            f"`{text[:40]}` is not a span of time such as `1 day`, `6 hours` or `90 minutes`",
            field=field,
        )
    span = int(found[1]) * UNITS[found[2].lower()]
    if not shortest <= span <= longest:
        raise InvalidError(
            f"`{text[:40]}` is not from {span_text(shortest)} to {span_text(longest)}", field=field
        )
    return span


def span_text(span: timedelta) -> str:
    """Write a span of time as ``span_in`` reads it, in the largest unit that fits."""
    unit = next((one for one in UNITS if span and not span % UNITS[one]), "minute")
    count = span // UNITS[unit]
    return f"{count} {unit}{'' if count == 1 else 's'}"
