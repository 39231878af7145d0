"""Connections are kept and used again, and nothing an endpoint says on one steers another."""

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.network.destinations import read_url
from runhook.outbound.failures import explain
from runhook.outbound.pool import Bounds
from runhook.outbound.trip import Trip, TripStage
from tests.support.misbehaving import accept_and_close, close, once, once_a_connection, together
from tests.support.receiver import Received, Receiver, raw, status
from tests.support.scene import Scene, deliver_due
from tests.support.sending import a_request, a_sender, came_to, let_time_out, send

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


async def test_a_sender_that_was_told_of_no_proxy_asks_none(monkeypatch: pytest.MonkeyPatch):
    """What the environment says is for the settings to read."""
    async with Receiver() as proxy, Receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        outcome = await send(receiver.url)

    assert outcome.failure is None
    assert proxy.connections == 0


async def test_a_slow_endpoint_is_sent_more_over_the_connections_that_it_has():
    """Were each delivery to open its own, a busy and slow endpoint would use up the ports."""
    at_once, rounds = 40, 5
    async with Receiver(together(at_once, status(200))) as receiver, a_sender() as sender:
        for _ in range(rounds):
            request = a_request(receiver.url)
            await asyncio.gather(*(sender.send(request) for _ in range(at_once)))

    assert len(receiver.received) == at_once * rounds
    assert receiver.connections == at_once


@pytest.mark.parametrize(
    ("bounds", "at_once"),
    [
        (Bounds(in_all=6, to_one_host=4), [4, 2]),
        (Bounds(in_all=20, to_one_host=4), [4, 4]),
    ],
)
async def test_endpoints_that_hang_hold_no_more_connections_than_the_bounds_say(
    bounds: Bounds, at_once: list[int]
):
    gate = asyncio.Event()
    async with (
        Receiver(once(gate, status(200))) as one,
        Receiver(once(gate, status(200))) as other,
        a_sender(bounds=bounds) as sender,
    ):
        sending = [
            asyncio.create_task(sender.send(a_request(receiver.url)))
            for receiver in (one, other)
            for _ in range(10)
        ]
        for receiver, count in zip((one, other), at_once, strict=True):
            await receiver.wait_for(count)
        in_use = [receiver.connections for receiver in (one, other)]
        gate.set()
        outcomes = await asyncio.gather(*sending)

    assert {outcome.failure for outcome in outcomes} == {None}
    assert [len(receiver.received) for receiver in (one, other)] == [10, 10]
    assert in_use == at_once
    assert one.most_at_once <= bounds.to_one_host


async def test_a_test_of_a_webhook_takes_no_connection_that_a_delivery_could_have():
    gate = asyncio.Event()
    async with (
        Receiver(once(gate, status(200)), status(200)) as receiver,
        a_sender(bounds=Bounds(in_all=1, to_one_host=1)) as sender,
    ):
        test = asyncio.create_task(sender.send(a_request(receiver.url), is_test=True))
        await receiver.wait_for(1)
        delivery = await sender.send(a_request(receiver.url))
        gate.set()

        assert (delivery.failure, (await test).failure) == (None, None)


def test_a_request_that_no_connection_became_free_for_says_so():
    trip = Trip(
        url=read_url("https://hooks.example/"),
        deadline=timedelta(seconds=2),
        stage=TripStage.QUEUED,
    )

    reason, sentence = explain(TimeoutError(), trip)

    assert reason is FailureReason.TIMED_OUT
    assert sentence == (
        "No connection to hooks.example:443 became free within 2 s: "
        "as many as there may be were in use, all of them slow."
    )


async def test_what_was_given_up_frees_its_connection_for_the_next_request():
    gate = asyncio.Event()
    async with (
        Receiver(once(gate, status(200))) as receiver,
        a_sender(bounds=Bounds(in_all=1, to_one_host=1)) as sender,
    ):
        for _ in range(2):
            outcome, _ = await let_time_out(
                sender, a_request(receiver.url), came_to(AttemptPhase.WAIT)
            )
            assert outcome.failure is FailureReason.TIMED_OUT
        gate.set()

        assert (await sender.send(a_request(receiver.url))).failure is None


async def test_an_answer_that_comes_too_late_is_no_success_and_nobody_elses_answer(scene: Scene):
    """The connection it comes on is not used again."""
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(204)))
    sender = await scene.sender()

    late, _ = await let_time_out(sender, a_request(receiver.url), lambda _: bool(receiver.received))
    used = receiver.connections
    receiver.answers = [status(200)]
    gate.set()
    next_one = await sender.send(a_request(receiver.url))

    assert (late.status_code, late.failure) == (None, FailureReason.TIMED_OUT)
    assert next_one.status_code == 200
    assert receiver.connections == used + 1


async def test_an_answer_that_nobody_asked_for_is_nobodys_answer():
    """The kept connection that it came on is not used again."""
    gate, sent = asyncio.Event(), asyncio.Event()

    async def answer_twice(request: Received, writer: asyncio.StreamWriter) -> None:
        await status(200)(request, writer)
        await gate.wait()
        await status(500)(request, writer)
        sent.set()

    async with (
        Receiver(answer_twice, status(204)) as receiver,
        Receiver() as another,
        a_sender() as sender,
    ):
        first = await sender.send(a_request(receiver.url))
        gate.set()
        await sent.wait()
        # Whatever came before this is answered has been read by then.
        await sender.send(a_request(another.url))
        second = await sender.send(a_request(receiver.url))

    assert [first.status_code, second.status_code] == [200, 204]
    assert receiver.connections == 2


@pytest.mark.parametrize(
    ("soft", "hard", "outgoing", "incoming", "left"),
    [
        (256, 20_000, 4_000, 1_000, 9_256),  # raised as far as is needed
        (20_000, 20_000, 4_000, 1_000, 20_000),  # enough as it is
        (256, 2_256, 750, 500, 2_256),  # raised as far as may be
        (1_024, 1_024, 288, 192, 1_024),
        (64, 64, 18, 12, 64),
    ],
)
def test_there_are_no_more_connections_than_the_system_has_descriptors_for(
    soft: int, hard: int, outgoing: int, incoming: int, left: int
):
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from runhook.outbound.descriptors import allot
from runhook.outbound.pool import Bounds
allotment = allot(Bounds(in_all=4_000), incoming=1_000)
print(allotment.outgoing.in_all, allotment.incoming, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout.split() == [str(outgoing), str(incoming), str(left)]


async def test_bytes_that_nobody_asked_for_are_not_the_answer_to_the_next_request():
    answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    unasked = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with Receiver(raw(answer + unasked, close=False)) as receiver, a_sender() as sender:
        statuses = [(await sender.send(a_request(receiver.url))).status_code for _ in range(3)]

    assert statuses == [500] * 3
