"""Bodies in chunks: small ones are read in turns, and clients that send some are served."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import cast
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
from litestar import Litestar
from litestar.types import Receive, Scope, Send
from litestar.types.asgi_types import HTTPScope

from runhook.server.connections.listening import Server, listen, url_of_socket
from tests.support.memory import cpu_seconds
from tests.support.patience import PATIENCE
from tests.support.program import Service
from tests.support.raw import RawConnection, connect, connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNS = "/api/v3/accounts/1/runs"
HEADERS = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
CHUNKED = request(RUNS, method="POST", token=TOKEN, transfer_encoding="chunked")
REPORT = {"job_name": "nightly", "run_reason": "x" * 900, "trigger": {"system": "cron"}}
TOKENS = [one.encode() for one in json.JSONEncoder().iterencode(REPORT)]
LETTERS = [bytes([one]) for one in json.dumps(REPORT).encode()]


def with_requests(url: str, pieces: list[bytes]) -> int:
    return requests.post(url, data=iter(pieces), headers=HEADERS, timeout=PATIENCE).status_code


def with_the_standard_library(url: str, pieces: list[bytes]) -> int:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=PATIENCE)
    connection.request("POST", address.path, body=iter(pieces), headers=HEADERS)
    status = connection.getresponse().status
    connection.close()
    return status


async def with_httpx(url: str, pieces: list[bytes]) -> int:
    async with httpx.AsyncClient(headers=HEADERS, timeout=PATIENCE) as client:
        return (await client.post(url, content=one_by_one(pieces))).status_code


async def with_aiohttp(url: str, pieces: list[bytes]) -> int:
    async with (
        aiohttp.ClientSession(headers=HEADERS) as client,
        client.post(url, data=one_by_one(pieces)) as answer,
    ):
        return answer.status


async def with_curl(url: str, pieces: list[bytes]) -> int:
    told = (one for name, value in HEADERS.items() for one in ("-H", f"{name}: {value}"))
    curl = await asyncio.create_subprocess_exec(
        *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-"),
        *("-H", "Transfer-Encoding: chunked", *told, url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await curl.communicate(b"".join(pieces))
    return int(out)


async def one_by_one(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("pieces", [TOKENS, LETTERS], ids=["tokens", "letters"])
@pytest.mark.parametrize("send", [with_requests, with_the_standard_library])
async def test_a_client_that_waits_sends_its_report_in_small_pieces(
    shared_service: Service, send: Callable[[str, list[bytes]], int], pieces: list[bytes]
):
    assert await asyncio.to_thread(send, shared_service.url + RUNS, pieces) == 201


@pytest.mark.parametrize("pieces", [TOKENS, LETTERS], ids=["tokens", "letters"])
@pytest.mark.parametrize("send", [with_httpx, with_aiohttp, with_curl])
async def test_a_client_sends_its_report_in_small_pieces(
    shared_service: Service, send: Callable[[str, list[bytes]], Awaitable[int]], pieces: list[bytes]
):
    assert await send(shared_service.url + RUNS, pieces) == 201


async def test_a_file_in_chunks_of_some_hundred_bytes_is_taken(shared_service: Service):
    async with httpx.AsyncClient(headers=HEADERS, timeout=PATIENCE) as client:
        made = await client.post(shared_service.url + RUNS, json=REPORT)
        run = made.json()["data"]["id"]
        manifest = json.dumps({"nodes": ["model.shop.orders"] * 20_000}).encode()
        pieces = [manifest[start : start + 300] for start in range(0, len(manifest), 300)]
        place = f"{shared_service.url}{RUNS}/{run}/artifacts/manifest.json"

        assert (await client.put(place, content=one_by_one(pieces))).status_code == 200
        assert (await client.get(place)).content == manifest


async def test_requests_behind_a_body_in_chunks_are_answered_in_turn(shared_service: Service):
    body = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in TOKENS) + b"0\r\na: b\r\n\r\n"
    async with connected(shared_service.url) as client:
        await client.send((CHUNKED + body) * 3 + request("/healthz"))

        assert [(await client.answer()).status for _ in range(4)] == [201, 201, 201, 200]


async def headers_of(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the names of the headers that a request has once its body has been read."""
    while (await receive()).get("more_body"):
        pass
    names = b" ".join(name for name, _ in cast("HTTPScope", scope)["headers"])
    head = [(b"content-length", str(len(names)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": names, "more_body": False})


async def test_what_comes_behind_a_body_is_no_header():
    """A proxy may have taken such a header away in front of it."""
    with listen("127.0.0.1", 0) as listening:
        server = Server(cast("Litestar", headers_of), listening)
        serving = asyncio.create_task(server.run_until_stopped())
        async with connected(url_of_socket(listening)) as client:
            chunked = request("/", method="POST", transfer_encoding="chunked")
            await client.send(chunked + b"2\r\n{}\r\n0\r\nauthorization: Token x\r\n\r\n")

            assert (await client.answer()).text == "host transfer-encoding content-type"
        server.stop()
        await serving


async def test_a_body_in_chunks_of_a_byte_is_refused_once(shared_service: Service):
    async with connected(shared_service.url) as client:
        await client.send(CHUNKED)
        await client.flood(b"1\r\n \r\n" * 1_000 for _ in range(1_000))

        assert (await client.answer()).status in (400, 408)
        assert await client.is_closed()


async def test_a_body_without_a_token_is_not_even_looked_at(shared_service: Service):
    stranger = request(RUNS, method="POST", transfer_encoding="chunked")
    async with connected(shared_service.url) as client:
        await client.send(stranger + b"1\r\n \r\n" * 100_000)

        assert (await client.answer()).status == 401
        assert await client.is_closed()


def floods(attackers: list[RawConnection]) -> Iterator[Awaitable[int | None]]:
    """Let each attacker send chunks of a byte until it is cut off."""
    for attacker in attackers:
        yield attacker.flood((b"1\r\n \r\n" * 1_000 for _ in range(1_000)), seconds=3)


async def test_chunks_of_a_byte_on_many_connections_leave_time_for_others(
    shared_service: Service,
):
    """They took all there was: 35 microseconds of each byte."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        attackers = [await connect(shared_service.url) for _ in range(20)]
        for attacker in attackers:
            stack.callback(attacker.reset)
            await attacker.send(CHUNKED)
        began, used = loop.time(), cpu_seconds(shared_service.process_id)

        await asyncio.gather(*floods(attackers))

        used = cpu_seconds(shared_service.process_id) - used
        assert used < (loop.time() - began) / 2
