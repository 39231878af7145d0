"""A lane for each webhook, so that a slow endpoint delays only its own deliveries.

Slots are shared out among accounts, and an account's share among its lanes, by one rule: each takes
at most a part of what is left for all, and one that has nothing yet gets one.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from runhook.dispatcher.ledger import SENT, UNDER_WAY, Counts, Held, Ledger
from runhook.dispatcher.limits import LIMITS, DispatcherLimits
from runhook.domain.deliveries.budgets import Budget
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.run import AccountId
from runhook.operations.deliveries.attempt import Claimed
from runhook.storage.deliveries.waiting import Waiting


class Promised:
    """How many places are promised to deliveries that are not in their lanes yet."""

    def __init__(self) -> None:
        self.of_account: Counter[AccountId] = Counter()
        self.of_webhook: Counter[WebhookId] = Counter()
        self.in_all = 0

    def add(self, account_id: AccountId, webhook_id: WebhookId) -> None:
        """Promise one more."""
        self.of_account[account_id] += 1
        self.of_webhook[webhook_id] += 1
        self.in_all += 1


class Share:
    """Deliveries of one account that this process holds."""

    def __init__(self, limits: DispatcherLimits = LIMITS) -> None:
        self.counts = Counts()
        self.limits = limits
        self._crowded_out: dict[Lane, None] = {}

    @property
    def requests_per_lane(self) -> int:
        """How many requests a lane may have under way now, before it may begin another."""
        free = self.limits.requests_per_account - self.counts.under_way
        return max((free - self.limits.requests_for_first) // 4, min(free, 1))

    def note_crowded_out(self, lane: "Lane") -> None:
        """Note that a lane has to wait until requests of other lanes end."""
        self._crowded_out[lane] = None

    def advance(self) -> None:
        """Let one lane go on that waits for others, each in its turn."""
        for lane in list(self._crowded_out):
            del self._crowded_out[lane]
            if lane.advance():
                return


class Lane:
    """What we hold of one webhook.

    Args:
        share: what we hold of its account.
        ledger: where it notes how far what it holds has come.
        begin: begins to send, on a place among the requests under way that was taken for it.
    """

    def __init__(self, share: Share, ledger: Ledger, begin: "Begin") -> None:
        self.counts = Counts()
        self._limits = share.limits
        self.budget = Budget.full(self._limits.requests_per_lane)
        self._share = share
        self._ledger = ledger
        self._begin = begin
        self._waiting: deque[Held] = deque()
        self._closed_at = -math.inf
        self._in_time = capacity_of(self.budget, self._limits.longest_wait, self._limits)
        self._in_memory = self._limits.bytes_per_lane
        self._largest_body = 1

    @property
    def counts_of_account(self) -> Counts:
        """What we hold of all lanes of its account."""
        return self._share.counts

    def note_size(self, size: int) -> None:
        """Note a body's size: the largest one bounds how many deliveries a lane holds."""
        if size > self._largest_body:
            self._largest_body = size
            per_lane = self._limits.bytes_per_lane // size
            self._in_memory = max(per_lane, self._limits.requests_per_lane)

    def put(self, held: Held) -> bool:
        """Queue a delivery in its lane; False if it was claimed before the lane was closed."""
        if held.since < self._closed_at:
            return False
        self._waiting.append(held)
        self.advance()
        return True

    def next(self) -> Held | None:
        """Take out the delivery that gets the place of a request that has ended.

        Returns:
            the next delivery to send; None if there is none, or others have the slot now.
        """
        following = self._take_place()
        if following is None:
            self._share.advance()
        return following

    def note(self, duration: timedelta, *, failed: bool) -> None:
        """Adjust the budget to a request that has ended, whose place is not given back yet."""
        others = self.counts.under_way - 1
        before = self.budget
        self.budget = before.after(failed=failed, duration=duration, under_way=others)
        self._in_time = capacity_of(self.budget, duration, self._limits)
        if self.budget.requests > before.requests:
            self.advance()

    @property
    def capacity(self) -> int:
        """How many deliveries may be unsent."""
        return min(self._in_time, self._in_memory)

    def note_sent(self, held: Held) -> bool:
        """Hold a delivery until it is recorded; return whether that leaves the lane half empty."""
        half = self.capacity // 2
        was_full = self.counts.unsent > half
        self._ledger.move(held, SENT)
        return was_full and self.counts.unsent <= half

    def places(self, waiting: Waiting | None = None, promised: int = 0) -> int:
        """Number of deliveries to claim: none while the lane is more than half full.

        A paused endpoint gets one, and one with a rate limit what can be sent at once. Of the
        others, some may be promised.
        """
        if waiting is not None and waiting.is_paused:
            return 1
        if waiting is not None and waiting.rate_limit is not None:
            due = waiting.rate_limit.due_after(-waiting.pause)
            return max(0, min(self.budget.requests - self.counts.held, due))
        unsent = self.counts.unsent + promised
        return 0 if unsent > self.capacity // 2 else self.capacity - unsent

    def close(self, at: float) -> Sequence[Held]:
        """Send nothing that was claimed before ``at``; return what was still unsent."""
        self._closed_at = at
        waited = list(self._waiting)
        self._waiting.clear()
        return waited

    @property
    def has_letters(self) -> bool:
        """Whether its deliveries are letters, and some wait."""
        return bool(self._waiting) and self._waiting[0].claimed.is_letter

    def advance(self) -> bool:
        """Begin to send what may be sent; return whether there was any."""
        has_begun = False
        while (following := self._take_place()) is not None:
            self._begin(self, following)
            has_begun = True
        if self._waiting and self.counts.under_way < self.budget.requests:
            self._share.note_crowded_out(self)
        return has_begun

    def _take_place(self) -> Held | None:
        if not self._waiting or not self._has_room():
            return None
        held = self._waiting.popleft()
        self._ledger.move(held, UNDER_WAY)
        return held

    def _has_room(self) -> bool:
        under_way = self.counts.under_way
        return under_way < self.budget.requests and under_way < self._share.requests_per_lane


