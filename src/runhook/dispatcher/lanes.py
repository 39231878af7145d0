"""A lane for each webhook, so that a slow endpoint holds up nothing but its own deliveries.

What there is in all is shared out among accounts, and an account's part among its lanes, by one
rule: nobody takes more than a part of what is left for all, and who has nothing yet gets one.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from runhook.domain.budgets import Budget
from runhook.domain.deliveries import Delivery
from runhook.domain.runs import AccountId
from runhook.domain.webhooks import WebhookId
from runhook.storage.claims import Waiting

REQUESTS_PER_LANE = 16
"""How many requests to one webhook are under way at once, at the most."""
REQUESTS_PER_ACCOUNT = 256
"""How many requests to all webhooks of an account are under way at once, at the most."""
REQUESTS_FOR_FIRST = 64
"""How many of these are kept for lanes that have none under way."""
LONGEST_WAIT = timedelta(seconds=10)
"""How long a claimed delivery may wait in its lane, as far as that can be foreseen."""
MOST_ROUNDS = 8
"""How many times the requests under way may be waiting behind them at the most."""
CLAIMS_IN_ALL = 4_000
"""How many deliveries this process holds, but for the first one of a lane."""
CLAIMS_PER_ACCOUNT = CLAIMS_IN_ALL // 2
"""How many of an account this process holds at the most."""
CLAIMS_FOR_FIRST = 500
"""How many of what an account may claim are kept for lanes that hold nothing."""


class Share:
    """What we hold of one account."""

    def __init__(self) -> None:
        self.held = 0
        self.under_way = 0
        self._crowded_out: dict[Lane, None] = {}

    @property
    def requests_per_lane(self) -> int:
        """How many requests a lane may have under way now, before it may begin another."""
        free = REQUESTS_PER_ACCOUNT - self.under_way
        return max((free - REQUESTS_FOR_FIRST) // 4, min(free, 1))

    def note_crowded_out(self, lane: "Lane") -> None:
        """Remember a lane that waits for requests of other lanes to end."""
        self._crowded_out[lane] = None

    def advance(self) -> None:
        """Let one lane go on that waits for others, each in its turn."""
        for lane in list(self._crowded_out):
            del self._crowded_out[lane]
            if lane.advance():
                return


class Lane:
    """What we hold of one webhook."""

    def __init__(self, share: Share) -> None:
        self.held = 0
        self.under_way = 0
        self.budget = Budget.full(REQUESTS_PER_LANE)
        self._share = share
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._closed_at = -math.inf
        self._latest_duration = LONGEST_WAIT

    def note(self, duration: timedelta, *, failed: bool) -> None:
        """Learn how the endpoint takes a request that has just ended."""
        self._latest_duration = duration
        self.budget = self.budget.after(failed=failed, duration=duration, under_way=self.under_way)
        self.advance()

    def places(self, waiting: Waiting | None = None) -> int:
        """Return how many more deliveries to claim: none while the lane is more than half full.

        A quick endpoint gets more of them at a time, so that claiming is paid once for many; a
        slow one few, so that none waits longer in its lane than its lease allows. A paused endpoint
        gets one, and one with a rate limit what can be sent at once.
        """
        if waiting is not None and waiting.is_paused:
            return 1
        if waiting is not None and waiting.rate_limit is not None:
            return max(0, min(self.budget.requests - self.held, waiting.rate_limit.together))
        rounds = int(LONGEST_WAIT / max(self._latest_duration, timedelta(milliseconds=1)))
        capacity = self.budget.requests * (1 + min(max(rounds, 1), MOST_ROUNDS))
        return 0 if self.held > capacity // 2 else capacity - self.held

    @asynccontextmanager
    async def turn(self, claimed_at: float) -> AsyncIterator[bool]:
        """Wait for a place among the requests under way.

        Args:
            claimed_at: when the claim of what is to be sent began, as the loop tells time.

        Yields:
            whether it is to be sent; not if the lane was closed since.
        """
        if claimed_at < self._closed_at or not await self._begin():
            yield False
            return
        try:
            yield True
        finally:
            self.under_way -= 1
            self._share.under_way -= 1
            self.advance()
            self._share.advance()

    def close(self, at: float) -> None:
        """Send nothing that was claimed before ``at``; what waits for its turn gets none."""
        self._closed_at = at
        while self._waiting:
            answer(self._waiting.popleft(), is_yours=False)

    def advance(self) -> bool:
        """Let begin what may; say whether anything did."""
        has_begun = False
        while self._waiting and self._has_room():
            if answer(self._waiting.popleft(), is_yours=True):
                self.under_way += 1
                self._share.under_way += 1
                has_begun = True
        if self._waiting and self.under_way < self.budget.requests:
            self._share.note_crowded_out(self)
        return has_begun

    async def _begin(self) -> bool:
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.advance()
        return await turn

    def _has_room(self) -> bool:
        return self.under_way < min(self.budget.requests, self._share.requests_per_lane)


def part_of(left: int, held: int, *, is_first: bool) -> int:
    """Return how many deliveries a lane may claim.

    Args:
        left: of all that this process can hold.
        held: of the lane's account.
        is_first: whether the lane holds nothing.
    """
    # With half of the difference more, an account holds as much as it leaves to others.
    free = (left - held) // 2
    first = 1 if is_first and held < CLAIMS_PER_ACCOUNT else 0
    return max((free - CLAIMS_FOR_FIRST) // 4, first)


def answer(turn: asyncio.Future[bool], *, is_yours: bool) -> bool:
    """Tell one that waits for its turn whether it has come; say whether it was there to be told."""
    if turn.done():
        return False
    turn.set_result(is_yours)
    return True


class Lanes:
    """What we hold of all webhooks; lanes come with their first delivery.

    They stay until nothing is held and nothing waits, and remember till then how much their
    endpoints can bear.
    """

    def __init__(self) -> None:
        self._lanes: dict[WebhookId, Lane] = {}
        self._shares: dict[AccountId, Share] = {}
        self._held = 0

    def enter(self, delivery: Delivery) -> Lane:
        """Count one delivery as held, and return its lane."""
        share = self._shares.setdefault(delivery.account_id, Share())
        lane = self._lanes.setdefault(delivery.webhook_id, Lane(share))
        lane.held += 1
        share.held += 1
        self._held += 1
        return lane

    def leave(self, delivery: Delivery) -> bool:
        """Count one delivery as no longer held; say whether others can be claimed."""
        lane = self._lanes[delivery.webhook_id]
        lane.held -= 1
        self._shares[delivery.account_id].held -= 1
        self._held -= 1
        return lane.places() > 0

    def close(self, at: float) -> None:
        """Close all lanes for what was claimed before ``at``."""
        for lane in self._lanes.values():
            lane.close(at)

    def places(self, waiting: Mapping[WebhookId, Waiting]) -> dict[WebhookId, int]:
        """Return how many deliveries to claim of each webhook with something that can be sent.

        The emptiest lanes come first, so that those in trouble never use up what there is in all.
        """
        self._forget_idle(waiting)
        left = CLAIMS_IN_ALL - self._held
        held = {account_id: share.held for account_id, share in self._shares.items()}
        ready = {
            webhook_id: self._lanes.get(webhook_id) or Lane(Share())
            for webhook_id, one in waiting.items()
            if one.pause <= timedelta()
        }
        places = {}
        for webhook_id, lane in sorted(ready.items(), key=lambda item: item[1].held):
            account_id = waiting[webhook_id].account_id
            count = min(
                lane.places(waiting[webhook_id]),
                part_of(left, held.get(account_id, 0), is_first=not lane.held),
            )
            if count > 0:
                places[webhook_id] = count
                held[account_id] = held.get(account_id, 0) + count
                left -= count
        return places

    def _forget_idle(self, waiting: Mapping[WebhookId, Waiting]) -> None:
        idle = [
            webhook_id
            for webhook_id, lane in self._lanes.items()
            if not lane.held and webhook_id not in waiting
        ]
        for webhook_id in idle:
            del self._lanes[webhook_id]
        accounts = {one.account_id for one in waiting.values()}
        gone = [
            account_id
            for account_id, share in self._shares.items()
            if not share.held and account_id not in accounts
        ]
        for account_id in gone:
            del self._shares[account_id]
