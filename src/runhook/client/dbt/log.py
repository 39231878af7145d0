"""What dbt's log says of a command that wrote no results.

Reads only the end of a log that was written while the command ran, and quotes it as the log's
words.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from runhook.client.dbt.artifacts import tail_of
from runhook.client.dbt.surroundings import DbtCall

BEGINNING = "Running with dbt="
ERROR = re.compile(r"Encountered an error:[ \t]*\n((?:(?!\S*\d\d:\d\d:\d\d)[^\n]*\n?){1,20})")
"""The lines up to the next one that begins with a time."""
LOCKED = re.compile(r"could not set lock on file|database is locked", re.IGNORECASE)
LINES = 3
CLOCK_TICK_SECONDS = 0.01
"""A file is stamped with the kernel's last tick, which may be that long before the clock's time."""


def words_of_log(calls: Iterable[DbtCall], life: tuple[datetime, datetime]) -> str:
    """What a log of these calls says went wrong; empty if none was written meanwhile."""
    for path in dict.fromkeys(call.log_file() for call in calls if call.project_name()):
        if was_written_in(path, life) and (words := error_in(tail_of(path))):
            return words
    return ""


def was_written_in(path: Path, life: tuple[datetime, datetime]) -> bool:
    """Whether a file was last written while the command ran."""
    began, ended = life
    try:
        written_at = path.stat().st_mtime
    except OSError:
        return False
    return began.timestamp() - CLOCK_TICK_SECONDS <= written_at <= ended.timestamp()


def error_in(log: str) -> str:
    """Error that ended the last command in a log, on one line; empty if none did."""
    found = ERROR.search(log, max(0, log.rfind(BEGINNING)))
    if found is None:
        return ""
    if LOCKED.search(found[1]):
        return "another process holds the lock"
    lines = [line.strip() for line in found[1].splitlines() if line.strip()]
    return f"dbt's log says: {' '.join(lines[:LINES])}" if lines else ""
