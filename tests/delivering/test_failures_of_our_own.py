"""What the service itself runs on may fail: no endpoint is blamed, and no retry is spent."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runhook.dispatcher.dispatcher import Dispatcher
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import OUR_PAUSE, FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.network.proxies import Proxies
from runhook.domain.webhooks.failing import PAUSE_AFTER
from runhook.outbound.pool import Bounds
from runhook.outbound.resolver import Resolver
from tests.support.misbehaving import close, once
from tests.support.proxy import HttpProxy
from tests.support.receiver import Receiver, hang, status
from tests.support.scene import Scene, deliver_due
from tests.support.sending import DEADLINES, a_request, a_sender, send, send_in_vain


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let the process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = socket.socket()
    lowest = probe.fileno()
    probe.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def silent_name_servers(*_: object) -> list[object]:
    """Fail as ``getaddrinfo`` does where no name server answers at all."""
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def one_silent_domain(host: str, *how: object) -> list[object]:
    """Fail so for one name; others are known, or known not to be."""
    if host == "hooks.example":
        return silent_name_servers()
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def deliver_in_vain(scene: Scene, dispatcher: Dispatcher, times: int) -> None:
    """Let what is due be tried so often, each time after the pause for failures of our own."""
    for _ in range(times):
        await deliver_due(dispatcher)
        scene.clock.advance(OUR_PAUSE)


async def assert_untouched(scene: Scene, webhook) -> None:
    """No attempt is spent or logged, and the endpoint counts as well."""
    delivery = await scene.tenant.delivery(webhook)
    assert (delivery.state, delivery.attempt_count) == (DeliveryState.PENDING, 0)
    assert await scene.attempts(webhook) == []
    health = (await scene.shown(webhook)).health
    assert (health.consecutive_failures, health.is_paused) == (0, False)


async def test_without_descriptors_no_endpoint_is_blamed():
    async with Receiver() as receiver, a_sender() as sender:
        with no_descriptor_left():
            outcome = await sender.send(a_request(receiver.url))
        after = await sender.send(a_request(receiver.url))

    assert (outcome.failure, outcome.is_ours) == (FailureReason.CONNECTION_FAILED, True)
    assert "too many open files on Runhook's own machine" in outcome.error
    assert after.failure is None


async def test_without_descriptors_a_name_cannot_be_looked_up_and_no_domain_is_blamed():
    async with Receiver() as receiver, a_sender() as sender:
        with no_descriptor_left():
            outcome = await sender.send(a_request(receiver.url_at("a.name.example")))

    assert (outcome.failure, outcome.is_ours) == (FailureReason.DNS_FAILED, True)


async def test_name_servers_that_answer_nothing_at_all_are_ours():
    outcome = await send("http://hooks.example/", resolver=Resolver(silent_name_servers))

    assert (outcome.failure, outcome.is_ours) == (FailureReason.DNS_FAILED, True)
    assert "no name server answers Runhook at all" in outcome.error


async def test_name_servers_that_know_other_names_are_the_domains_to_mend():
    outcome = await send("http://hooks.example/", resolver=Resolver(one_silent_domain))

    assert (outcome.failure, outcome.is_ours) == (FailureReason.DNS_FAILED, False)


async def test_waiting_in_vain_for_a_connection_is_ours():
    gate = asyncio.Event()
    async with (
        Receiver(once(gate, status(200))) as slow,
        Receiver() as quick,
        a_sender(bounds=Bounds(in_all=1, to_one_host=1)) as sender,
    ):
        first = asyncio.create_task(sender.send(a_request(slow.url)))
        await slow.wait_for(1)
        waited = await sender.send(a_request(quick.url, timeout=DEADLINES[0]))
        gate.set()

        assert (waited.failure, waited.is_ours) == (FailureReason.TIMED_OUT, True)
        assert (await first).failure is None


@pytest.mark.parametrize("answer", [status(407), status(403), status(502), close])
async def test_a_proxy_that_brings_us_nowhere_is_ours(answer):
    async with HttpProxy(answer=answer) as proxy:
        outcome = await send(
            "https://hooks.example/", proxies=Proxies.of({"HTTPS_PROXY": proxy.url})
        )

    assert (outcome.failure, outcome.is_ours) == (FailureReason.PROXY_FAILED, True)


async def test_a_proxy_that_hangs_is_ours():
    async with HttpProxy(answer=hang) as proxy:
        proxies = Proxies.of({"HTTPS_PROXY": proxy.url})
        outcome, _ = await send_in_vain(
            "https://hooks.example/", AttemptPhase.CONNECT, proxies=proxies
        )

    assert (outcome.failure, outcome.is_ours) == (FailureReason.TIMED_OUT, True)


@pytest.mark.parametrize("answer", [close, status(500)])
async def test_an_endpoint_that_fails_is_not_ours(answer):
    async with Receiver(answer) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is not None
    assert not outcome.is_ours


async def test_an_endpoint_that_hangs_is_not_ours():
    async with Receiver(hang) as receiver:
        outcome, _ = await send_in_vain(receiver.url, AttemptPhase.WAIT)

    assert (outcome.failure, outcome.is_ours) == (FailureReason.TIMED_OUT, False)


async def test_what_we_could_not_send_waits_and_has_cost_nothing(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.tenant.webhook(
        receiver.url_at("hooks.example"), event_types=["job.run.started"]
    )
    await scene.tenant.start()
    is_silent = True

    def look_up(host: str, port: int, *how: int) -> list[object]:
        if is_silent:
            return silent_name_servers()
        return socket.getaddrinfo("127.0.0.1", port, *how)

    dispatcher = await scene.dispatcher(resolver=Resolver(look_up))
    await deliver_in_vain(scene, dispatcher, times=PAUSE_AFTER + 1)
    await assert_untouched(scene, webhook)
    is_silent = False
    await deliver_due(dispatcher)

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    assert [one.number for one in await scene.attempts(webhook)] == [1]


async def test_a_webhook_that_we_could_not_send_to_rests(scene: Scene):
    """However much waits for it, little of it is tried in vain."""
    looked_up = 0

    def look_up(host: str, *_: object) -> list[object]:
        nonlocal looked_up
        looked_up += host == "hooks.example"
        return silent_name_servers()

    webhook = await scene.tenant.webhook("http://hooks.example/", event_types=["job.run.started"])
    await scene.start_many(100)
    dispatcher = await scene.dispatcher(resolver=Resolver(look_up))

    await deliver_due(dispatcher)
    await deliver_due(dispatcher)

    assert looked_up <= 20
    assert set(await scene.tenant.states(webhook)) == {DeliveryState.PENDING}


async def test_a_probe_that_we_could_not_make_is_made_as_soon_as_we_can(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.tenant.start()
    await scene.skip_pause(webhook)
    dispatcher = await scene.dispatcher()

    with no_descriptor_left():
        await deliver_due(dispatcher)
    scene.clock.advance(OUR_PAUSE)
    await deliver_due(dispatcher)

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    assert not (await scene.shown(webhook)).health.is_paused
