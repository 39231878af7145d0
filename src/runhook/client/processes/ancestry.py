"""Ancestors of this process, found without a table of all processes."""

import os
import sys
from pathlib import Path


def is_ancestor(process: int) -> bool:
    """Whether a process is an ancestor of this one; outside Linux, whether it is alive."""
    if sys.platform != "linux":
        return is_alive(process)
    child = os.getpid()
    while child > 1:
        child = parent_of(child)
        if child == process:
            return True
    return False


def parent_of(process: int) -> int:
    """Parent of a process; 0 if it cannot be seen."""
    try:
        # The name between the parentheses may hold anything.
        stat = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2]
        return int(stat.split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def is_alive(process: int) -> bool:
    """Whether there is such a process of this user."""
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True
