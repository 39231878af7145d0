"""Requests without end: their senders are cut off, nothing of them is kept, others are served."""

import pytest

from tests.support.memory import MIB, resident
from tests.support.program import Service
from tests.support.raw import connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST = 96 * MIB
"""How much is sent; the service throws some of it away, so that its answer can be read."""
GROWTH = 16 * MIB
RUNS = "/api/v3/accounts/1/runs"
CHUNKED = request(RUNS, method="POST", token=TOKEN, transfer_encoding="chunked")
LINES = b"".join(b"x-%d: %s\r\n" % (number, b"y" * 50) for number in range(1_000))
LONG = b"y" * 65_536
FLOODS = {
    "header lines": (b"GET / HTTP/1.1\r\nhost: x\r\n", LINES),
    "header names": (b"GET / HTTP/1.1\r\nhost: x\r\n", LONG),
    "one header value": (b"GET / HTTP/1.1\r\nhost: x\r\nx: ", LONG),
    "folded header": (b"GET / HTTP/1.1\r\nhost: x\r\nx: y\r\n", b" y\r\n" * 16_000),
    "one target": (b"GET /", LONG),
    "one method": (b"", LONG),
    "empty lines": (b"", b"\r\n" * 32_000),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", LINES),
    "one chunk extension": (CHUNKED + b"2;x=", LONG),
    "chunk extensions": (CHUNKED, (b"1;x=" + b"y" * 4_000 + b"\r\n \r\n") * 16),
    "small chunks": (CHUNKED, b"1\r\n \r\n" * 10_000),
    "digits of a chunk's length": (CHUNKED, b"0" * 65_536),
}
PIPELINED = {
    "of requests": request("/healthz") * 1_000,
    "of requests with bodies": request(RUNS, method="POST", body=b"{}") * 1_000,
    "of pages": request("/sign-in") * 1_000,
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_request_without_end_is_cut_off_and_nothing_of_it_is_kept(
    shared_service: Service, kind: str
):
    head, piece = FLOODS[kind]
    before = resident(shared_service.process_id)

    async with connected(shared_service.url) as attacker:
        await attacker.send(head)
        cut = await attacker.flood(piece for _ in range(MOST // len(piece)))
        async with connected(shared_service.url) as other:
            await other.send(request("/healthz"))
            assert (await other.answer()).status == 200

    assert cut is not None
    assert resident(shared_service.process_id) - before < GROWTH


@pytest.mark.parametrize("kind", PIPELINED)
async def test_answers_that_are_not_read_hold_back_the_requests_after_them(
    shared_service: Service, kind: str
):
    before = resident(shared_service.process_id)

    async with connected(shared_service.url, buffer=1_024) as attacker:
        taken = await attacker.flood((PIPELINED[kind] for _ in range(1_000)), seconds=2)
        async with connected(shared_service.url) as other:
            await other.send(request("/healthz"))
            assert (await other.answer()).status == 200

    assert taken is not None
    assert resident(shared_service.process_id) - before < GROWTH


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + LONG, 431),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 101 + b"\r\n", 431),
        (b"GET /" + LONG, 414),
        (request("/" + "x" * 9_000), 414),
        (request("/?" + "x" * 9_000), 414),
    ],
)
async def test_a_head_that_is_too_large_is_answered_in_words(
    shared_service: Service, sent: bytes, status: int
):
    async with connected(shared_service.url) as client:
        await client.send(sent)
        answer = await client.answer()
        assert await client.is_closed()

    assert answer.status == status
    assert "too l" in answer.text
    assert answer.headers["connection"] == "close"


async def test_a_head_as_large_as_allowed_is_read(shared_service: Service):
    async with connected(shared_service.url) as client:
        for _ in range(2):
            await client.send(request("/healthz", x="y" * 30_000))
            assert (await client.answer()).status == 200
