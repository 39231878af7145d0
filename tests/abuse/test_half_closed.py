"""Clients that send no more get their answer; those that are gone leave nothing behind."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest

from tests.support.memory import MIB, descriptors
from tests.support.patience import PATIENCE
from tests.support.program import Service
from tests.support.raw import connect, connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNS = "/api/v3/accounts/1/runs"
REPORT = b'{"job_name": "nightly"}'
CHUNKED = request(RUNS, method="POST", token=TOKEN, transfer_encoding="chunked")
WHOLE = {
    "no body": (request("/healthz"), 200),
    "a page": (request("/sign-in"), 200),
    "a body": (request(RUNS, method="POST", token=TOKEN, body=REPORT), 201),
    "chunks": (CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(REPORT), REPORT), 201),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
    "refused": (request(RUNS, method="POST", body=REPORT), 401),
    "a bad head": (b"GET\r\n\r\n", 400),
}
HALVES = {
    "nothing": b"",
    "half a head": b"GET /healthz HTTP/1.1\r\nhost: x\r\n",
    "half a body": request(RUNS, method="POST", token=TOKEN, content_length="99") + REPORT,
    "no body": request(RUNS, method="POST", token=TOKEN, content_length="99"),
    "half the chunks": CHUNKED + b"5\r\n{",
}


@pytest.mark.parametrize("kind", WHOLE)
async def test_a_client_that_sends_no_more_gets_its_answer(shared_service: Service, kind: str):
    sent, status = WHOLE[kind]
    async with connected(shared_service.url) as client:
        await client.send(sent)
        client.finish_sending()

        assert (await client.answer()).status == status
        assert await client.is_closed()


async def test_each_of_several_requests_before_the_end_is_answered(shared_service: Service):
    async with connected(shared_service.url) as client:
        await client.send(b"".join(sent for sent, _ in list(WHOLE.values())[:4]))
        client.finish_sending()

        answers = [(await client.answer()).status for _ in range(4)]
        assert answers == [status for _, status in list(WHOLE.values())[:4]]
        assert await client.is_closed()


async def test_a_download_goes_on_after_the_client_has_said_that_it_sends_no_more(
    shared_service: Service,
):
    manifest = b'"' + b"x" * (21 * MIB) + b'"'
    async with connected(shared_service.url) as client:
        await client.send(request(RUNS, method="POST", token=TOKEN, body=REPORT))
        run = json.loads((await client.answer()).body)["data"]["id"]
        place = f"{RUNS}/{run}/artifacts/manifest.json"
        await client.send(request(place, method="PUT", token=TOKEN, body=manifest))
        assert (await client.answer()).status == 200

        await client.send(request(place, token=TOKEN))
        client.finish_sending()

        assert (await client.answer()).body == manifest
        assert await client.is_closed()


@pytest.mark.parametrize("kind", HALVES)
async def test_half_a_request_that_does_not_go_on_has_no_answer(shared_service: Service, kind: str):
    async with connected(shared_service.url) as client:
        await client.send(HALVES[kind])
        client.finish_sending()

        assert await client.is_closed()


@pytest.mark.parametrize("sent", [*(sent for sent, _ in WHOLE.values()), *HALVES.values()])
async def test_clients_that_are_gone_leave_nothing_open(shared_service: Service, sent: bytes):
    before = descriptors(shared_service.process_id)
    async with AsyncExitStack() as stack:
        for _ in range(50):
            client = await connect(shared_service.url)
            await client.send(sent)
            client.finish_sending()
            stack.callback(client.reset)

    async with asyncio.timeout(PATIENCE), connected(shared_service.url) as client:
        while descriptors(shared_service.process_id) > before + 5:
            await client.send(request("/healthz"))
            await client.answer()
