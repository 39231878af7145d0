"""Replicas: the processes that share a database, and how they show that they live."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SIGN_INTERVAL = timedelta(seconds=5)
"""How often a replica shows that it lives."""
LONGEST_SILENCE = timedelta(seconds=20)
"""After so long without a sign a replica counts as dead: three signs and their delays."""


class ReplicaRole(StrEnum):
    """What a replica does."""

    API = "api"
    """Answers requests."""
    DISPATCHER = "dispatcher"
    """Delivers, and does what is done once for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One process."""

    name: str
    """No other one has it, nor ever had."""
    host: str
    roles: tuple[ReplicaRole, ...]
    version: str
    """Of Runhook."""
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenReplica:
    """One process, and when it last showed that it lives, on the database's clock."""

    replica: Replica
    seen_at: datetime
    attempts_lately: int
    """How many attempts it made in the minute before that."""
    is_alive: bool
