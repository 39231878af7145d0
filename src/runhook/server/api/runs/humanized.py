"""Times and durations in the words of dbt Cloud's Admin API."""

from datetime import datetime, timedelta

UNITS = (
    ("year", 365 * 86_400),
    ("month", 30 * 86_400),
    ("week", 7 * 86_400),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
)


def clock_time(duration: timedelta) -> str:
    """Hours, minutes and seconds: `00:01:23`, and `36:00:00` for a day and a half."""
    minutes, seconds = divmod(whole_seconds(duration), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}"


def in_words(duration: timedelta) -> str:
    """The largest unit and the one below it: `1 minute, 23 seconds`, `2 weeks, 3 days`.

    As in dbt Cloud, 0 of the one below is left out, and so is all that is smaller.
    """
    rest = whole_seconds(duration)
    for at, (unit, length) in enumerate(UNITS):
        count, rest_of_unit = divmod(rest, length)
        if not count:
            continue
        words = [with_unit(count, unit)]
        if at + 1 < len(UNITS):
            below, length_below = UNITS[at + 1]
            if rest_of_unit >= length_below:
                words.append(with_unit(rest_of_unit // length_below, below))
        return ", ".join(words)
    return "0 minutes"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago something was; `0 minutes from now` for the future."""
    if moment is None:
        return "0 minutes from now"
    return f"{in_words(now - moment)} ago"


def with_unit(count: int, unit: str) -> str:
    """A count with its unit: `1 day`, `2 days`."""
    return f"{count} {unit}{'' if count == 1 else 's'}"


def whole_seconds(duration: timedelta) -> int:
    """Whole seconds of a duration; 0 if a clock set back made it negative."""
    return max(duration // timedelta(seconds=1), 0)
