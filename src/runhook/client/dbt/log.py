"""What dbt's log says of a command that failed without results of its nodes.

Reads only the end of a log that was written while the command ran, as text or as JSON, of dbt Core
and of v2.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from runhook.client.dbt.artifacts import tail_of
from runhook.client.dbt.surroundings import DbtCall

SECTION = re.compile(r"={10,} .* \| [0-9a-f-]{8,36} ={10,}")
"""The line before a command's entries."""
BEGINNING = ("Running with dbt=", "dbt-fusion ")
"""The first words of Core and of v2."""
ENTRY = re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)? \[(\w+) *\](?: \[[^\]]*\])?: ?(.*)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HEADING = "Encountered an error:"
"""Stands before what is said of an error that ended dbt Core."""
FRAME = re.compile(r"\s+\d+: \S+\s*$|\s{8,}at \S")
"""A line of the stack that v2 adds to an error."""
LOCKED = re.compile(r"could not set lock on file|database is locked", re.IGNORECASE)
LOCK_HELD = "another process holds the lock"
SHORT_LINES = 3
LONGEST_BYTES = 4096
CLOCK_TICK_SECONDS = 0.01
"""A file is stamped with the kernel's last tick, which may be that long before the clock's time."""


def words_of_log(calls: Iterable[DbtCall], life: tuple[datetime, datetime]) -> str:
    """What a log of these calls says went wrong; empty if none was written meanwhile."""
    for path in logs_of(calls):
        if was_written_in(path, life) and (words := error_in(tail_of(path))):
            return words
    return ""


def wrote_no_log(calls: Iterable[DbtCall], life: tuple[datetime, datetime]) -> bool:
    """Whether dbt, called in a project, ended before it wrote to its log."""
    paths = [call.log_file() for call in calls if call.project_name()]
    return bool(paths) and not any(was_written_in(path, life) for path in paths)


def logs_of(calls: Iterable[DbtCall]) -> Sequence[Path]:
    """Logs of the calls; without a project, both engines write theirs where they were called."""
    return [*dict.fromkeys(call.log_file() for call in calls if call.words or call.project_name())]


def was_written_in(path: Path, life: tuple[datetime, datetime]) -> bool:
    """Whether a file was last written while the command ran."""
    began, ended = life
    try:
        written_at = path.stat().st_mtime
    except OSError:
        return False
    return began.timestamp() - CLOCK_TICK_SECONDS <= written_at <= ended.timestamp()


def error_in(log: str) -> str:
    """Errors of the last command in a log, as it words them; empty if it has none."""
    errors: list[str] = []
    for level, lines in entries_in(log.splitlines()):
        if level == "":
            errors.clear()
        elif level == "error":
            errors += [line for line in lines if not FRAME.match(line) and line.strip() != HEADING]
    text = "\n".join(line.rstrip() for line in errors if line.strip())
    return LOCK_HELD if LOCKED.search(text) else text


def entries_in(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the entries of a log: level and lines; the level is empty where a command begins."""
    level, collected = "debug", list[str]()
    for coloured in lines:
        line = COLOUR.sub("", coloured)
        if SECTION.match(line):
            yield level, collected
            yield "", []
            level, collected = "debug", []
        elif (entry := json_entry(line) or text_entry(line)) is not None:
            yield level, collected
            level, message = entry
            collected = message.splitlines()
            if message.startswith(BEGINNING):
                yield "", []
        else:
            collected.append(line)
    yield level, collected


def text_entry(line: str) -> tuple[str, str] | None:
    """Level and first line of an entry; None if it goes on."""
    found = ENTRY.match(line)
    return None if found is None else (found[1], found[2])


def json_entry(line: str) -> tuple[str, str] | None:
    """Level and message of an entry of a log in JSON; None if it is none."""
    if not line.startswith("{"):
        return None
    try:
        info = json.loads(line)["info"]
        return str(info["level"]), str(info["msg"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def brief(words: str, source: str) -> str:
    """The first lines of an error as one, for a sentence that begins with where they stand."""
    if words == LOCK_HELD or not words:
        return words
    lines = [line.strip() for line in words.splitlines()]
    return f"{source}: {' '.join(lines[:SHORT_LINES])}"


def within_bytes(words: str) -> str:
    """An error without what is beyond ``LONGEST_BYTES``."""
    content = words.encode()
    if len(content) <= LONGEST_BYTES:
        return words
    return content[: LONGEST_BYTES - 3].decode(errors="ignore") + "…"
