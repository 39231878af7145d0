"""Threads for work that takes long, and needs no turn of the event loop."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

HALF_OF_PROCESSORS = max(1, (os.cpu_count() or 1) // 2)
"""Limit of threads for passwords, and again for files; the event loop and the database's threads
use the other processors."""
NICENESS = 10
"""The default increment of nice(1)."""


def threads_beside(name: str, *, at_once: int = HALF_OF_PROCESSORS) -> ThreadPoolExecutor:
    """Threads that take the processor time that others leave: reports do not wait for them."""
    return ThreadPoolExecutor(at_once, thread_name_prefix=name, initializer=give_way)


def give_way() -> None:
    """Let other threads run before this one, where threads have priorities of their own: Linux.

    A sandbox may refuse that; the work is done all the same.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            own = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, own + NICENESS)
