"""Connections are kept and used again, and nothing an endpoint says on one steers another."""

import asyncio

import pytest

from runhook.domain.deliveries import DeliveryState
from runhook.domain.judging import FailureReason
from tests.support.misbehaving import accept_and_close, close, once, once_a_connection
from tests.support.receiver import Receiver, raw, status
from tests.support.scene import Scene, deliver_due
from tests.support.sending import a_request, a_sender, send

REDIRECTS = [301, 302, 303, 307, 308]


async def test_a_connection_is_used_again():
    async with Receiver() as receiver, a_sender() as sender:
        for _ in range(3):
            await sender.send(a_request(receiver.url))

    assert len(receiver.received) == 3
    assert receiver.connections == 1


async def test_an_endpoint_that_closes_an_idle_connection_costs_no_attempt(scene: Scene):
    receiver = await scene.receiver(accept_and_close)
    webhook = await scene.webhook_at(receiver)
    dispatcher = await scene.dispatcher()

    for number in range(3):
        await scene.tenant.start(f"run-{number}")
        await deliver_due(dispatcher)

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * 3
    assert [one.attempt_count for one in await scene.tenant.deliveries(webhook)] == [1] * 3
    assert len(receiver.received) == 3


async def test_an_endpoint_that_closes_all_its_idle_connections_costs_no_attempt():
    """As a server does that restarts: the next kept connection is as dead as the first one."""
    gate = asyncio.Event()
    answer = once_a_connection(once(gate, status(200)))
    async with Receiver(answer) as receiver, a_sender() as sender:
        request = a_request(receiver.url)
        sending = asyncio.gather(*(sender.send(request) for _ in range(3)))
        await receiver.wait_for(3)
        gate.set()
        await sending
        assert receiver.connections == 3

        outcome = await sender.send(request)

    assert outcome.failure is None
    assert receiver.connections == 4


async def test_an_endpoint_that_closes_a_new_connection_has_failed_and_is_asked_once():
    async with Receiver(close) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert len(receiver.received) == 1


async def test_cookies_never_come_back():
    cookies = {"Set-Cookie": "session=1; Path=/; Max-Age=3600"}
    async with Receiver(status(200, headers=cookies)) as receiver, a_sender() as sender:
        for _ in range(2):
            await sender.send(a_request(receiver.url_at("localhost")))

    assert ["cookie" in one.headers for one in receiver.received] == [False, False]


@pytest.mark.parametrize("code", REDIRECTS)
async def test_a_redirect_is_not_followed(code: int):
    async with Receiver() as other:
        answer = status(code, headers={"Location": other.url})
        async with Receiver(answer) as receiver:
            outcome = await send(receiver.url)

    assert (outcome.status_code, outcome.failure) == (code, FailureReason.HTTP_STATUS)
    assert "redirects are not followed" in outcome.error
    assert other.connections == 0


@pytest.mark.parametrize("value", ["0; url={url}", "{url}"])
async def test_no_other_header_leads_elsewhere(value: str):
    async with Receiver() as other:
        named = {
            name: value.format(url=other.url) for name in ("Refresh", "Location", "Alt-Svc", "Link")
        }
        async with Receiver(status(200, headers=named)) as receiver, a_sender() as sender:
            for _ in range(2):
                await sender.send(a_request(receiver.url))

    assert other.connections == 0


async def test_proxies_named_in_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch):
    """Behind one, nobody could say which address is dialled."""
    async with Receiver() as proxy, Receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        outcome = await send(receiver.url)

    assert outcome.failure is None
    assert proxy.connections == 0


async def test_bytes_that_nobody_asked_for_are_not_the_answer_to_the_next_request():
    answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    unasked = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with Receiver(raw(answer + unasked, close=False)) as receiver, a_sender() as sender:
        statuses = [(await sender.send(a_request(receiver.url))).status_code for _ in range(3)]

    assert statuses == [500] * 3
