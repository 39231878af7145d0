"""How much the dispatcher holds and sends at once, in one place and checked."""

from dataclasses import asdict, dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherLimits:
    """Limits of one process that delivers.

    Raises:
        ValueError: they contradict each other.
    """

    requests_per_lane: int = 16
    """Requests to one webhook that may be under way at once."""
    requests_per_account: int = 256
    """Requests to all webhooks of an account that may be under way at once."""
    requests_for_first: int = 64
    """Those of an account's requests that are kept for lanes with none under way."""
    longest_wait: timedelta = timedelta(seconds=10)
    """Time that a claimed delivery may be expected to wait in its lane."""
    most_rounds: int = 48
    """Deliveries that may wait in a lane for each request that is under way."""
    bytes_per_lane: int = 4 * 1024 * 1024
    """Bytes of a lane's bodies, each counted as if it were as large as the largest so far."""
    claims: int = 24_000
    """Deliveries that this process may hold; a lane may always hold one."""
    claims_per_account: int = 12_000
    """Deliveries of one account that this process may hold."""
    claims_for_first: int = 500
    """Those of an account's deliveries that are kept for lanes that hold none."""
    poll_interval: timedelta = timedelta(seconds=1)
    """Time between two looks for due deliveries, unless a wake-up comes."""
    first_poll: timedelta = timedelta(milliseconds=50)
    """Time until the next look where no other process can wake us, after one that found something.
    Each that finds nothing doubles it."""
    records_per_commit: int = 4_000
    """Attempts that one transaction may record."""
    records_waiting: int = 8_000
    """Attempts that may wait to be recorded; with more, no request is begun."""
    record_linger: timedelta = timedelta(milliseconds=15)
    """Shortest time that an attempt waits for others to share the commit of its record."""
    record_rest: timedelta = timedelta(milliseconds=50)
    """Longest time that it waits. In between it waits as long as the last commit took, so that many
    attempts need few commits, and a single one is recorded soon."""
    quick: timedelta = field(init=False)
    """Requests faster than this get the full queue."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "quick", self.longest_wait / self.most_rounds)
        rules = {
            "each is positive": all(
                value > (timedelta() if isinstance(value, timedelta) else 0)
                for value in asdict(self).values()
            ),
            "an account has room for a full lane beside what is kept for first requests": (
                self.requests_per_lane + self.requests_for_first <= self.requests_per_account
            ),
            "an account may not hold more than the process": (
                self.claims_per_account <= self.claims
            ),
            "what is kept for first claims leaves an account some": (
                self.claims_for_first < self.claims_per_account
            ),
            "a full batch may wait to be recorded": self.records_per_commit <= self.records_waiting,
            "the first look is not later than all others": self.first_poll <= self.poll_interval,
            "the least time to linger is not above the most": (
                self.record_linger <= self.record_rest
            ),
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(
                f"The dispatcher's limits contradict one another: {'; '.join(broken)}."
            )


LIMITS = DispatcherLimits()
