"""The log: one line an event, to standard error; JSON unless a person watches.

Nothing that a line holds can begin another line, or change how a terminal shows it: in JSON what is
not ASCII is escaped, and in text what is not printable.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import structlog
from structlog.typing import EventDict, Processor

from runhook.domain.secrets.places import without_secrets
from runhook.telemetry.choices import LogLevel, is_terminal
from runhook.telemetry.events import write_from

LIBRARY = "library"
"""The event of a line that a library wrote."""
LONGEST_VALUE = 1_000
LONGEST_TRACEBACK = 20_000
"""In characters; the rest is cut off."""
PLAIN_VALUE = re.compile(r"[^\s\"'=\\]+")
RESET, DIM, BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
GREEN, YELLOW, RED = "\x1b[32m", "\x1b[33m", "\x1b[31m"
COLOR_OF_LEVEL = {"debug": DIM, "info": GREEN, "warning": YELLOW, "error": RED, "critical": RED}


def configure_logging(level: str, *, as_json: bool) -> None:
    """Set up logging for the whole process.

    Args:
        level: one of ``choices.LogLevel``.
        as_json: whether to write JSON lines instead of text for people.
    """
    common: list[Processor] = [
        structlog.processors.format_exc_info,
        as_written,
        json_line if as_json else text_line(is_colored=wants_colors(os.environ)),
    ]
    structlog.configure(
        processors=[structlog.processors.add_log_level, *common],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: LineWriter(),
    )
    write_from(LogLevel(level))
    hear_libraries(level, common)


def wants_colors(environ: Mapping[str, str]) -> bool:
    """Whether standard error is a terminal, and nothing says that it shows no colors."""
    is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return is_terminal() and not is_plain


def hear_libraries(level: str, processors: Sequence[Processor]) -> None:
    """Write what libraries log as lines of ours.

    They are heard when something is wrong, whatever the level is: some would show the values of
    statements, or headers.
    """
    handler = ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors],
            foreign_pre_chain=[from_library],
        )
    )
    least = max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()])
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, ToStandardError)]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(least)


def write_line(line: str) -> None:
    """Write a line to what standard error is at the moment, if it takes one.

    Its disk may be full, its reader gone, and it may have been closed: what is done goes on.
    """
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


class LineWriter:
    """Writes lines of ours, whatever their level."""

    def msg(self, line: str) -> None:
        """Write a line."""
        write_line(line)

    debug = info = warning = error = msg


class ToStandardError(logging.Handler):
    """Writes lines of libraries."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            write_line(self.format(record))
        except Exception:  # noqa: BLE001 - as the library's own handlers do
            self.handleError(record)


def from_library(_logger: object, _method: str, line: EventDict) -> EventDict:
    """A library's line: all have one event, and say in words what there is."""
    record: logging.LogRecord = line["_record"]
    return {
        **line,
        "event": LIBRARY,
        "level": record.levelname.lower(),
        "message": without_secrets(str(line["event"])[: 4 * LONGEST_VALUE]),
        "logger": record.name,
    }


STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)
AS_JSON = json.JSONEncoder(default=str)
QUOTING = "reason"
"""The field that may quote what a library or a server says."""


def as_written(_logger: object, _method: str, line: EventDict) -> EventDict:
    """A line as it is written: when, how bad, what, and its fields, none too long."""
    ordered = STAMP(None, "", {})
    ordered["level"], ordered["event"] = line.pop("level"), line.pop("event")
    traceback = line.pop("exception", None)
    for name, value in line.items():
        ordered[name] = bounded_field(name, value) if isinstance(value, str) else value
    if traceback is not None:
        ordered["exception"] = "\n".join(without_values(traceback[:LONGEST_TRACEBACK]))
    return ordered


def bounded_field(name: str, value: str) -> str:
    """A field's text, cut off where it is too long; what is quoted has no secret."""
    if name == QUOTING:
        value = without_secrets(value[: 4 * LONGEST_VALUE])
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}..."


def without_values(traceback: str) -> Iterator[str]:
    """Lines of a traceback; of the messages of exceptions, secrets are taken out."""
    is_code = False
    for line in traceback.split("\n"):
        is_code = line.startswith('  File "') or (is_code and line.startswith("    "))
        yield line if is_code else without_secrets(line)


def json_line(_logger: object, _method: str, line: EventDict) -> str:
    """A line as one JSON object, in ASCII."""
    return AS_JSON.encode(line)


def text_line(*, is_colored: bool) -> Processor:
    """Renderer of lines for people: aligned, and colored if that is wanted."""
    dim, bold, reset = (DIM, BOLD, RESET) if is_colored else ("", "", "")
    colors = COLOR_OF_LEVEL if is_colored else dict.fromkeys(COLOR_OF_LEVEL, "")

    def column(name: str, style: str = "", width: int = 0) -> structlog.dev.Column:
        formatter = structlog.dev.KeyValueColumnFormatter(
            None, style, reset, value_repr=printable, width=width
        )
        return structlog.dev.Column(name, formatter)

    others = structlog.dev.KeyValueColumnFormatter(dim, "", reset, value_repr=quoted)
    render = structlog.dev.ConsoleRenderer(
        columns=[
            structlog.dev.Column("", others),
            column("timestamp", dim),
            structlog.dev.Column(
                "level", structlog.dev.LogLevelColumnFormatter(colors, reset, width=7)
            ),
            column("event", bold, width=24),
            column("message"),
        ],
        sort_keys=False,
    )

    def written(logger: object, method: str, line: EventDict) -> str:
        line = {name: value for name, value in line.items() if value is not None}
        if "exception" in line:
            # No line of it begins as one of the log's does.
            lines = line["exception"].splitlines()
            line["exception"] = "\n".join(f"    {printable(one)}" for one in lines)
        return render(logger, method, line)

    return written


def quoted(value: object) -> str:
    """A field's value as text: in quotes if it could be taken for several fields."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if isinstance(value, str) and not PLAIN_VALUE.fullmatch(text):
        text = json.dumps(text, ensure_ascii=False)
    return printable(text)


def printable(value: object) -> str:
    """A text with whatever a terminal would act on, or show as nothing, escaped."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )
