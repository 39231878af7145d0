"""Filters and orders as clients of dbt Cloud's Admin API write them.

Several values come as JSON (`[1,2]`), as Python (`['a','b']`) or with commas between them. What is
empty chooses nothing; a value that cannot be read is refused with its name, since a filter that
was passed over in silence would answer another question.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from runhook.domain.errors import InvalidError
from runhook.domain.numbers import id_in, is_number, number_in
from runhook.domain.runs.run import RunStatus
from runhook.server.api.wire import parse_moment
from runhook.storage.engine.pages import Period

Value = TypeVar("Value")

STATUSES_BY_WORD = {status.name.lower(): status for status in RunStatus}
A_STATUS = "a status; give " + ", ".join(
    f"{status.value} or {word}" for word, status in STATUSES_BY_WORD.items()
)
STATES_WITH_EVERYTHING = ("", "1", "active", "all")
"""Jobs, projects and environments are active as long as they are there."""


def split_values(text: str | None) -> list[str]:
    """Split a text into values; empty if it has none."""
    stripped = (text or "").strip().lstrip("[(").rstrip(")]")
    return [word for one in stripped.split(",") if (word := one.strip().strip("\"'").strip())]


def related_in(texts: Iterable[str]) -> frozenset[str]:
    """Names in `include_related`, in any spelling; unknown ones are harmless."""
    return frozenset(name for text in texts for name in re.findall(r"[a-z_]+", text))


def ids_chosen(name: str, *texts: str | None) -> list[int] | None:
    """Ids of a filter that has several spellings; None if it is not given.

    Raises:
        InvalidError: one is not a number.
    """
    return values_chosen(name, texts, id_in, what="a number")


def statuses_in(name: str, *texts: str | None) -> list[RunStatus] | None:
    """Statuses of a filter, by number or name; None if it is not given.

    Raises:
        InvalidError: one is not a status.
    """
    return values_chosen(name, texts, status_named, what=A_STATUS)


def status_named(word: str) -> RunStatus | None:
    """Status for a number or name; None if unknown."""
    if is_number(word):
        number = number_in(word)
        return RunStatus(number) if number in set(RunStatus) else None
    return STATUSES_BY_WORD.get(word.lower().replace("canceled", "cancelled"))


def values_chosen(
    name: str, texts: Iterable[str | None], value_of: Callable[[str], Value | None], *, what: str
) -> list[Value] | None:
    """Parse the values in the texts; None if there are none. ``what`` names them in errors.

    Raises:
        InvalidError: one cannot be read.
    """
    words = [word for text in texts for word in split_values(text)]
    values = []
    for word in words:
        value = value_of(word)
        if value is None:
            raise InvalidError(f"`{word[:40]}` is not {what}", field=name)
        values.append(value)
    return values or None


def period_in(name: str, text: str | None) -> Period:
    """Period from the first to the second of two times, both included.

    Times without a zone are in UTC; a date is the beginning of its day.

    Raises:
        InvalidError: these are not two times.
    """
    words = split_values(text)
    if not words:
        return Period()
    try:
        since, until = (parse_moment(word) for word in words)
    except (ValueError, OverflowError):
        raise InvalidError(
            f"{name}: give two times with a comma between them, "
            "such as 2026-03-01T00:00:00Z,2026-03-02T00:00:00Z"
        ) from None
    return Period(since=since, until=until)


def order_in(text: str | None) -> tuple[str, bool]:
    """Column to sort by, and whether the order is descending, as in `-id`."""
    wanted = (text or "").strip()
    return wanted.removeprefix("-"), wanted.startswith("-")


def is_about_the_deleted(state: str | None) -> bool:
    """Whether a `state` leaves out what is not deleted: Runhook keeps nothing that is."""
    return (state or "").strip().lower() not in STATES_WITH_EVERYTHING
