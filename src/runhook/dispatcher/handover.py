"""What a dispatcher takes over from a transaction that adds deliveries."""

from collections.abc import Callable

from runhook.dispatcher.lanes import Lanes
from runhook.dispatcher.ledger import Held
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.messages.telling import WebhookId
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.deliveries.attempt import Claimed


class LaneHandover:
    """Gives deliveries of one transaction their places in lanes, as claims get them.

    Args:
        lanes: where the places are.
        lease: the hold on what is taken.
        is_open_to: says whether anything may be sent to a webhook now.
        began_at: a moment before the transaction; leases are counted from it.
    """

    def __init__(
        self, lanes: Lanes, lease: Lease, is_open_to: Callable[[WebhookId], bool], began_at: float
    ) -> None:
        self.lease = lease
        self.taken: list[Held] = []
        self._lanes = lanes
        self._is_open_to = is_open_to
        self._began_at = began_at

    def has_place(self, webhook: Webhook) -> bool:
        """Whether it can take a delivery to a webhook that is not gated."""
        return self._is_open_to(webhook.id) and self._lanes.has_place(
            webhook.account_id, webhook.id
        )

    def take(self, claimed: Claimed) -> None:
        """Take a delivery; it has its place from now on."""
        until = self._began_at + self.lease.duration.total_seconds()
        self.taken.append(self._lanes.take(claimed, since=self._began_at, until=until))
