"""What a dispatcher takes over from a transaction that adds deliveries."""

from collections.abc import Callable, Iterator

from runhook.dispatcher.lanes import Lanes, Promised
from runhook.dispatcher.ledger import Held
from runhook.domain.deliveries.delivery import Claim, Lease
from runhook.operations.deliveries.attempt import Claimed


class LaneHandover:
    """Promises deliveries of one transaction their places in lanes, as claims get them.

    ``take`` is called where the transaction runs, which may be another thread, and only reads what
    is in the lanes. The event loop puts there what it has taken, once that is committed.

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
        self.taken: list[Claimed] = []
        self._lanes = lanes
        self._is_open_to = is_open_to
        self._began_at = began_at
        self._promised = Promised()

    def take(self, claimed: Claimed) -> bool:
        """Take a delivery, which then has its place; False if there is none for it."""
        delivery = claimed.delivery
        if not self._is_open_to(claimed):
            return False
        if not self._lanes.has_place(delivery.account_id, delivery.webhook_id, self._promised):
            return False
        self._promised.add(delivery.account_id, delivery.webhook_id)
        self.taken.append(claimed)
        return True

    def claims(self) -> Iterator[Claim]:
        """The claims of what it has taken so far."""
        return (one.claim for one in list(self.taken))

    def hold(self) -> list[Held]:
        """Hold what it has taken in the lanes, not yet queued to be sent."""
        until = self._began_at + self.lease.duration.total_seconds()
        return [self._lanes.take(one, since=self._began_at, until=until) for one in self.taken]
