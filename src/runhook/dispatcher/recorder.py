"""Writes what came of attempts while others are being sent, many with one commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from runhook.domain.errors import UnavailableError
from runhook.operations.attempt import Judged, Recorded

log = structlog.get_logger()

BATCH_LIMIT = 4_000
LINGER = timedelta(milliseconds=5)
"""How long the record of an attempt waits for others to share its commit, at the least."""
LONGEST_LINGER = timedelta(milliseconds=50)
"""How long at the most. In between it is as long as the last commit took: what comes quickly is
written in few commits, and what comes slowly soon."""
RECORD_INTERVAL = timedelta(seconds=1)
"""How long to wait before trying again to record, where the database is away."""


class Recorder:
    """Collects attempts and records them in batches, one batch at a time.

    Args:
        record: records a batch in one transaction, and says what became of each, in order.
        on_recorded: told of a batch that is over, with None for what could not be recorded: the
            lease of that will end, and it will be tried again.
    """

    def __init__(
        self,
        record: Callable[[Sequence[Judged]], Awaitable[Sequence[Recorded]]],
        on_recorded: Callable[[Sequence[Judged], Sequence[Recorded | None]], None],
    ) -> None:
        self._record = record
        self._on_recorded = on_recorded
        self._waiting: list[Judged] = []
        self._writer: asyncio.Task[None] | None = None
        self._linger = LINGER.total_seconds()
        self._stopping = False

    def add(self, judged: Judged) -> None:
        """Record an attempt soon."""
        self._waiting.append(judged)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())

    def stop(self) -> None:
        """Wait no longer for a database that is away."""
        self._stopping = True

    async def _write_all(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while self._waiting:
                if len(self._waiting) < BATCH_LIMIT:
                    await asyncio.sleep(self._linger)
                batch, self._waiting = self._waiting[:BATCH_LIMIT], self._waiting[BATCH_LIMIT:]
                began = clock()
                await self._write(batch)
                self._linger = lingering(clock() - began)
        finally:
            self._writer = None

    async def _write(self, batch: Sequence[Judged]) -> None:
        try:
            recorded: Sequence[Recorded | None] = await self._when_available(batch)
        except UnavailableError:
            log.warning("attempts not recorded: database not available", deliveries=ids_of(batch))
            recorded = [None] * len(batch)
        except Exception:
            if len(batch) > 1:
                # One attempt that the database refuses must not take the others with it.
                half = len(batch) // 2
                await self._write(batch[:half])
                await self._write(batch[half:])
                return
            log.exception("attempt not recorded", deliveries=ids_of(batch))
            recorded = [None]
        self._on_recorded(batch, recorded)

    async def _when_available(self, batch: Sequence[Judged]) -> Sequence[Recorded]:
        """Record a batch, once the database is back if it is away."""
        is_told = False
        while True:
            try:
                return await self._record(batch)
            except UnavailableError:
                if self._stopping:
                    raise
            if not is_told:
                log.warning("attempt not recorded yet", deliveries=ids_of(batch))
                is_told = True
            await asyncio.sleep(RECORD_INTERVAL.total_seconds())


def lingering(seconds: float) -> float:
    """Return how long to wait for others after a commit that took so long."""
    return min(max(seconds, LINGER.total_seconds()), LONGEST_LINGER.total_seconds())


def ids_of(batch: Sequence[Judged]) -> list[str]:
    """Return what to log of a batch."""
    return [one.claimed.delivery.id for one in batch]
