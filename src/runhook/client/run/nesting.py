"""Wrappers inside wrappers: what an inner one runs is a step of the outer one's run.

The outer one says so by RUNHOOK_RUN, its run's key and its process. A service that a run has left
behind still has that variable, and is not a step of it: only a process that the outer one is an
ancestor of is. The inner ones write their steps into a file that the outer one reads.

A run that `runhook start` has begun has no process, only a key; it goes on as long as its file is
there (``begun``).
"""

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runhook.client.processes.ancestry import is_ancestor
from runhook.client.settings import spool_folder

RUN_VARIABLE = "RUNHOOK_RUN"
STEPS_SUFFIX = ".steps"
BEGUN_SUFFIX = ".begun"
LARGEST_FILE = 4 << 20
READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
OPENING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OuterRun:
    """The run that a process belongs to."""

    run_key: str
    process: int | None
    """The wrapper; None if `runhook start` has begun the run."""


def outer_run(environ: Mapping[str, str]) -> OuterRun | None:
    """Find the unfinished run that this process is within."""
    found = re.fullmatch(
        r"([0-9a-f]{32})(?::([0-9]{1,10}))?", environ.get(RUN_VARIABLE, "").strip()
    )
    if found is None:
        return None
    run_key, process = found.groups()
    if process is None:
        folder = spool_folder(environ)
        goes_on = folder is not None and begun_file(folder, run_key).is_file()
        return OuterRun(run_key, None) if goes_on else None
    return OuterRun(run_key, int(process)) if is_ancestor(int(process)) else None


def new_run_key() -> str:
    """A unique key for a new run."""
    return os.urandom(16).hex()


def run_variable(run_key: str) -> str:
    """Value of RUNHOOK_RUN for what runs under this process."""
    return f"{run_key}:{os.getpid()}"


def begun_file(folder: Path, run_key: str) -> Path:
    """Path of the file that `runhook start` leaves for a run."""
    return folder / f"{run_key}{BEGUN_SUFFIX}"


class StepsFile:
    """Where the steps of a run are gathered, in the order they ended."""

    def __init__(self, folder: Path, run_key: str) -> None:
        self._path = folder / f"{run_key}{STEPS_SUFFIX}"
        self._read = 0

    def add(self, step: Mapping[str, object]) -> None:
        """Add a step, in one piece.

        Raises:
            OSError: it cannot be written.
        """
        import json  # noqa: PLC0415 - this module is loaded before dbt starts

        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, OPENING, 0o600)
        try:
            os.write(descriptor, json.dumps(step).encode() + b"\n")
        finally:
            os.close(descriptor)

    def new_steps(self) -> list[Mapping[str, object]]:
        """Read the steps added since the last call."""
        import json  # noqa: PLC0415 - as above

        try:
            descriptor = os.open(self._path, READING)
        except OSError:
            return []
        try:
            content = os.pread(descriptor, LARGEST_FILE, self._read)
        except OSError:  # no file
            return []
        finally:
            os.close(descriptor)
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        steps = []
        for line in whole.splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                steps.append(json.loads(line))
        return [step for step in steps if isinstance(step, dict)]

    def remove(self) -> None:
        """Forget the steps."""
        with contextlib.suppress(OSError):
            self._path.unlink()
