"""Programs that report runs until they are told that each was accepted."""

import asyncio

import httpx

from tests.support.api import data_of
from tests.support.patience import PATIENCE

REPORTERS = 4


class Reporters:
    """Report runs, each until it is answered with success, and remember those that were."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api
        self._numbers = iter(range(100_000))
        self._more = asyncio.Condition()
        self._reporting: list[asyncio.Task[None]] = []
        self.acknowledged: dict[str, int] = {}

    def begin(self) -> None:
        self._reporting = [asyncio.create_task(self._report()) for _ in range(REPORTERS)]

    async def wait_for(self, count: int) -> None:
        """Wait until so many reports have been answered with success."""
        async with asyncio.timeout(PATIENCE), self._more:
            await self._more.wait_for(lambda: len(self.acknowledged) >= count)

    async def end(self) -> None:
        for one in self._reporting:
            one.cancel()
        await asyncio.gather(*self._reporting, return_exceptions=True)

    async def _report(self) -> None:
        for number in self._numbers:
            key = f"run-{number}"
            while not (answer := await self._start(key)).is_success:
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            async with self._more:
                self.acknowledged[key] = data_of(answer, answer.status_code)["id"]
                self._more.notify_all()

    async def _start(self, key: str) -> httpx.Response:
        return await self._api.post(
            "/runs", json={"job_name": "nightly", "run_key": key}, timeout=PATIENCE
        )
