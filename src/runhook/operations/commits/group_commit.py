"""Many callers, one commit: items that arrive during a commit share the next one.

A durable commit costs a disk write and much of a process's time, however small it is. So the next
one begins only after a rest, the longer the more the last one had: as long as it took if that was
for many, and none if it was for one. Under load the batches grow by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from runhook.domain.errors import RunhookError, UnavailableError
from runhook.operations.commits.queues import Queue, QueueLine
from runhook.operations.commits.repeating import repeat_contended
from runhook.storage.engine.store import DiskError
from runhook.telemetry.events import SUBMITTERS_UNANSWERED, WRITING_HELD_UP

BATCH_LIMIT = 500
LONGEST_REST = timedelta(milliseconds=10)
"""How long after a commit the next one begins at the latest, if there is something to write."""
RETRY_INTERVAL = timedelta(milliseconds=250)
"""How long to wait before a batch is written again, where the database is away."""
FOR_EVER = timedelta.max

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How batches follow each other."""

    limit: int = BATCH_LIMIT
    """How many items a batch has at the most."""
    linger: timedelta = timedelta()
    """How long the first item of a batch waits for others, at the least."""
    longest_rest: timedelta = LONGEST_REST
    patience: timedelta = timedelta()
    """How long a batch is tried again while the database is away; ``stop`` ends that."""


class Batches(Generic[Item, Answer]):
    """Collects items and writes them in batches, one batch at a time.

    A batch that fails is written again in halves, so that an item that the database refuses takes
    no other with it.

    Args:
        write: writes a batch in one transaction and answers for each item, in order.
        tell: called with each finished batch, with an answer or an error for each item.
        pace: how batches follow each other.
        queue: where items wait; unless given, they are written in the order in which they came.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        tell: Callable[[Sequence[Item], Sequence[Answer | Exception]], None],
        *,
        pace: Pace | None = None,
        queue: Queue[Item] | None = None,
    ) -> None:
        self._write = write
        self._tell = tell
        self._pace = pace or Pace()
        self._waiting: Queue[Item] = QueueLine() if queue is None else queue
        self._writing = 0
        self._writer: asyncio.Task[None] | None = None
        self._rested_at = 0.0
        self._stopping = asyncio.Event()

    @property
    def backlog(self) -> int:
        """How many items wait or are being written."""
        return len(self._waiting) + self._writing

    def add(self, item: Item) -> None:
        """Write ``item`` soon, in a batch with others."""
        self._waiting.append(item)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())

    def stop(self) -> None:
        """Wait no longer for a database that is away."""
        self._stopping.set()

    async def _write_all(self) -> None:
        now = asyncio.get_running_loop().time
        try:
            while self._waiting:
                rest = max(self._pace.linger.total_seconds(), self._rested_at - now())
                if rest > 0 and len(self._waiting) < self._pace.limit:
                    await asyncio.sleep(rest)
                began = now()
                batch = self._waiting.take(self._pace.limit)
                self._writing = len(batch)
                await self._commit(batch)
                self._writing = 0
                self._rested_at = now() + rest_after(len(batch), now() - began, self._pace)
        finally:
            self._writer = None

    async def _commit(self, batch: Sequence[Item]) -> None:
        answers: Sequence[Answer | Exception]
        try:
            answers = await self._when_available(batch)
        except UnavailableError as error:
            answers = [error] * len(batch)
        except Exception as error:  # noqa: BLE001 - it is handed to the one it belongs to
            if len(batch) > 1:
                half = len(batch) // 2
                await self._commit(batch[:half])
                await self._commit(batch[half:])
                return
            answers = [error]
        try:
            self._tell(batch, answers)
        except Exception as error:  # noqa: BLE001 - the batches that follow have no part in it
            SUBMITTERS_UNANSWERED.say(exc_info=error)

    async def _when_available(self, batch: Sequence[Item]) -> Sequence[Answer]:
        is_told = False
        now = asyncio.get_running_loop().time
        deadline = now() + self._pace.patience.total_seconds()
        while True:
            try:
                return await repeat_contended(lambda: self._write(batch))
            except UnavailableError as error:
                is_hopeless = isinstance(error, DiskError) and self._pace.patience != FOR_EVER
                if is_hopeless or now() >= deadline or self._stopping.is_set():
                    raise
            if not is_told:
                WRITING_HELD_UP.say(items=len(batch))
                is_told = True
            await self._until_stopped(RETRY_INTERVAL)

    async def _until_stopped(self, pause: timedelta) -> None:
        try:
            async with asyncio.timeout(pause.total_seconds()):
                await self._stopping.wait()
        except TimeoutError:
            pass


def rest_after(items: int, seconds: float, pace: Pace) -> float:
    """How many seconds after a batch the next one begins at the earliest.

    Args:
        items: how many the batch had. Where one comes at a time, waiting for more is in vain.
        seconds: how long it took.
        pace: says how long at the most.
    """
    return min(seconds * (1 - 1 / items), pace.longest_rest.total_seconds())


@dataclass(frozen=True, slots=True, eq=False)
class Submitted(Generic[Item, Answer]):
    """An item, and where its submitter waits for the answer."""

    item: Item
    answer: "asyncio.Future[Answer]"


class GroupCommit(Generic[Item, Answer]):
    """Writes what callers submit in batches, and answers each of them.

    Args:
        write: writes a batch in one transaction and answers for each item, in order; an answer
            may be a ``RunhookError``, which its submitter alone will see.
        pace: how batches follow each other.
        queue: where what was submitted waits; as in ``Batches``.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | RunhookError]]],
        *,
        pace: Pace | None = None,
        queue: "Queue[Submitted[Item, Answer]] | None" = None,
    ) -> None:
        self._write = write
        self._batches: Batches[Submitted[Item, Answer], Answer | RunhookError] = Batches(
            self._write_submitted, settle, pace=pace, queue=queue
        )

    async def submit(self, item: Item) -> Answer:
        """Write ``item`` in a batch with others; return once it is committed.

        Raises:
            RunhookError: the item was refused, or the database is not available.
        """
        submitted: Submitted[Item, Answer] = Submitted(
            item, asyncio.get_running_loop().create_future()
        )
        self._batches.add(submitted)
        try:
            return await submitted.answer
        finally:
            # An error holds this frame, and would be held by it: they would outlive the request.
            del submitted

    async def _write_submitted(
        self, batch: Sequence[Submitted[Item, Answer]]
    ) -> Sequence[Answer | RunhookError]:
        return await self._write([one.item for one in batch])


def settle(batch: Sequence[Submitted[Item, Answer]], answers: Sequence[Answer | Exception]) -> None:
    """Give each submitter its answer; canceled ones are skipped."""
    for one, answer in zip(batch, answers, strict=True):
        if one.answer.done():
            continue
        if isinstance(answer, Exception):
            one.answer.set_exception(answer)
        else:
            one.answer.set_result(answer)
