"""Writes outcomes of attempts while others are being sent, many with one commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from runhook.dispatcher.lanes import Lane
from runhook.dispatcher.ledger import Held
from runhook.dispatcher.limits import LIMITS, DispatcherLimits
from runhook.operations.commits.group_commit import FOR_EVER, Batches, Pace
from runhook.operations.deliveries.attempt import Judged, Recorded


@dataclass(frozen=True, slots=True)
class SentAttempt:
    """An attempt that was judged, in the lane that holds its claim until it is recorded."""

    lane: Lane
    held: Held
    judged: Judged


class Recorder:
    """Collects attempts and records them in batches, once the database is back if it is away.

    Args:
        record: records a batch in one transaction, and returns the result of each, in order.
        on_recorded: told of a batch that is over, with an error for what could not be recorded: the
            lease of that will end, and it will be tried again.
        limits: say how many are recorded at once, and how many may wait.
    """

    def __init__(
        self,
        record: Callable[[Sequence[SentAttempt]], Awaitable[Sequence[Recorded]]],
        on_recorded: Callable[[Sequence[SentAttempt], Sequence[Recorded | Exception]], None],
        limits: DispatcherLimits = LIMITS,
    ) -> None:
        self._most_waiting = limits.records_waiting
        self._on_recorded = on_recorded
        self._batches: Batches[SentAttempt, Recorded] = Batches(
            record,
            self._tell,
            pace=Pace(
                limit=limits.records_per_commit,
                linger=limits.record_linger,
                longest_rest=limits.record_rest,
                patience=FOR_EVER,
            ),
        )
        self._has_room = asyncio.Event()
        self._has_room.set()

    def add(self, sent: SentAttempt) -> None:
        """Queue an attempt for the next transaction that records."""
        self._batches.add(sent)
        if self._batches.backlog >= self._most_waiting:
            self._has_room.clear()

    async def wait_for_room(self) -> None:
        """Wait while so much waits to be recorded that nothing else should be sent."""
        if not self._has_room.is_set():
            await self._has_room.wait()

    def stop(self) -> None:
        """Wait no longer for a database that is away."""
        self._batches.stop()
        self._has_room.set()

    def _tell(self, batch: Sequence[SentAttempt], recorded: Sequence[Recorded | Exception]) -> None:
        # The batch counts as being written until this returns.
        if self._batches.backlog - len(batch) < self._most_waiting:
            self._has_room.set()
        self._on_recorded(batch, recorded)
