"""Queues of items to be written, in lanes that take turns."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Gives out batches that hold something of every lane and take a bounded time to write.

    Within a lane the order stays. An item that is heavier than a batch may be is in a batch of its
    own, so that the lanes beside it wait for one such item at most.

    Args:
        lane_of: whose an item is.
        weight_of: how long it takes to write, in any unit.
        heaviest: how much a batch may weigh.
    """

    def __init__(
        self,
        lane_of: Callable[[Item], Hashable],
        weight_of: Callable[[Item], int],
        *,
        heaviest: int,
    ) -> None:
        self._lane_of = lane_of
        self._weight_of = weight_of
        self._heaviest = heaviest
        self._lanes: OrderedDict[Hashable, deque[Item]] = OrderedDict()
        """The one whose turn comes next is the first."""
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, item: Item) -> None:
        """Add an item at the end of its lane."""
        self._lanes.setdefault(self._lane_of(item), deque()).append(item)
        self._length += 1

    def take(self, limit: int) -> list[Item]:
        """Take out the next batch, with so many items at most."""
        batch: list[Item] = []
        weight = 0
        turns = deque(self._lanes)
        while turns and len(batch) < limit and weight < self._heaviest:
            lane = turns.popleft()
            waiting = self._lanes[lane]
            added = self._weight_of(waiting[0])
            if batch and weight + added > self._heaviest:
                # Too much for this batch; it stays in front, for the next one.
                continue
            batch.append(waiting.popleft())
            weight += added
            if waiting:
                self._lanes.move_to_end(lane)
                turns.append(lane)
            else:
                del self._lanes[lane]
        self._length -= len(batch)
        return batch


class QueueLine(Generic[Item]):
    """Gives out batches in the order in which the items came."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: Item) -> None:
        """Add an item at the end."""
        self._items.append(item)

    def take(self, limit: int) -> list[Item]:
        """Take out the next batch, with so many items at most."""
        return [self._items.popleft() for _ in range(min(limit, len(self._items)))]


Queue = FairQueue[Item] | QueueLine[Item]
