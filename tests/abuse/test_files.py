"""Files by the dozen: slow readers and unfinished uploads hold little, and end."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import httpx
import psutil
import pytest

from tests.support.memory import MIB, SLACK, resident
from tests.support.patience import PATIENCE, until
from tests.support.program import Service
from tests.support.raw import RawConnection, connected, request
from tests.support.running import TOKEN, account_of

LARGE = 60 * MIB
READ_AT_ONCE = 32 * 1024
"""Bytes of a large file that one read brings at least, on average; 16 KiB were the most before."""
READERS = 30
SENDERS = 40
SENT = 8 * MIB
"""What each unfinished upload has sent."""


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Token {TOKEN}"}
    async with httpx.AsyncClient(headers=headers, timeout=120) as opened:
        yield opened


async def new_run(service: Service, client: httpx.AsyncClient) -> int:
    """Start a run, and return its id."""
    answer = await account_of(service, client).post("/runs", json={"job_name": "nightly"})
    return answer.json()["data"]["id"]


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that cannot be compressed."""
    return random.Random(seed).randbytes(size)


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield a content a piece at a time."""
    for start in range(0, len(content), MIB):
        yield content[start : start + MIB]


async def refused(senders: Sequence[RawConnection], content: bytes, count: int) -> list[int]:
    """Let all send the beginning of a body; return the codes of so many that are answered."""
    floods = [asyncio.create_task(one.flood([content])) for one in senders]
    answers = [asyncio.create_task(one.answer("PUT")) for one in senders]
    codes = []
    for answered in asyncio.as_completed(answers):
        codes.append((await answered).status)
        if len(codes) == count:
            break
    for task in (*floods, *answers):
        task.cancel()
    await asyncio.gather(*floods, *answers, return_exceptions=True)
    return codes


async def test_thirty_slow_readers_of_a_large_file_hold_little_and_others_are_answered(
    service: Service, client: httpx.AsyncClient
):
    content = noise(LARGE)
    run_id = await new_run(service, client)
    path = f"/api/v3/accounts/1/runs/{run_id}/artifacts/manifest.json"
    sent = await client.put(f"{service.url}{path}", content=pieces(content))
    assert sent.status_code == 200, sent.text
    before = resident(service.process_id)

    async with AsyncExitStack() as stack:
        for _ in range(READERS):
            reader = await stack.enter_async_context(connected(service.url, buffer=1024))
            await reader.send(request(path, token=TOKEN))
        # What comes after them in the service's turn has seen them begin.
        read = await client.get(f"{service.url}{path}")

        assert read.content == content
        assert resident(service.process_id) - before < SLACK
        assert (await client.get(f"{service.url}/healthz")).status_code == 200


async def test_more_readers_at_once_than_an_account_may_have_are_told_so(
    service: Service, client: httpx.AsyncClient
):
    run_id = await new_run(service, client)
    path = f"/api/v3/accounts/1/runs/{run_id}/artifacts/manifest.json"
    await client.put(f"{service.url}{path}", content=pieces(noise(16 * MIB)))

    async with AsyncExitStack() as stack:
        for _ in range(READERS + 2):
            reader = await stack.enter_async_context(connected(service.url, buffer=1024))
            await reader.send(request(path, token=TOKEN))
        answer = await one_too_many(client, f"{service.url}{path}")

        assert answer.status_code == 429
        assert "try again" in answer.json()["status"]["user_message"]

        async def has_room_again() -> bool:
            return (await client.get(f"{service.url}{path}")).status_code != 429

    await until(has_room_again)


async def one_too_many(client: httpx.AsyncClient, url: str) -> httpx.Response:
    """Ask again and again, until as many as may be are being answered."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    return answer


async def test_unfinished_uploads_hold_little_and_a_place_takes_one_at_a_time(
    service: Service, client: httpx.AsyncClient
):
    ingests = f"{service.url}/api/private/accounts/1/environments/prod/ingests/"
    given = (await client.post(ingests)).json()["data"]
    path = httpx.URL(given["upload_url"]).path
    before = resident(service.process_id)

    async with AsyncExitStack() as stack:
        senders = [await stack.enter_async_context(connected(service.url)) for _ in range(SENDERS)]
        for sender in senders:
            await sender.send(
                request(path, method="PUT", content_length=str(LARGE), content_type="")
            )
        codes = await refused(senders, noise(SENT), SENDERS - 1)

        assert set(codes) == {429}
        assert resident(service.process_id) - before < SLACK
        assert (await client.get(f"{service.url}/healthz")).status_code == 200


async def test_a_large_file_takes_few_turns_of_the_event_loop(
    service: Service, client: httpx.AsyncClient
):
    """Each read is a dozen of them, in which others wait."""
    path = f"/api/v3/accounts/1/runs/{await new_run(service, client)}/artifacts/manifest.json"
    reads = psutil.Process(service.process_id).io_counters
    before = reads().read_count

    async with connected(service.url) as sender:
        await sender.send(request(path, method="PUT", token=TOKEN, content_length=str(LARGE)))
        await sender.flood([b"x" * MIB] * (LARGE // MIB))
        assert (await sender.answer("PUT")).status == 200

    assert reads().read_count - before < LARGE / READ_AT_ONCE


async def test_unfinished_files_of_one_token_hold_little_and_are_bounded(
    service: Service, client: httpx.AsyncClient
):
    run_id = await new_run(service, client)
    before = resident(service.process_id)

    async with AsyncExitStack() as stack:
        senders = [await stack.enter_async_context(connected(service.url)) for _ in range(SENDERS)]
        for number, sender in enumerate(senders):
            path = f"/api/v3/accounts/1/runs/{run_id}/artifacts/file-{number}"
            await sender.send(request(path, method="PUT", token=TOKEN, content_length=str(LARGE)))
        codes = await refused(senders, noise(SENT), SENDERS - 16)

        assert set(codes) == {429}
        assert resident(service.process_id) - before < SLACK
    names = await account_of(service, client).get(f"/runs/{run_id}/artifacts")
    assert names.json()["data"] == []
