"""How much is measured: the whole, a tenth of it to try a change, or with the largest tables."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes and times of all figures."""

    backlog: int = 100_000
    """Deliveries to drain."""
    seconds: int = 60
    """How long an open loop goes on."""
    rates: tuple[int, ...] = (50, 200, 500, 1_000)
    """Reports per second of the open loops."""
    pending: int = 100_000
    """Deliveries that wait for a dead endpoint."""
    history: int = 1_000_000
    """Old deliveries in the log."""
    pruned: int = 1_000_000
    """Deliveries older than the retention."""


WHOLE = Scale()
QUICK = Scale(
    backlog=20_000, seconds=10, rates=(50, 200), pending=10_000, history=100_000, pruned=50_000
)
FULL = Scale(pending=1_000_000, history=10_000_000)
