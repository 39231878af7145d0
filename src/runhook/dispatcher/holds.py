"""What this process holds, and until when as far as it knows, on its own steady clock."""

from collections.abc import Collection

from runhook.domain.deliveries import DeliveryId

LOST = float("-inf")


class Holds:
    """The leases of deliveries that wait in their lanes or are being sent.

    The times are the event loop's, and never later than what the database has.
    """

    def __init__(self) -> None:
        self._until: dict[DeliveryId, float] = {}

    def take(self, delivery_id: DeliveryId, until: float) -> None:
        """Begin to hold one."""
        self._until[delivery_id] = until

    def drop(self, delivery_id: DeliveryId) -> None:
        """Hold one no more."""
        del self._until[delivery_id]

    def until(self, delivery_id: DeliveryId) -> float:
        """Return when the lease of one is over."""
        return self._until[delivery_id]

    def ending(self, before: float) -> list[DeliveryId]:
        """Return those whose lease is over before a time, and not lost already."""
        return [one for one, until in self._until.items() if LOST < until < before]

    def renewed(
        self, asked: Collection[DeliveryId], kept: Collection[DeliveryId], until: float
    ) -> None:
        """Note which of those asked for are held until ``until``; the others are lost."""
        for one in asked:
            # It may have been recorded meanwhile.
            if one in self._until:
                self._until[one] = until if one in kept else LOST
