"""See, while a command runs, where dbt runs under it: what scripts do shows in no command line.

Linux only; elsewhere nothing is seen, and the command line and its folders have to tell. Nothing is
asked of dbt, and a look costs a few reads of /proc.
"""

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runhook.client.dbt.calls import dbt_calls
from runhook.client.dbt.surroundings import DbtCall
from runhook.client.processes.timeouts import limit_of

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
MOST_PROCESSES = 200
MOST_SEEN = 50
LONGEST_TEXT = 1 << 17


@dataclass(frozen=True, slots=True)
class Seen:
    """A process under the command."""

    words: tuple[str, ...]
    """Its command line if that can show a call of dbt, else empty, as of what embeds dbt."""
    folder: str
    settings: tuple[tuple[str, str], ...]
    """Its variables that dbt reads."""
    has_tag: bool

    @property
    def is_dbt(self) -> bool:
        """Whether it is dbt itself, or leads to it."""
        return bool(dbt_calls(self.words))

    def call(self) -> DbtCall:
        """The process as a call of dbt."""
        found = dbt_calls(self.words)
        words = found[0].words if found else ()
        return DbtCall(words, dict(self.settings), Path(self.folder))


class Lookout:
    """Looks at the processes under this one, on a thread of its own, until it is stopped."""

    def __init__(self, tag_variable: str) -> None:
        self._tag_variable = tag_variable
        self._seen: dict[Seen, None] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="runhook-lookout", daemon=True)

    def start(self) -> None:
        """Begin to look. The command must have been started: forking and threads do not mix."""
        if sys.platform == "linux":
            self._thread.start()

    def seen(self) -> list[Seen]:
        """Processes seen so far, in order."""
        return list(self._seen)

    def stop(self) -> None:
        """Stop looking at processes."""
        self._stopped.set()

    def _watch(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while len(self._seen) < MOST_SEEN:
            for process in processes_below(os.getpid()):
                if (one := self._look_at(process)) is not None:
                    self._seen.setdefault(one)
            if self._stopped.wait(pause):
                return
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)

    def _look_at(self, process: int) -> Seen | None:
        """Read a process from /proc; None if it is gone, or another user's."""
        place = Path("/proc", str(process))
        try:
            words = tuple(read_texts(place / "cmdline"))
            folder = str((place / "cwd").readlink())
            environ = dict(variables_in(place / "environ"))
            # A process that is becoming another program has no variables for a moment.
            is_changing = words != tuple(read_texts(place / "cmdline"))
        except OSError:
            return None
        if is_changing:
            return None
        if not is_telling(words):
            words = ()
        settings = tuple(sorted(one for one in environ.items() if one[0].startswith("DBT_")))
        return Seen(words, folder, settings, self._tag_variable in environ)


def is_telling(words: tuple[str, ...]) -> bool:
    """Whether a process runs dbt or leads to it, so that its command line is worth reading."""
    return bool(dbt_calls(words)) or limit_of(words) is not None


def processes_below(process: int) -> Iterator[int]:
    """Yield the processes that descend from one, the nearest first."""
    waiting = [process]
    count = 0
    while waiting and count < MOST_PROCESSES:
        for child in children_of(waiting.pop(0)):
            count += 1
            waiting.append(child)
            yield child


def children_of(process: int) -> list[int]:
    """Child processes; empty where the kernel does not list them."""
    children = []
    try:
        for thread in Path(f"/proc/{process}/task").iterdir():
            children += (thread / "children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in children]


def read_texts(path: Path) -> list[str]:
    """Read the NUL-terminated texts of a file in /proc. Raises OSError."""
    with path.open("rb") as file:
        content = file.read(LONGEST_TEXT)
    return [os.fsdecode(text) for text in content.split(b"\0")[:-1]]


def variables_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the variables in a file of /proc. Raises OSError."""
    for text in read_texts(path):
        name, equals, value = text.partition("=")
        if equals:
            yield name, value
