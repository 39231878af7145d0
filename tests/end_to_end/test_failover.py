"""When the primary dies, a synchronous standby takes over: nothing acknowledged is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.api import data_of, new_webhook
from tests.support.patience import until
from tests.support.program import Front, Worker
from tests.support.receiver import Receiver
from tests.support.running import LONG, TOKEN, account_of, let_leases_end, states
from tests.support.servers import PostgresqlServer, folder_for_server

REPORTERS = 4
ENOUGH = 40
"""How many reports have succeeded when the primary dies, and how many more do after that."""


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PostgresqlServer, PostgresqlServer]]:
    """A primary that commits nothing before its standby has it, and that standby."""
    async with AsyncExitStack() as stack:
        primary = PostgresqlServer(await stack.enter_async_context(folder_for_server()))
        stack.callback(primary.remove)
        await primary.create()
        await primary.start()
        standby = await primary.copy(await stack.enter_async_context(folder_for_server()))
        stack.callback(standby.remove)
        await primary.stop()
        # Told on its command line, it is not among what the standby has copied.
        await primary.start(synchronous_standby_names="*")
        await standby.start()
        yield primary, standby


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
        async with asyncio.timeout(60), self._more:
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
            "/runs", json={"job_name": "nightly", "run_key": key}, timeout=60
        )


async def test_what_was_acknowledged_is_there_and_the_service_goes_on(
    pair: tuple[PostgresqlServer, PostgresqlServer], tmp_path: Path, client: httpx.AsyncClient
):
    primary, standby = pair
    environment = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
        "RUNHOOK_DATABASE_URL": (
            f"postgresql://postgres@{standby.host}:{standby.port},{primary.host}:{primary.port}"
            "/postgres?target_session_attrs=read-write"
        ),
    }
    async with (
        Receiver() as receiver,
        Front(folder=tmp_path, environment=environment) as front,
        Worker(folder=tmp_path, environment=environment) as worker,
    ):
        api = account_of(front, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        reporters = Reporters(api)
        reporters.begin()
        await reporters.wait_for(ENOUGH)
        primary.kill()
        await standby.promote()
        await reporters.wait_for(len(reporters.acknowledged) + ENOUGH)
        await reporters.end()
        # A claim may be in the database whose commit was not acknowledged.
        await let_leases_end(standby.url, worker.greeted, is_gone=False)

        for key, run_id in reporters.acknowledged.items():
            again = await api.post("/runs", json={"job_name": "nightly", "run_key": key})
            assert data_of(again)["id"] == run_id

        async def all_recorded() -> bool:
            return set(await states(standby.url)) == {"succeeded"}

        await until(all_recorded)
        assert await worker.stop() == 0
        assert await front.stop() == 0

    arrived = {json.loads(one.body)["data"]["run_id"] for one in receiver.received}
    assert arrived >= {str(run_id) for run_id in reporters.acknowledged.values()}
    assert "Traceback" not in front.output + worker.output
