"""Many callers, one commit: what is submitted while a commit is under way shares the next one.

A durable commit costs a disk write and much of a process's time whatever it holds. So the next one
begins only after a rest as long as the last one took. Under load the batches grow by themselves; a
caller who comes alone waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from runhook.domain.errors import RunhookError, UnavailableError

BATCH_LIMIT = 500
LONGEST_REST = timedelta(milliseconds=10)
"""How long after a commit the next one begins at the latest, if there is something to write."""


Item = TypeVar("Item")
Answer = TypeVar("Answer")


class GroupCommit(Generic[Item, Answer]):
    """Collects items and writes them in batches, one batch at a time.

    Args:
        write: writes a batch in one transaction and answers for each item, in order; an answer
            may be a ``RunhookError``, which its submitter alone will see.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | RunhookError]]],
    ) -> None:
        self._write = write
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._rested_at = 0.0

    async def submit(self, item: Item) -> Answer:
        """Write ``item`` with whatever else waits; return once it is committed.

        Raises:
            RunhookError: the item was refused, or the database is not available.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        now = asyncio.get_running_loop().time
        try:
            while self._waiting:
                rest = self._rested_at - now()
                if rest > 0 and len(self._waiting) < BATCH_LIMIT:
                    await asyncio.sleep(rest)
                began = now()
                size = min(BATCH_LIMIT, len(self._waiting))
                await self._commit([self._waiting.popleft() for _ in range(size)])
                self._rested_at = now() + min(now() - began, LONGEST_REST.total_seconds())
        finally:
            self._writer = None

    async def _commit(self, batch: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._write([item for item, _ in batch])
        except UnavailableError as error:
            settle(batch, [error] * len(batch))
        except Exception as error:  # noqa: BLE001 - it is handed to those who wait for it
            if len(batch) == 1:
                settle(batch, [error])
                return
            # One item that the database refuses must not take the others with it.
            for one in batch:
                await self._commit([one])
        else:
            settle(batch, answers)


def settle(
    batch: Sequence[tuple[Item, asyncio.Future[Answer]]], answers: Sequence[Answer | Exception]
) -> None:
    """Tell each submitter its answer, but for those who have gone."""
    for (_, waiting), answer in zip(batch, answers, strict=True):
        if waiting.done():
            continue
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
