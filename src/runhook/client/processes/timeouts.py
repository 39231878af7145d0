"""Time limits that timeout(1) sets in a command line."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import PurePath

TIMEOUTS = frozenset({"timeout", "gtimeout"})
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def has_timed_out(commands: Iterable[Sequence[str]], ran_for: float) -> bool:
    """Whether one of these is timeout(1), and its time was over after ``ran_for`` seconds."""
    limits = (limit_of(command) for command in commands)
    return any(limit is not None and ran_for >= limit for limit in limits)


def limit_of(command: Sequence[str]) -> float | None:
    """Time limit of timeout(1) in a command line, in seconds; None if it is another program."""
    names = [PurePath(word).name for word in command]
    position = next((at for at, name in enumerate(names) if name in TIMEOUTS), None)
    if position is None:
        return None
    for before, word in pairwise(command[position:]):
        if before in {"-k", "--kill-after", "-s", "--signal"}:
            continue
        if found := re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", word):
            return float(found[1]) * UNITS[found[2]]
    return 0.0
