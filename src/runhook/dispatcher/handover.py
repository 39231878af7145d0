"""What a dispatcher takes over from a transaction that adds deliveries."""

from collections.abc import Callable

from runhook.dispatcher.lanes import Lanes
from runhook.dispatcher.ledger import Held
from runhook.domain.deliveries.delivery import Lease
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
        self, lanes: Lanes, lease: Lease, is_open_to: Callable[[Claimed], bool], began_at: float
    ) -> None:
        self.lease = lease
        self.taken: list[Held] = []
        self._lanes = lanes
        self._is_open_to = is_open_to
        self._began_at = began_at

    def take(self, claimed: Claimed) -> bool:
        """Take a delivery, which then has its place; False if there is none for it."""
        delivery = claimed.delivery
        if not self._is_open_to(claimed):
            return False
        if not self._lanes.has_place(delivery.account_id, delivery.webhook_id):
            return False
        until = self._began_at + self.lease.duration.total_seconds()
        self.taken.append(self._lanes.take(claimed, since=self._began_at, until=until))
        return True
