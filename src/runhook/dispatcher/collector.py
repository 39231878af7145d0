"""The collector: has garbage taken out when the process has grown, and not otherwise.

Python counts objects, of which a service under load makes hundreds of thousands that go by
themselves; it does not see that a few hundred in a circle hold a gigabyte.
"""

import gc
import os
from datetime import timedelta
from pathlib import Path

INTERVAL = timedelta(milliseconds=250)
GROWTH = 16 << 20
"""How many bytes more there may be than at any time since the last look for garbage."""
LOOKS = 3
"""How many times in a row it has to be there: a hash of a password takes 64 MiB for a moment, and
looking for garbage takes ten milliseconds and more, in which nothing else happens."""
BLIND_INTERVAL = timedelta(minutes=1)
"""How often garbage is taken out where the system does not tell of memory in this way."""
MEMORY = Path("/proc/self/statm")


class Collector:
    """Runs Python's garbage collector when memory has grown."""

    def __init__(self) -> None:
        self._least = 0
        self._looks = 0
        """Number of looks in a row at which memory had grown by ``GROWTH``."""

    async def tick(self) -> timedelta:
        """Collect garbage if memory has grown for ``LOOKS`` looks."""
        now = resident()
        if now is None:
            gc.collect()
            return BLIND_INTERVAL
        self._looks = self._looks + 1 if now > self._least + GROWTH else 0
        if self._looks == LOOKS:
            gc.collect()
            now = resident() or now
            self._least = now
            self._looks = 0
        self._least = min(self._least, now)
        return INTERVAL


def resident() -> int | None:
    """Resident memory of this process in bytes; None where the system does not say."""
    try:
        pages = MEMORY.read_text().split()[1]
    except FileNotFoundError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
