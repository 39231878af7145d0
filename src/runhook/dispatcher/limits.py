"""How much the dispatcher holds and sends at once, in one place and checked."""

from dataclasses import asdict, dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherLimits:
    """Limits of one process that delivers.

    Raises:
        ValueError: they contradict each other.
    """

    requests_per_lane: int = 16
    """How many requests to one webhook are under way at once, at the most."""
    requests_per_account: int = 256
    """How many requests to all webhooks of an account are under way at once, at the most."""
    requests_for_first: int = 64
    """How many of these are kept for lanes that have none under way."""
    longest_wait: timedelta = timedelta(seconds=10)
    """How long a claimed delivery may wait in its lane, as far as that can be foreseen."""
    most_rounds: int = 48
    """How many times the requests under way may be waiting behind them at the most."""
    bytes_per_lane: int = 4 * 1024 * 1024
    """How much a lane's bodies may be altogether, if all are as large as the largest so far."""
    claims: int = 24_000
    """How many deliveries this process holds, but for the first one of a lane."""
    claims_per_account: int = 12_000
    """How many of an account this process holds at the most."""
    claims_for_first: int = 500
    """How many of what an account may claim are kept for lanes that hold nothing."""
    poll_interval: timedelta = timedelta(seconds=1)
    """How long at most before looking for due deliveries again; a wake-up comes sooner."""
    records_per_commit: int = 4_000
    """How many attempts are recorded in one transaction at the most."""
    records_waiting: int = 8_000
    """How many attempts may wait to be recorded before no other one is begun."""
    record_linger: timedelta = timedelta(milliseconds=5)
    """How long the record of an attempt waits for others to share its commit, at the least."""
    record_rest: timedelta = timedelta(milliseconds=50)
    """How long at the most. In between it is as long as the last commit took: what comes quickly is
    written in few commits, and what comes slowly soon."""

    def __post_init__(self) -> None:
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
            "the least time to linger is not above the most": (
                self.record_linger <= self.record_rest
            ),
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"The dispatcher's limits contradict: {'; '.join(broken)}.")

    @property
    def quick(self) -> timedelta:
        """Requests faster than this get the full queue."""
        return self.longest_wait / self.most_rounds


LIMITS = DispatcherLimits()
