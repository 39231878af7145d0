"""File descriptors: every connection takes one, and the system sets how many a process may have."""

import resource
from contextlib import suppress
from dataclasses import replace

from runhook.outbound.pool import Bounds

FOR_OTHERS = 512
"""What the database, callers of the API and the log need beside connections to endpoints."""
FEWEST = 16
"""Below that nothing would be sent; then it is better to find out what the system says."""


def within_limits(bounds: Bounds) -> Bounds:
    """Ask the system for the descriptors that ``bounds`` need, and return what it leaves us.

    For each connection in use there is room for another one that is kept for later.
    """
    wanted = FOR_OTHERS + 2 * bounds.in_all
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if is_less(allowed, wanted):
        raised = wanted if is_less(wanted, most) else most
        # Some systems have a bound of their own below the one they tell.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, most))
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not is_less(allowed, wanted):
        return bounds
    return replace(bounds, in_all=max((allowed - FOR_OTHERS) // 2, FEWEST))


def is_less(limit: int, other: int) -> bool:
    """Whether one limit is lower than another, which may be none at all."""
    if limit == resource.RLIM_INFINITY:
        return False
    return other == resource.RLIM_INFINITY or limit < other
