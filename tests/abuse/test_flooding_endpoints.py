"""Endpoints that answer without end: little of it is read, and nothing else waits for them."""

import httpx
import pytest

from tests.support.api import data_of, new_run, new_webhook
from tests.support.memory import SLACK, resident
from tests.support.misbehaving import Flood, drip_heads
from tests.support.patience import PATIENCE, until
from tests.support.program import Service
from tests.support.receiver import Receiver
from tests.support.running import TOKEN, account_of

MIB = 1 << 20
READ_AT_MOST = 16 * MIB
"""Of one flood: what is read of an answer, and what lies in the sockets' buffers."""
FLOODS = {
    "interim heads": b"HTTP/1.1 100 Continue\r\n\r\n",
    "interim heads with headers": b"HTTP/1.1 103 Hints\r\n" + b"Link: </a>\r\n" * 20 + b"\r\n",
    "empty lines": b"\r\n",
    "headers": b"X: y\r\n",
    "one header": b"y" * 100,
    "chunks of a byte": b"1\r\nx\r\n",
    "chunk extensions": b";a=b" * 20,
    "trailers": b"X: y\r\n",
    "the body": b"x" * 100,
    "surplus": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}
BEGINNINGS = {
    "headers": b"HTTP/1.1 200 OK\r\n",
    "one header": b"HTTP/1.1 200 OK\r\nX: ",
    "chunks of a byte": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunk extensions": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1",
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "the body": b"HTTP/1.1 200 OK\r\n\r\n",
}


@pytest.fixture
async def client(service: Service):
    headers = {"Authorization": f"Token {TOKEN}"}
    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as client:
        yield account_of(service, client)


@pytest.mark.parametrize("kind", FLOODS)
async def test_little_is_read_of_an_answer_without_end(
    service: Service, client: httpx.AsyncClient, kind: str
):
    answer = Flood(BEGINNINGS.get(kind, b""), FLOODS[kind])
    async with Receiver(answer) as receiver, Receiver() as ordinary:
        for url in (receiver.url, receiver.url_at("localhost"), ordinary.url):
            await new_webhook(client, client_url=url, event_types=["job.run.started"])
        before = resident(service.process_id)

        for number in range(5):
            await new_run(client, run_key=f"{number}")
        await ordinary.wait_for(5)
        await receiver.wait_for(2)
        await until(lambda: answer.have_ended(2))

        assert max(answer.written) <= READ_AT_MOST
        assert resident(service.process_id) - before < SLACK
        assert (await client.get("/healthz")).status_code in (200, 404)


async def test_endpoints_that_drip_hold_nothing_up(service: Service, client: httpx.AsyncClient):
    async with Receiver(drip_heads) as dripping, Receiver() as ordinary:
        for url in (dripping.url, dripping.url_at("localhost"), ordinary.url):
            await new_webhook(client, client_url=url, event_types=["job.run.started"])
        for number in range(20):
            await new_run(client, run_key=f"{number}")

        arrived = await ordinary.wait_for(20)

        assert len(arrived) == 20
        events = data_of(await client.get("/webhooks/events?limit=1"))
        assert events is not None
