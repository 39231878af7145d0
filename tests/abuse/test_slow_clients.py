"""Clients that make the service wait: each for a while, and none in another's place."""

from contextlib import AsyncExitStack, suppress

import pytest

from tests.support.memory import descriptors
from tests.support.program import Service
from tests.support.raw import connect, connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNS = "/api/v3/accounts/1/runs"
HALF_HEAD = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: "
HALF_BODY = request(RUNS, method="POST", token=TOKEN, content_length="1000") + b"{"
PLACES = 40


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {
        "RUNHOOK_CLIENT_TIMEOUT": "1",
        "RUNHOOK_IDLE_TIMEOUT": "1",
        "RUNHOOK_MAX_CONNECTIONS": str(PLACES),
    }


async def test_half_a_head_is_told_that_it_took_too_long(shared_service: Service):
    async with connected(shared_service.url) as client:
        await client.send(HALF_HEAD)

        assert (await client.answer()).status == 408
        assert await client.is_closed()


@pytest.mark.parametrize(
    "half",
    [
        HALF_BODY,
        request(RUNS, method="POST", token=TOKEN, transfer_encoding="chunked") + b"5\r\n{",
        request("/sign-in", method="POST", content_length="9", content_type="x/y") + b"a",
    ],
)
async def test_half_a_body_is_told_that_it_took_too_long_or_is_wrong(
    shared_service: Service, half: bytes
):
    async with connected(shared_service.url) as client:
        await client.send(half)

        assert (await client.answer()).status in (400, 408, 415)
        assert await client.is_closed()


@pytest.mark.parametrize("sent", [b"", request("/healthz"), b"\r\n"])
async def test_a_connection_that_nothing_comes_on_is_closed(shared_service: Service, sent: bytes):
    async with connected(shared_service.url) as client:
        await client.send(sent)

        await client.rest()


async def test_a_client_that_does_not_read_is_cut_off(shared_service: Service):
    async with connected(shared_service.url, buffer=1_024) as client:
        # What is large fills the buffers of the way soon.
        asking = request("/api/openapi.json") * 100
        assert await client.flood(asking for _ in range(10_000)) is not None


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, HALF_BODY, request("/healthz"), b"x" * 40_000])
async def test_those_who_keep_us_waiting_make_room_for_those_who_come(
    shared_service: Service, sent: bytes
):
    before = descriptors(shared_service.process_id)
    async with AsyncExitStack() as stack:
        for _ in range(4 * PLACES):
            attacker = await connect(shared_service.url)
            stack.callback(attacker.reset)
            with suppress(ConnectionError):
                await attacker.send(sent)
            assert descriptors(shared_service.process_id) <= before + PLACES + 8

        async with connected(shared_service.url) as client:
            await client.send(request("/healthz"))
            assert (await client.answer()).status == 200
