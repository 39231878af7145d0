"""Axes and bars of pictures: round steps of time, and shares, with their places in per cent.

A picture whose places are per cent is as wide as there is room, and its texts stay as large as all
others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

STEPS_OF_TIME = (
    *(timedelta(seconds=one) for one in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=one) for one in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=one) for one in (1, 2, 3, 6, 12)),
    *(timedelta(days=one) for one in (1, 2, 7)),
)
TICKS = 5
"""So many steps an axis has at most."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of a grid: its place in per cent, and what it says."""

    place: float
    label: str


LEAST_SHARE = 0.01
"""Of a bar: less cannot be seen."""


@dataclass(frozen=True, slots=True)
class BarPart:
    """A piece of a bar that stands for a whole: where it is, in per cent."""

    begins: float
    width: float


def bar_parts(weights: Sequence[float]) -> Sequence[BarPart]:
    """Lay weights side by side as a whole; a little one is seen beside the largest."""
    total = sum(weights)
    seen = [max(weight / total, LEAST_SHARE) if total else 1.0 for weight in weights]
    shares, begins = [], 0.0
    for one in seen:
        width = 100 * one / sum(seen)
        shares.append(BarPart(round(begins, 2), round(width, 2)))
        begins += width
    return shares


def ticks_of(span: timedelta) -> Sequence[Tick]:
    """Divide a span, from its beginning, into at most ``TICKS`` round steps."""
    step = round_step(span)
    return [
        Tick(round(100 * number * step / span, 2), short_span(number * step, step))
        for number in range(int(span / step) + 1)
    ]


def ticks_back(span: timedelta) -> Sequence[Tick]:
    """Divide a span that ends now, from its end."""
    return [
        Tick(round(100 - one.place, 2), one.label if one.place else "now") for one in ticks_of(span)
    ]


def round_step(span: timedelta) -> timedelta:
    """The smallest round step of which at most ``TICKS`` fill a span."""
    return next((one for one in STEPS_OF_TIME if span / one <= TICKS), span / TICKS)


def short_span(span: timedelta, step: timedelta) -> str:
    """A span on an axis, such as `30 s`, `75 min` or `24 h`: all in the unit of its steps."""
    if not span:
        return "0"
    for unit, word in UNITS:
        if not step % unit:
            return f"{span // unit} {word}"
    return f"{span.total_seconds():g} s"


UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
)
