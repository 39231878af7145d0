"""Webhooks that rest, since what this process runs on has just failed one of their deliveries."""

from collections.abc import Mapping

from runhook.domain.deliveries.judging import OUR_PAUSE, Outcome
from runhook.domain.messages.telling import WebhookId
from runhook.telemetry.events import SENDING_HELD_UP


class Resting:
    """Which webhooks are not tried for now, by this process; it says why once for all of them."""

    def __init__(self) -> None:
        self._until: dict[WebhookId, float] = {}
        self._silent_until = float("-inf")

    def begin(self, webhook_id: WebhookId, outcome: Outcome, now: float) -> None:
        """Leave a webhook alone for a while from ``now``, in the event loop's seconds."""
        self._until[webhook_id] = now + OUR_PAUSE.total_seconds()
        self.say_why(outcome, now)

    def say_why(self, outcome: Outcome, now: float) -> None:
        """Log why something was not sent, unless that was done a short while ago."""
        if now >= self._silent_until:
            self._silent_until = now + OUR_PAUSE.total_seconds()
            SENDING_HELD_UP.say(reason=outcome.error)

    def is_resting(self, webhook_id: WebhookId, now: float) -> bool:
        """Whether a webhook is not tried for now."""
        return self._until.get(webhook_id, now) > now

    def without(self, places: Mapping[WebhookId, int], now: float) -> dict[WebhookId, int]:
        """Filter out webhooks that rest."""
        self._until = {one: until for one, until in self._until.items() if until > now}
        return {one: count for one, count in places.items() if one not in self._until}
