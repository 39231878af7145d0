"""A lane for each webhook, so that a slow endpoint holds up nothing but its own deliveries."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from runhook.domain.webhooks import WebhookId

REQUESTS_PER_LANE = 16
"""How many requests to one webhook are under way at once."""
LONGEST_WAIT = timedelta(seconds=10)
"""How long a claimed delivery may wait in its lane, as far as that can be foreseen."""
MOST_ROUNDS = 8
"""How many times the requests under way may be waiting behind them at the most."""
CLAIMS_IN_ALL = 4_000
"""How many deliveries this process holds at the most."""


class Lane:
    """What we hold of one webhook."""

    def __init__(self) -> None:
        self.held = 0
        self.requests = asyncio.Semaphore(REQUESTS_PER_LANE)
        self._latest_duration = LONGEST_WAIT

    def note(self, duration: timedelta) -> None:
        """Learn how long the endpoint takes."""
        self._latest_duration = duration

    @property
    def places(self) -> int:
        """How many more deliveries to claim: none while the lane is more than half full.

        A quick endpoint gets more of them at a time, so that claiming is paid once for many; a
        slow one few, so that none waits longer in its lane than its lease allows.
        """
        rounds = int(LONGEST_WAIT / max(self._latest_duration, timedelta(milliseconds=1)))
        capacity = REQUESTS_PER_LANE * (1 + min(max(rounds, 1), MOST_ROUNDS))
        return 0 if self.held > capacity // 2 else capacity - self.held


class Lanes:
    """What we hold of all webhooks; lanes come with their first delivery and go with the last."""

    def __init__(self) -> None:
        self._lanes: dict[WebhookId, Lane] = {}
        self._held = 0

    def enter(self, webhook_id: WebhookId) -> Lane:
        """Count one delivery as held, and return its lane."""
        lane = self._lanes.setdefault(webhook_id, Lane())
        lane.held += 1
        self._held += 1
        return lane

    def leave(self, webhook_id: WebhookId) -> bool:
        """Count one delivery as no longer held; say whether others can be claimed."""
        lane = self._lanes[webhook_id]
        lane.held -= 1
        self._held -= 1
        if not lane.held:
            del self._lanes[webhook_id]
        return lane.places > 0

    def places(self, waiting: Mapping[WebhookId, timedelta]) -> dict[WebhookId, int]:
        """Return how many deliveries to claim of each webhook with something due.

        The emptiest lanes come first, so that those in trouble never use up what there is in all.
        """
        left = CLAIMS_IN_ALL - self._held
        due = [webhook_id for webhook_id, pause in waiting.items() if pause <= timedelta()]
        lanes = {webhook_id: self._lanes.get(webhook_id) or Lane() for webhook_id in due}
        places = {}
        for webhook_id in sorted(due, key=lambda webhook_id: lanes[webhook_id].held):
            free = min(lanes[webhook_id].places, left)
            if free > 0:
                places[webhook_id] = free
                left -= free
        return places
