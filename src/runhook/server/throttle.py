"""How often somebody may fail before they have to wait.

Failures are counted in memory, by each process for itself: several replicas together allow as many
times more, and a restart forgets. Whoever never fails is never counted.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from time import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from runhook.domain.errors import LimitedError, UnauthorizedError
from runhook.domain.people import LONGEST_EMAIL

SITE_PREFIX = 64
"""Of an IPv6 address: what one site has; whoever has it can use any address in it."""
KNOWN_TOKENS = 10_000


class Failure(StrEnum):
    """What is counted, by whose it is."""

    BAD_TOKEN = "bad token"  # noqa: S105 - a kind, not a secret
    """Counted by the client's address."""
    SIGN_IN_FROM = "sign-in from an address"
    SIGN_IN_AS = "sign-in as an e-mail address"


LIMITS: Mapping[Failure, RateLimitItem] = {
    Failure.BAD_TOKEN: RateLimitItemPerMinute(30),
    Failure.SIGN_IN_FROM: RateLimitItemPerMinute(30, multiples=5),
    Failure.SIGN_IN_AS: RateLimitItemPerMinute(10, multiples=5),
}


def sign_in_of(address: str | None, email: str) -> Mapping[Failure, str]:
    """Return what a sign-in that fails is counted as."""
    return {Failure.SIGN_IN_FROM: address or "", Failure.SIGN_IN_AS: email[:LONGEST_EMAIL]}


class Throttle:
    """Counts failures, and refuses whoever has had too many.

    Args:
        limits: how many of each kind in which time.
    """

    def __init__(self, limits: Mapping[Failure, RateLimitItem] = LIMITS) -> None:
        self._limits = limits
        self._counts = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._counts)
        self._known_tokens: OrderedDict[str, None] = OrderedDict()

    def check(self, failure: Failure, whose: str) -> None:
        """Let somebody go on who has not failed too often.

        Args:
            failure: the kind of failure that could happen next.
            whose: the client's IP address, or the e-mail address.

        Raises:
            LimitedError: they have; the error says when to come back.
        """
        limit, name = self._limits[failure], name_of(whose)
        if self._limiter.test(limit, failure, name):
            return
        reset = self._limiter.get_window_stats(limit, failure, name).reset_time
        seconds = max(1, ceil(reset - time()))
        raise LimitedError(
            f"Too many attempts have failed; try again in {seconds} seconds.",
            retry_after=timedelta(seconds=seconds),
        )

    def count(self, failure: Failure, whose: str) -> None:
        """Count one failure."""
        self._limiter.hit(self._limits[failure], failure, name_of(whose))

    @contextmanager
    def attempt(self, attempts: Mapping[Failure, str]) -> Iterator[None]:
        """Let one attempt through, which counts as failed from its start to its good end.

        So any number at once get no further than one after the other would.

        Args:
            attempts: the kinds of failure to count, and whose they are.

        Raises:
            LimitedError: too many have failed already.
        """
        for failure, whose in attempts.items():
            self.check(failure, whose)
        for failure, whose in attempts.items():
            self.count(failure, whose)
        has_failed = False
        try:
            yield
        except UnauthorizedError:
            has_failed = True
            raise
        finally:
            if not has_failed:
                for failure, whose in attempts.items():
                    key = self._limits[failure].key_for(failure, name_of(whose))
                    self._counts.decr(key)

    def knows_token(self, digest: str) -> bool:
        """Whether a token was good when it was last used here.

        Such a one is looked at even while its address is refused: a neighbour that guesses does
        not lock out those who know.
        """
        return digest in self._known_tokens

    def note_token(self, digest: str, *, is_good: bool) -> None:
        """Remember a good token, forget one that no longer is."""
        self._known_tokens.pop(digest, None)
        if is_good:
            self._known_tokens[digest] = None
        if len(self._known_tokens) > KNOWN_TOKENS:
            self._known_tokens.popitem(last=False)


def name_of(whose: str) -> str:
    """Return what failures are counted under: of an IPv6 address its site, else the text itself."""
    try:
        address = ip_address(whose)
    except ValueError:
        return whose.strip().casefold()
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Network((int(address), SITE_PREFIX), strict=False))
    return str(address)