Begin = Callable[[Lane, Held], None]


def capacity_of(budget: Budget, duration: timedelta, limits: DispatcherLimits) -> int:
    """How many unsent deliveries a lane may hold, given the duration of its latest request.

    A quick endpoint gets more of them at a time, so that claiming is paid once for many; a slow one
    few, so that none waits longer in its lane than its lease allows.
    """
    most = limits.most_rounds
    rounds = limits.longest_wait // duration if duration > limits.quick else most
    return budget.requests * (1 + min(max(rounds, 1), most))


def part_of(left: int, held: int, *, is_first: bool, limits: DispatcherLimits) -> int:
    """How many deliveries a lane may claim.

    Args:
        left: of all that this process can hold.
        held: of the lane's account.
        is_first: whether the lane holds nothing.
        limits: say how many an account may hold, and how many are kept for first claims.
    """
    # With half of the difference more, an account holds as much as it leaves to others.
    free = (left - held) // 2
    first = 1 if is_first and held < limits.claims_per_account else 0
    return max((free - limits.claims_for_first) // 4, first)


class Lanes:
    """What we hold of all webhooks; lanes come with their first delivery.

    They stay until nothing is held and nothing waits, and remember till then how much their
    endpoints can bear.
    """

    def __init__(self, ledger: Ledger, begin: Begin, limits: DispatcherLimits = LIMITS) -> None:
        self._ledger = ledger
        self._begin = begin
        self._limits = limits
        self._lanes: dict[WebhookId, Lane] = {}
        self._shares: dict[AccountId, Share] = {}

    def lane_of(self, claimed: Claimed) -> Lane:
        """Lane of a delivery."""
        delivery = claimed.delivery
        lane = self._lanes.get(delivery.webhook_id)
        share = self._shares.get(delivery.account_id)
        if share is None:
            share = self._shares[delivery.account_id] = Share(self._limits)
        if lane is None:
            lane = self._lanes[delivery.webhook_id] = Lane(share, self._ledger, self._begin)
        return lane

    def take(self, claimed: Claimed, *, since: float, until: float) -> Held:
        """Hold a claimed delivery in its lane, not yet queued to be sent."""
        lane = self.lane_of(claimed)
        lane.note_size(len(claimed.delivery.rendered.body))
        held = Held(claimed, lane, since=since, until=until)
        self._ledger.take(held)
        return held

    def close(self, at: float) -> Sequence[Held]:
        """Close all lanes for what was claimed before ``at``; return what was still unsent."""
        return [held for lane in self._lanes.values() for held in lane.close(at)]

    def close_mail(self, at: float) -> Sequence[Held]:
        """Close those that letters wait in, as ``close`` does all."""
        closed = [lane.close(at) for lane in self._lanes.values() if lane.has_letters]
        return [held for one in closed for held in one]

    def has_place(self, account_id: AccountId, webhook_id: WebhookId, promised: Promised) -> bool:
        """Whether there is room for one more delivery to a webhook that is not gated.

        It changes nothing, and can be asked on any thread: what is being counted then may be
        missed, as what is being claimed is.
        """
        lane = self._lanes.get(webhook_id) or self._new_lane()
        share = self._shares.get(account_id)
        promised_here = promised.of_webhook[webhook_id]
        part = part_of(
            self._limits.claims - self._ledger.counts.held - promised.in_all,
            (0 if share is None else share.counts.held) + promised.of_account[account_id],
            is_first=lane.counts.held + promised_here == 0,
            limits=self._limits,
        )
        return min(part, lane.places(promised=promised_here)) > 0

    def places(self, waiting: Mapping[WebhookId, Waiting]) -> dict[WebhookId, int]:
        """Number of deliveries to claim, for each webhook with something to send.

        The emptiest lanes come first, so that those in trouble never use up what there is in all.
        """
        self._forget_idle(waiting)
        left = self._limits.claims - self._ledger.counts.held
        held = {account_id: share.counts.held for account_id, share in self._shares.items()}
        ready = {
            webhook_id: self._lanes.get(webhook_id) or self._new_lane()
            for webhook_id, one in waiting.items()
            if one.pause <= timedelta()
        }
        places = {}
        for webhook_id, lane in sorted(ready.items(), key=lambda item: item[1].counts.held):
            account_id = waiting[webhook_id].account_id
            count = min(
                lane.places(waiting[webhook_id]),
                part_of(
                    left,
                    held.get(account_id, 0),
                    is_first=not lane.counts.held,
                    limits=self._limits,
                ),
            )
            if count > 0:
                places[webhook_id] = count
                held[account_id] = held.get(account_id, 0) + count
                left -= count
        return places

    def _new_lane(self) -> Lane:
        """A lane of a webhook of which nothing is held, as it would begin."""
        return Lane(Share(self._limits), self._ledger, self._begin)

    def _forget_idle(self, waiting: Mapping[WebhookId, Waiting]) -> None:
        idle = [
            webhook_id
            for webhook_id, lane in self._lanes.items()
            if not lane.counts.held and webhook_id not in waiting
        ]
        for webhook_id in idle:
            del self._lanes[webhook_id]
        accounts = {one.account_id for one in waiting.values()}
        gone = [
            account_id
            for account_id, share in self._shares.items()
            if not share.counts.held and account_id not in accounts
        ]
        for account_id in gone:
            del self._shares[account_id]
