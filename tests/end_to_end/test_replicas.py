"""Many processes on one PostgreSQL: some answer, some deliver, none of them twice."""

import asyncio
import json
import re
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from runhook.dispatcher.limits import LIMITS
from tests.support.api import new_run, new_webhook
from tests.support.misbehaving import once, together
from tests.support.patience import until
from tests.support.program import Front, Service, Worker, runhook
from tests.support.receiver import Received, Receiver, status
from tests.support.running import account_of, states

WORKERS = 3
RUNS = 200


@pytest.fixture
def front(tmp_path: Path, postgresql_environment: dict[str, str]) -> Front:
    return Front(folder=tmp_path, environment=postgresql_environment)


@pytest.fixture
def worker(tmp_path: Path, postgresql_environment: dict[str, str]) -> Worker:
    environment = {**postgresql_environment, "RUNHOOK_METRICS_PORT": "0"}
    return Worker(folder=tmp_path, environment=environment)


async def answer_of(client: httpx.AsyncClient, front: Service) -> dict[str, object]:
    """What a process that is ready says."""
    answer = await client.get(f"{front.url}/readyz")
    assert answer.status_code == 200
    return answer.json()


async def test_workers_share_the_work_and_each_delivery_is_sent_once(
    tmp_path: Path,
    postgresql_environment: dict[str, str],
    front: Front,
    client: httpx.AsyncClient,
):
    # No one process sends so much at once: they are all needed for the first answer.
    all_at_once = WORKERS * LIMITS.requests_per_lane
    answers = [together(all_at_once, status(200))] * all_at_once
    async with Receiver(*answers, status(200)) as receiver, front, AsyncExitStack() as stack:
        workers = [
            Worker(folder=tmp_path, environment=postgresql_environment) for _ in range(WORKERS)
        ]
        await asyncio.gather(*(stack.enter_async_context(worker) for worker in workers))
        api = account_of(front, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await asyncio.gather(*(new_run(api, run_key=f"run-{number}") for number in range(RUNS)))
        await receiver.wait_for(RUNS)

        async def all_recorded() -> bool:
            return await states(postgresql_environment["RUNHOOK_DATABASE_URL"]) == {
                "succeeded": RUNS
            }

        await until(all_recorded)
        codes = await asyncio.gather(*(worker.stop() for worker in workers))

    assert codes == [0] * WORKERS
    assert receiver.most_at_once == all_at_once
    assert set(Counter(one.headers["webhook-id"] for one in receiver.received).values()) == {1}
    assert len({json.loads(one.body)["data"]["run_id"] for one in receiver.received}) == RUNS


async def test_two_workers_keep_a_rate_limit_together(
    tmp_path: Path,
    postgresql_environment: dict[str, str],
    front: Front,
    client: httpx.AsyncClient,
):
    arrived_at: list[float] = []

    async def note(received: Received, writer: asyncio.StreamWriter) -> None:
        arrived_at.append(time.monotonic())
        await status(200)(received, writer)

    async with Receiver(note) as receiver, front, AsyncExitStack() as stack:
        for _ in range(2):
            worker = Worker(folder=tmp_path, environment=postgresql_environment)
            await stack.enter_async_context(worker)
        api = account_of(front, client)
        await new_webhook(
            api, client_url=receiver.url, event_types=["job.run.started"], rate_limit="20/second"
        )
        began_at = time.monotonic()
        await asyncio.gather(*(new_run(api, run_key=f"run-{number}") for number in range(40)))
        await receiver.wait_for(40)

    for number, moment in enumerate(sorted(arrived_at), 1):
        assert number <= 20 * (moment - began_at) + 1


async def test_a_front_is_ready_by_itself_and_says_who_delivers(
    front: Front, worker: Worker, client: httpx.AsyncClient
):
    async with front:
        alone = await answer_of(client, front)
        async with worker:

            async def somebody_delivers() -> bool:
                return await answer_of(client, front) == {"status": "ok", "dispatchers": 1}

            await until(somebody_delivers)
            metrics = await client.get(
                re.search(r"http\S+/metrics", await worker.says("metrics"))[0]
            )
            assert await worker.stop() == 0
        afterwards = await answer_of(client, front)
        assert await front.stop() == 0

    assert alone == afterwards == {"status": "ok", "dispatchers": 0}
    assert "runhook_dispatchers 1.0" in metrics.text


async def test_a_front_leaves_the_sending_to_others(
    front: Front, worker: Worker, client: httpx.AsyncClient, postgresql_environment: dict[str, str]
):
    database = postgresql_environment["RUNHOOK_DATABASE_URL"]
    async with Receiver() as receiver, front:
        api = account_of(front, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api)
        assert await front.stop() == 0
        before = await states(database)
        async with worker:
            await receiver.wait_for(1)

    assert before == {"pending": 1}


async def test_a_worker_finishes_and_records_what_is_being_sent_when_it_is_told_to_stop(
    front: Front, worker: Worker, client: httpx.AsyncClient, postgresql_environment: dict[str, str]
):
    released = asyncio.Event()
    async with Receiver(once(released, status(200))) as receiver, front, worker:
        api = account_of(front, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api)
        await receiver.wait_for(1)
        stopping = asyncio.create_task(worker.stop())
        await worker.says("stopping")
        released.set()
        code = await stopping

    assert code == 0
    assert "Traceback" not in worker.output
    assert await states(postgresql_environment["RUNHOOK_DATABASE_URL"]) == {"succeeded": 1}
    assert len(receiver.received) == 1


async def test_a_worker_does_not_start_on_sqlite(tmp_path: Path):
    ended = await runhook("dispatch", folder=tmp_path)

    assert (ended.code, ended.out) == (1, "")
    assert "one process serves a SQLite database: `runhook serve` delivers too." in ended.err
    assert "RUNHOOK_DATABASE_URL" in ended.err
    assert [*tmp_path.iterdir()] == []


async def test_a_worker_does_not_start_beside_a_service_on_sqlite(tmp_path: Path):
    async with Service(folder=tmp_path, environment={}):
        ended = await runhook("dispatch", folder=tmp_path)

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("runhook dispatch: Another Runhook already serves ")
