"""Pictures of runs: numbers first, then their places in an SVG.

Places along a line are per cent, so that a picture is as wide as there is room and its texts stay
as large as all others; a mark that is drawn by a path has its place in the strip's own units.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from runhook.domain.runs.job_states import STRIP, RunLook, RunMark
from runhook.server.web.page.showing import duration

PITCH = 8
"""Units from one mark of a strip to the next."""
SHAPES = {
    RunLook.SUCCEEDED: "h6v14h-6z",
    # A cap stands over the bar.
    RunLook.WARNED: "h6v14h-6zm0-6h6v4h-6z",
    # Twice the height of the others.
    RunLook.FAILED: "m0-8h6v22h-6z",
    # Hollow.
    RunLook.CANCELED: "h6v14h-6zm1.5 1.5v11h3v-11z",
    # A cross.
    RunLook.MISSED: "m0 5l1.5-1 1.5 3 1.5-3 1.5 1-2 4 2 4-1.5 1-1.5-3-1.5 3-1.5-1 2-4z",
    # Half the height.
    RunLook.RUNNING: "m0 7h6v7h-6z",
}
"""How a mark goes on from the upper left corner of a bar."""
EMPTY = "m0 12h6v2h-6z"
TITLED = 5
"""So many marks of a strip, the newest that did not succeed, say what they are: a page has many."""
SPARK_WIDTH, SPARK_HEIGHT = 90, 22


@dataclass(frozen=True, slots=True)
class Path:
    """Marks of one look, drawn at once."""

    look: str
    shape: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """A job's newest runs, one mark each, the newest at the right."""

    paths: Sequence[Path]
    words: str
    """The same in words."""


MARKS = [Path(look, f"M0 8{shape}") for look, shape in SHAPES.items()]
"""One of each look, to be explained."""


def strip_of(marks: Sequence[RunMark], *, missed: int = 0) -> Strip:
    """Draw the newest runs and, after them, those that were missed since.

    Args:
        marks: runs, the oldest first.
        missed: how many runs were expected since and did not start.
    """
    absent = min(missed, STRIP)
    shown = list(marks)[len(marks) - min(len(marks), STRIP - absent) :]
    looks = [mark.look for mark in shown] + [RunLook.MISSED] * absent
    titles = [run_title(mark) for mark in shown] + ["missed"] * absent
    first = STRIP - len(looks)
    merged: dict[str, str] = {}
    paths: list[Path] = []
    for place in range(first):
        merged["none"] = merged.get("none", "") + f"M{place * PITCH} 8{EMPTY}"
    titled = 0
    for place, look in reversed(list(enumerate(looks))):
        shape = f"M{(first + place) * PITCH} 8{SHAPES[look]}"
        if look is not RunLook.SUCCEEDED and titled < TITLED:
            titled += 1
            paths.append(Path(look, shape, titles[place]))
        else:
            merged[look] = merged.get(look, "") + shape
    return Strip(
        paths=[*(Path(look, shape) for look, shape in merged.items()), *paths],
        words=looks_in_words(looks),
    )


def run_title(mark: RunMark) -> str:
    """What is said of a run at its mark."""
    took = f", {duration(mark.duration)}" if mark.duration is not None else ""
    return f"#{mark.id} {mark.look}{took}, {moment_in_utc(mark.started_at)}"


def moment_in_utc(moment: datetime) -> str:
    """A moment in the text of a picture, which is not translated to the reader's zone."""
    return moment.astimezone(UTC).strftime("%-d %b %H:%M UTC")


def looks_in_words(looks: Iterable[RunLook]) -> str:
    """Count looks in words, such as `28 succeeded, 2 failed`."""
    listed = list(looks)
    counted = [(look, listed.count(look)) for look in RunLook]
    return ", ".join(f"{count} {look}" for look, count in counted if count) or "no runs"


@dataclass(frozen=True, slots=True)
class DurationLine:
    """How long a job's newest runs took, as a line."""

    line: str
    last: timedelta
    longest: timedelta


def duration_line(marks: Sequence[RunMark]) -> DurationLine | None:
    """Draw the durations of the newest runs that are over; None if there are none."""
    took = [mark.duration for mark in marks[-STRIP:] if mark.duration is not None]
    if not took:
        return None
    longest = max(*took, timedelta(milliseconds=1))
    step = SPARK_WIDTH / (STRIP - 1)
    first = STRIP - len(took)
    points = [
        f"{(first + place) * step:.0f} {2 + (SPARK_HEIGHT - 4) * (1 - one / longest):.0f}"
        for place, one in enumerate(took)
    ]
    return DurationLine(line=f"M{'L'.join(points)}", last=took[-1], longest=longest)
