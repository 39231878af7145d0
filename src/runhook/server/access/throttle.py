"""Failed attempts: recent counts, and errors for those who fail too often.

Valid credentials are never refused: a token or a password is verified first, and only then is a
failure counted. So guesses, from the same address or for the same e-mail address, lock out no user.

Failures are counted in memory, by each process for itself: several replicas together allow as many
times more, and a restart forgets. Time is the monotonic clock's.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network
from math import ceil

from runhook.domain.errors import LimitedError, RunhookError
from runhook.domain.network.forwarding import read_client_address

SITE_PREFIX = 64
"""Prefix length of one site's IPv6 addresses; a client may use any address of its site."""
LONGEST_NAME = 256
REMEMBERED = 50_000
"""How many names have their failures counted; those that failed longest ago are forgotten."""


class Failure(StrEnum):
    """What is counted, by what it is counted under."""

    TOKEN_FROM = "tokens from an address"  # noqa: S105 - a kind, not a secret
    TOKEN = "a token"  # noqa: S105 - it is none
    SIGN_IN_FROM = "sign-ins from an address"
    SIGN_IN_AS = "sign-ins with an e-mail address"
    SIGN_IN_BY = "sign-ins by a known device"


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are answered as such within a window, which begins with the first one."""

    failures: int
    window: timedelta


LIMITS: Mapping[Failure, Limit] = {
    Failure.TOKEN_FROM: Limit(30, timedelta(minutes=1)),
    Failure.TOKEN: Limit(30, timedelta(minutes=1)),
    Failure.SIGN_IN_FROM: Limit(30, timedelta(minutes=5)),
    Failure.SIGN_IN_AS: Limit(10, timedelta(minutes=5)),
    Failure.SIGN_IN_BY: Limit(10, timedelta(minutes=5)),
}


@dataclass(slots=True)
class FailureCount:
    """The failures under one name since a window began."""

    since: float
    count: int = 0


class Throttle:
    """Counts failures.

    Args:
        limits: how many of each kind in which time.
        now: the seconds of a clock that never goes back.
    """

    def __init__(
        self,
        limits: Mapping[Failure, Limit] = LIMITS,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._now = now
        self._failed: OrderedDict[tuple[Failure, str], FailureCount] = OrderedDict()

    def refusal(self, error: RunhookError, names: Mapping[Failure, str]) -> RunhookError:
        """Count a failure under some names, and return the error to answer with.

        Args:
            error: what was wrong.
            names: what the failure is counted under, by kind.

        Returns:
            ``error``, or a ``LimitedError`` if there were too many failures under one of the names.
        """
        reset = max((self._count(failure, name) for failure, name in names.items()), default=0.0)
        if reset <= 0:
            return error
        seconds = max(1, ceil(reset))
        return LimitedError(
            f"{error.message} Too many attempts have failed; try again in {seconds} seconds.",
            retry_after=timedelta(seconds=seconds),
        )

    def is_over(self, failure: Failure, name: str) -> bool:
        """Whether there were as many failures under a name as are answered as such."""
        failed = self._counted(failure, name)
        return failed is not None and failed.count >= self._limits[failure].failures

    def _count(self, failure: Failure, name: str) -> float:
        """Count one failure; return the seconds left of a window that has too many, else 0."""
        now, key, limit = self._now(), (failure, failure_key(name)), self._limits[failure]
        failed = self._counted(failure, name) or FailureCount(since=now)
        failed.count += 1
        self._failed[key] = failed
        self._failed.move_to_end(key)
        if len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)
        if failed.count <= limit.failures:
            return 0.0
        return failed.since + limit.window.total_seconds() - now

    def _counted(self, failure: Failure, name: str) -> FailureCount | None:
        failed = self._failed.get((failure, failure_key(name)))
        window = self._limits[failure].window.total_seconds()
        return failed if failed is not None and self._now() < failed.since + window else None


def failure_key(text: str) -> str:
    """Key to count failures under: of an IPv6 address its site, else the text itself."""
    address = read_client_address(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), SITE_PREFIX), strict=False))
    return str(address) if address else text.strip().casefold()[:LONGEST_NAME]
