"""File descriptors: every connection takes one, and the system sets how many a process may have.

What clients may open and what is sent share one number, so that clients never take those that
deliveries need.
"""

import resource
from contextlib import suppress
from dataclasses import dataclass, replace

from runhook.outbound.pool import Bounds

FOR_OTHERS = 256
"""Descriptors for the database, files, look-ups of names, metrics and the log."""
FEWEST = 16
"""With fewer nothing would be sent; then the system's own error says more."""


@dataclass(frozen=True, slots=True)
class Allotment:
    """Limits on connections that the process's descriptors allow."""

    outgoing: Bounds
    incoming: int


def allot(outgoing: Bounds, *, incoming: int) -> Allotment:
    """Ask the system for the descriptors that all connections need, and divide what it grants.

    Each outgoing connection counts twice: in use, and kept for later. Of too few descriptors,
    clients get a quarter at most.
    """
    wanted = FOR_OTHERS + incoming + 2 * outgoing.in_all
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if is_less(allowed, wanted):
        raised = wanted if is_less(wanted, most) else most
        # Some systems have a bound of their own below the one they tell.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, most))
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not is_less(allowed, wanted):
        return Allotment(outgoing, incoming)
    left = allowed - min(FOR_OTHERS, allowed // 4)
    incoming = min(incoming, left // 4)
    in_all = min(outgoing.in_all, max((left - incoming) // 2, FEWEST))
    return Allotment(replace(outgoing, in_all=in_all), incoming)


def is_less(limit: int, other: int) -> bool:
    """Whether a limit is lower than another; either may be infinite."""
    if limit == resource.RLIM_INFINITY:
        return False
    return other == resource.RLIM_INFINITY or limit < other
