"""How much is measured: the whole, or a part of it to try a change."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes of the figures."""

    backlog: int = 100_000
    """Deliveries to drain."""
    shared_backlog: int = 50_000
    """Deliveries that several processes drain."""
    history: int = 10_000_000
    """Old deliveries in the log."""
    pending: int = 1_000_000
    """Deliveries that wait for a dead endpoint."""
    pruned: int = 500_000
    """Deliveries to delete; with their attempts, runs and events more than twice as many rows."""
    moved: int = 1_000_000
    """Deliveries of a service that moves to another database; rows are more than twice as many."""
    rates: tuple[int, ...] = (50, 200, 500, 1_000)
    """Reports per second of the open loop."""
    open_seconds: int = 60
    """How long each of them goes on."""
    idle_seconds: int = 60
    """How long a service idles."""
    alone: int = 20
    """Reports that come one at a time."""
    sized: int = 2_000
    """Runs for each of the sizes."""
    rounds: int = 6
    """How often two things are measured that take turns."""
    round_seconds: int = 8
    """How long each of them goes on at a time."""


WHOLE = Scale()
QUICK = Scale(
    shared_backlog=10_000,
    backlog=20_000,
    history=1_000_000,
    pending=100_000,
    pruned=100_000,
    moved=100_000,
    rates=(200,),
    open_seconds=10,
    idle_seconds=20,
    alone=8,
    sized=500,
    rounds=1,
    round_seconds=10,
)
