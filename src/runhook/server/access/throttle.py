"""Limits on failed attempts and on requested links: recent counts, and errors above a limit.

Valid credentials are never refused: a token or a password is verified first, and only then is a
failure counted. So guesses, from the same address or for the same e-mail address, lock out no user.

All is counted in memory, by each process for itself: several replicas together allow as many
times more, and a restart forgets. Time is the monotonic clock's.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network
from math import ceil

from runhook.domain.errors import LimitedError, RunhookError
from runhook.domain.network.forwarding import read_client_address
from runhook.telemetry.events import SIGN_IN_REFUSED, THROTTLE_CLOSED, TOKEN_REFUSED, Seldom

SITE_PREFIX = 64
"""Prefix length of one site's IPv6 addresses; a client may use any address of its site."""
LONGEST_NAME = 256
REMEMBERED = 50_000
"""Limit of counters; those not used for longest are dropped."""


class Rationed(StrEnum):
    """Kinds of failed attempts, each with what they are counted by."""

    TOKEN_FROM = "tokens from an address"  # noqa: S105 - a kind, not a secret
    TOKEN = "a token"  # noqa: S105 - it is none
    SIGN_IN_FROM = "sign-ins from an address"
    SIGN_IN_AS = "sign-ins with an e-mail address"
    SIGN_IN_BY = "sign-ins by a known device"
    ANSWER_FROM = "sign-ins by a provider from an address"
    RESET_FROM = "links to a new password from an address"
    RESET_FOR = "links to a new password for an e-mail address"


@dataclass(frozen=True, slots=True)
class Limit:
    """Most events within a window, which begins with the first one."""

    most: int
    window: timedelta


FROM_ADDRESS = (Rationed.TOKEN_FROM, Rationed.SIGN_IN_FROM, Rationed.RESET_FROM)
LIMITS: Mapping[Rationed, Limit] = {
    Rationed.TOKEN_FROM: Limit(30, timedelta(minutes=1)),
    Rationed.TOKEN: Limit(30, timedelta(minutes=1)),
    Rationed.SIGN_IN_FROM: Limit(30, timedelta(minutes=5)),
    Rationed.SIGN_IN_AS: Limit(10, timedelta(minutes=5)),
    Rationed.SIGN_IN_BY: Limit(10, timedelta(minutes=5)),
    Rationed.ANSWER_FROM: Limit(60, timedelta(minutes=5)),
    Rationed.RESET_FROM: Limit(10, timedelta(minutes=15)),
    Rationed.RESET_FOR: Limit(5, timedelta(minutes=15)),
}


@dataclass(frozen=True, slots=True)
class Refusals:
    """Log lines about refused strangers, a few a minute at most."""

    token: Seldom = field(default_factory=lambda: Seldom(TOKEN_REFUSED))
    sign_in: Seldom = field(default_factory=lambda: Seldom(SIGN_IN_REFUSED))


@dataclass(slots=True)
class Count:
    """How many there were under one name since a window began."""

    since: float
    count: int = 0


class Throttle:
    """Counts what strangers may do only so often.

    Args:
        limits: how many of each kind in which time.
        now: the seconds of a clock that never goes back.
    """

    def __init__(
        self,
        limits: Mapping[Rationed, Limit] = LIMITS,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._now = now
        self._counts: OrderedDict[tuple[Rationed, str], Count] = OrderedDict()
        self._closed = Seldom(THROTTLE_CLOSED)

    def refusal(self, error: RunhookError, names: Mapping[Rationed, str]) -> RunhookError:
        """Count a failure under some names, and return the error to answer with.

        Args:
            error: what was wrong.
            names: what the failure is counted under, by kind.

        Returns:
            ``error``, or a ``LimitedError`` if there were too many failures under one of the names.
        """
        refusal = self._count_all(names, f"{error.message} Too many attempts have failed")
        return error if refusal is None else refusal

    def admit(self, names: Mapping[Rationed, str], crowded: str) -> None:
        """Count a request under some names.

        Args:
            names: what it is counted under, by kind.
            crowded: says that there were too many; how long to wait is added.

        Raises:
            LimitedError: there were too many under one of the names.
        """
        refusal = self._count_all(names, crowded)
        if refusal is not None:
            raise refusal

    def is_over(self, kind: Rationed, name: str) -> bool:
        """Whether a name has reached its limit."""
        found = self._counted(kind, name)
        return found is not None and found.count >= self._limits[kind].most

    def _count_all(self, names: Mapping[Rationed, str], crowded: str) -> LimitedError | None:
        """Count one under each name; return an error if one of them has too many."""
        reset = max((self._count(kind, name) for kind, name in names.items()), default=0.0)
        if reset <= 0:
            return None
        seconds = max(1, ceil(reset))
        return LimitedError(
            f"{crowded}; try again in {seconds} seconds.", retry_after=timedelta(seconds=seconds)
        )

    def _count(self, kind: Rationed, name: str) -> float:
        """Count one; return the seconds left of a window that has too many, else 0."""
        now, key, limit = self._now(), (kind, counting_key(name)), self._limits[kind]
        found = self._counted(kind, name) or Count(since=now)
        found.count += 1
        self._counts[key] = found
        self._counts.move_to_end(key)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        if found.count <= limit.most:
            return 0.0
        left = found.since + limit.window.total_seconds() - now
        if found.count == limit.most + 1:
            client = name if kind in FROM_ADDRESS else None
            self._closed.say(counted=kind, client=client, seconds=ceil(left))
        return left

    def _counted(self, kind: Rationed, name: str) -> Count | None:
        found = self._counts.get((kind, counting_key(name)))
        window = self._limits[kind].window.total_seconds()
        return found if found is not None and self._now() < found.since + window else None


def counting_key(text: str) -> str:
    """Key to count under: of an IPv6 address its site, else the text itself."""
    address = read_client_address(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), SITE_PREFIX), strict=False))
    return str(address) if address else text.strip().casefold()[:LONGEST_NAME]
