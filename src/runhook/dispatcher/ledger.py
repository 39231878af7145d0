"""The ledger: every claim that this process holds, and its stage.

All counts are kept here, by lane, by account and in all, as a claim moves from one stage to the
next.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Protocol

from runhook.domain.deliveries.delivery import Claim
from runhook.domain.messages.telling import DeliveryId
from runhook.operations.deliveries.attempt import Claimed

LOST = float("-inf")


class ClaimStage(IntEnum):
    """Stage of a claim; one that is over is no longer in the ledger."""

    WAITING = 0
    """Waits for its turn in its lane, or to be released."""
    UNDER_WAY = 1
    """Its request has begun."""
    SENT = 2
    """Held until its outcome is recorded."""


# Python 3.11 looks a member up anew at each mention of it, and these are asked for at each request.
WAITING, UNDER_WAY, SENT = ClaimStage


class Counts:
    """How many claims are at each stage."""

    def __init__(self) -> None:
        self._at = [0] * len(ClaimStage)

    def move(self, before: ClaimStage | None, after: ClaimStage | None) -> None:
        """Count a claim at another stage; None is outside the ledger."""
        if before is not None:
            self._at[before] -= 1
        if after is not None:
            self._at[after] += 1

    @property
    def held(self) -> int:
        """Number of claims at all stages."""
        return sum(self._at)

    @property
    def under_way(self) -> int:
        """How many requests have begun and not ended."""
        return self._at[UNDER_WAY]

    @property
    def unsent(self) -> int:
        """How many wait for their turn or are under way."""
        return self._at[WAITING] + self._at[UNDER_WAY]


class HeldCounts(Protocol):
    """A lane, as the ledger sees it: its own counts, and those of its account."""

    @property
    def counts(self) -> Counts:
        """How many of its claims are at each stage."""

    @property
    def counts_of_account(self) -> Counts:
        """The same for all lanes of its account."""


@dataclass(slots=True, eq=False)
class Held:
    """A claimed delivery, from its claim until it has been recorded or given back.

    The times are on the process's steady clock, and never later than those in the database.
    """

    claimed: Claimed
    lane: HeldCounts
    since: float
    """When its claim began."""
    until: float
    """When its lease is over."""
    stage: ClaimStage | None = field(default=None)
    """None outside the ledger."""


class Ledger:
    """Everything that this process holds, by claim."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._held: dict[Claim, Held] = {}
        self._latest: dict[DeliveryId, Held] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def take(self, held: Held) -> None:
        """Begin to hold a claim; an earlier one of the same delivery is marked as lost.

        A claim that is in the ledger already stays as it is.
        """
        claim = held.claimed.claim
        if claim in self._held:
            return
        before = self._latest.get(claim.delivery_id)
        if before is not None:
            before.until = LOST
        self._held[claim] = self._latest[claim.delivery_id] = held
        self._is_empty.clear()
        self._move(held, WAITING)

    def move(self, held: Held, stage: ClaimStage) -> None:
        """Note a claim's new stage; ignore a claim that is no longer held."""
        if held.stage is not None:
            self._move(held, stage)

    def drop(self, held: Held) -> None:
        """Drop a claim; ignore one that is no longer held."""
        if held.stage is None:
            return
        claim = held.claimed.claim
        self._move(held, None)
        del self._held[claim]
        if self._latest[claim.delivery_id] is held:
            del self._latest[claim.delivery_id]
        if not self._held:
            self._is_empty.set()

    async def wait_until_empty(self) -> None:
        """Wait until nothing is held."""
        await self._is_empty.wait()

    def unknown_among(self, claims: Collection[Claim]) -> list[Claim]:
        """Those of some claims that are not held."""
        return [claim for claim in claims if claim not in self._held]

    @property
    def longest_limit(self) -> timedelta:
        """Longest time limit among the held deliveries' webhooks that have their own."""
        limits = (one.claimed.endpoint.options.attempt_timeout for one in self._held.values())
        return max((limit for limit in limits if limit is not None), default=timedelta())

    def ending(self, before: float) -> list[Claimed]:
        """Deliveries whose lease is over before a time, without those already lost."""
        return [held.claimed for held in self._held.values() if LOST < held.until < before]

    def renewed(
        self, asked: Collection[Claimed], kept: Mapping[Claim, Claimed], until: float
    ) -> None:
        """Note which of the renewed claims are held until ``until``; the others are lost."""
        for one in asked:
            # It may have been recorded meanwhile.
            held = self._held.get(one.claim)
            if held is not None:
                held.claimed = kept.get(one.claim, one)
                held.until = until if one.claim in kept else LOST

    def _move(self, held: Held, stage: ClaimStage | None) -> None:
        for counts in (self.counts, held.lane.counts, held.lane.counts_of_account):
            counts.move(held.stage, stage)
        held.stage = stage
