"""What this process holds, and until when as far as it knows, on its own steady clock."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from runhook.domain.deliveries import DeliveryId
from runhook.operations.attempt import Claimed

LOST = float("-inf")


@dataclass(slots=True)
class Held:
    """A claimed delivery, from its claim until it has been recorded or given back.

    The times are the event loop's, and never later than what the database has.
    """

    claimed: Claimed
    since: float
    """When its claim began."""
    until: float
    """When its lease is over."""


class Holds:
    """Everything that this process holds."""

    def __init__(self) -> None:
        self._held: dict[DeliveryId, Held] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def take(self, held: Held) -> None:
        """Begin to hold a delivery."""
        self._held[held.claimed.delivery.id] = held
        self._is_empty.clear()

    def drop(self, delivery_id: DeliveryId) -> None:
        """Hold a delivery no more."""
        del self._held[delivery_id]
        if not self._held:
            self._is_empty.set()

    async def wait_until_empty(self) -> None:
        """Wait until nothing is held."""
        await self._is_empty.wait()

    def ending(self, before: float) -> list[DeliveryId]:
        """Return those whose lease is over before a time, and not lost already."""
        return [id_ for id_, held in self._held.items() if LOST < held.until < before]

    def renewed(
        self, asked: Collection[DeliveryId], kept: Collection[DeliveryId], until: float
    ) -> None:
        """Note which of those asked for are held until ``until``; the others are lost."""
        for id_ in asked:
            # It may have been recorded meanwhile.
            if id_ in self._held:
                self._held[id_].until = until if id_ in kept else LOST
