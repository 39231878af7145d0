"""No connection to an endpoint: the sentence says to where, and why not."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.errors import InvalidError
from runhook.domain.network.destinations import check_url, literal_addresses
from runhook.outbound.dialling import ADDRESSES_TRIED
from runhook.outbound.resolver import THREADS, AddressInfo, Resolver
from tests.support.accounts import LOOPBACK
from tests.support.misbehaving import close
from tests.support.names import Names
from tests.support.ports import a_port_that_takes_no_connection, a_port_where_nobody_listens
from tests.support.receiver import Receiver, reset, status
from tests.support.sending import a_request, a_sender, send, send_in_vain


class HangingNames:
    """Names whose look-up takes as long as a test wants; `healthy.example` has an address."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.asked = threading.Semaphore(0)

    def look_up(self, host: str, port: int, *how: int) -> list[AddressInfo]:
        if host == "healthy.example":
            return socket.getaddrinfo("127.0.0.1", port, *how)
        self.asked.release()
        self.end.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def is_accepted(url: str) -> bool:
    """Whether a webhook can be saved with this URL."""
    try:
        check_url(url, LOOPBACK)
    except InvalidError:
        return False
    return True


@pytest.fixture
def hanging_names() -> Iterator[HangingNames]:
    names = HangingNames()
    yield names
    names.end.set()


async def test_a_port_where_nobody_listens():
    with a_port_where_nobody_listens() as port:
        outcome = await send(f"http://127.0.0.1:{port}/")

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error == (
        f"No connection to 127.0.0.1:{port}: connection refused by 127.0.0.1:{port}; "
        "check that it is up, and listens on that port."
    )


async def test_a_host_none_of_whose_addresses_listens():
    names = Names(**{"several.example": ["127.0.0.1", "127.0.0.2"]})
    with a_port_where_nobody_listens() as port:
        outcome = await send(f"http://several.example:{port}/", resolver=names.resolver())

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error == (
        f"No connection to several.example:{port}: connection refused by "
        f"127.0.0.1:{port} and 127.0.0.2:{port}; check that it is up, and listens on that port."
    )


async def test_a_port_that_takes_no_connection():
    """As behind a firewall that drops what it does not like."""
    with a_port_that_takes_no_connection() as port:
        outcome, deadline = await send_in_vain(f"http://127.0.0.1:{port}/", AttemptPhase.CONNECT)

    assert outcome.failure is FailureReason.TIMED_OUT
    assert outcome.error == (
        f"No connection to 127.0.0.1:{port} within {deadline}: 127.0.0.1:{port} did not answer; "
        "check that it is up, and that no firewall drops what we send."
    )


async def test_a_host_one_of_whose_addresses_listens():
    names = Names(**{"several.example": ["127.0.0.2", "127.0.0.1"]})
    async with Receiver() as receiver:
        outcome = await send(receiver.url_at("several.example"), resolver=names.resolver())

    assert outcome.failure is None
    assert receiver.received[0].headers["host"] == f"several.example:{receiver.port}"


async def test_of_a_host_with_addresses_by_the_hundred_only_a_few_are_tried():
    names = Names(**{"many.example": [f"127.0.1.{number}" for number in range(1, 201)]})
    with a_port_where_nobody_listens() as port:
        outcome = await send(f"http://many.example:{port}/", resolver=names.resolver())

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error.count("127.0.1.") == ADDRESSES_TRIED


async def test_a_connection_that_is_reset():
    async with Receiver(reset) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error == (
        f"The connection to 127.0.0.1:{receiver.port} broke: connection reset by peer."
    )


async def test_a_connection_that_is_closed_without_an_answer():
    async with Receiver(close) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error == (
        f"127.0.0.1:{receiver.port} closed the connection before it had answered; look at its log."
    )


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://nowhere.example/dbt", "nowhere.example:443"),
        ("http://nowhere.example/dbt", "nowhere.example:80"),
        ("http://Nowhere.example:8080/dbt", "nowhere.example:8080"),
    ],
)
async def test_a_name_that_has_no_address(url: str, place: str):
    outcome = await send(url, resolver=Names().resolver())

    assert outcome.failure is FailureReason.DNS_FAILED
    assert outcome.error == (
        f"No connection to {place}: the host name has no address "
        "(name or service not known); check the URL."
    )


async def test_a_name_that_is_not_found_out_in_time(hanging_names: HangingNames):
    outcome, deadline = await send_in_vain(
        "http://slow.example:8080/",
        AttemptPhase.DNS,
        resolver=Resolver(hanging_names.look_up),
    )

    assert outcome.failure is FailureReason.TIMED_OUT
    assert outcome.error == (
        "No connection to slow.example:8080: no name server said the host's address "
        f"within {deadline}; "
        "check the domain's name servers, and the resolver of Runhook's system."
    )


async def test_many_names_that_hang_hold_up_no_other_name(hanging_names: HangingNames):
    many = THREADS // 2
    async with (
        Receiver() as receiver,
        a_sender(resolver=Resolver(hanging_names.look_up)) as sender,
    ):
        hanging = [
            asyncio.create_task(sender.send(a_request(f"http://slow-{number}.example/")))
            for number in range(many)
        ]
        for _ in range(many):
            await asyncio.to_thread(hanging_names.asked.acquire)

        outcome = await sender.send(a_request(receiver.url_at("healthy.example")))

        assert outcome.failure is None
        assert not any(one.done() for one in hanging)
        hanging_names.end.set()
        ends = await asyncio.gather(*hanging)
    assert {one.failure for one in ends} == {FailureReason.DNS_FAILED}


async def test_names_that_hang_hold_up_none_that_was_found_before(hanging_names: HangingNames):
    """However many they are: more than there are threads to wait in."""
    async with (
        Receiver() as receiver,
        a_sender(resolver=Resolver(hanging_names.look_up)) as sender,
    ):
        healthy = a_request(receiver.url_at("healthy.example"))
        await sender.send(healthy)
        receiver.answers = [status(200, headers={"Connection": "close"})]
        await sender.send(healthy)
        hanging = [
            asyncio.create_task(sender.send(a_request(f"http://slow-{number}.example/")))
            for number in range(THREADS + 10)
        ]
        for _ in range(THREADS):
            await asyncio.to_thread(hanging_names.asked.acquire)

        outcome = await sender.send(healthy)

        assert outcome.failure is None
        hanging_names.end.set()
        await asyncio.gather(*hanging)


@given(
    host=st.lists(st.text("abcdefgh-_éß①%\\", min_size=1, max_size=4), min_size=1, max_size=3).map(
        ".".join
    ),
    rest=st.text("/?#%a:é[]@\\", max_size=6),
)
async def test_every_url_that_a_webhook_can_have_can_be_requested(host: str, rest: str):
    url = f"http://{host}/{rest}"
    assume(is_accepted(url) and not list(literal_addresses(host)))

    outcome = await send(url, resolver=Names().resolver())

    assert outcome.failure is FailureReason.DNS_FAILED


@pytest.mark.parametrize("host", ["a..b.example", "x" * 64 + ".example", "256.0.0.1", "1.2.3.4.5"])
async def test_a_host_that_cannot_be_one(host: str):
    """None is accepted when a webhook is saved."""
    outcome = await send(f"http://{host}/")

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error == "The URL cannot be requested; check it."
