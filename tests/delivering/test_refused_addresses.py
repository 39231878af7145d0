"""No request leaves for an address that policy refuses, whatever URL, DNS or redirect say.

The URLs here go straight to the sender, as if they had never been checked when they were saved.
"""

from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings

from runhook.domain.deliveries.judging import FailureReason, Outcome
from runhook.domain.network.destinations import ALLOW_SETTING, AddressPolicy
from tests.support.disguises import (
    DISGUISES,
    HOSTS,
    LOCAL_NAT64,
    REFUSED_IPV6,
    TEREDO_DISGUISES,
    addresses_in,
    refused_ipv4,
)
from tests.support.names import Names
from tests.support.receiver import Receiver, receivers_at_one_port, status
from tests.support.sending import a_request, a_sender, send

PUBLIC_ONLY = AddressPolicy()
ONE_ADDRESS = AddressPolicy.parse("127.0.0.1/32")
THIS_MACHINE = IPv4Address("127.0.0.1")
A_FEW = settings(max_examples=10)


def named(table: dict[str, object]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("write", table.values(), ids=table.keys())


def assert_refused(outcome: Outcome) -> None:
    """The attempt failed for the policy's sake, and the sentence says what to do."""
    assert outcome.failure is FailureReason.ADDRESS_REFUSED, outcome.error
    assert outcome.error.endswith(f" in {ALLOW_SETTING}.")


@named(HOSTS)
async def test_this_machine_is_not_dialled_however_its_address_is_written(write):
    async with Receiver() as receiver:
        outcome = await send(receiver.url_at(write(THIS_MACHINE)), policy=PUBLIC_ONLY)

    assert_refused(outcome)
    assert outcome.error.startswith("127.0.0.1 is a loopback address")
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "a.localhost",
        "127.1",
        "0x7f.1",
        "127.0.0.1..",
        "0",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fe80::1%25lo]",
    ],
)
async def test_this_machine_is_not_dialled_by_any_name(host: str):
    async with Receiver() as receiver:
        outcome = await send(receiver.url_at(host), policy=PUBLIC_ONLY)

    assert_refused(outcome)
    assert receiver.connections == 0


@named(HOSTS)
@A_FEW
@given(address=refused_ipv4)
async def test_a_refused_address_is_refused_however_it_is_written(write, address):
    assert_refused(await send(f"http://{write(address)}:8080/", policy=PUBLIC_ONLY))


@named(DISGUISES | TEREDO_DISGUISES | LOCAL_NAT64)
@A_FEW
@given(address=refused_ipv4)
async def test_a_refused_address_is_refused_inside_ipv6(write, address):
    assert_refused(await send(f"http://[{write(address)}]:8080/", policy=PUBLIC_ONLY))


@named({"plain": str} | DISGUISES | TEREDO_DISGUISES | LOCAL_NAT64)
@A_FEW
@given(address=refused_ipv4)
async def test_a_name_that_resolves_to_a_refused_address_is_refused(write, address):
    names = Names(**{"inside.example": [str(write(address))]})

    outcome = await send(
        "http://inside.example:8080/", policy=PUBLIC_ONLY, resolver=names.resolver()
    )

    assert_refused(outcome)


@A_FEW
@given(address=addresses_in(REFUSED_IPV6))
async def test_a_refused_ipv6_address_is_refused_as_host_and_as_what_a_name_resolves_to(address):
    names = Names(**{"inside.example": [str(address)]})

    for host in (f"[{address}]", "inside.example"):
        url = f"https://{host}:8443/"
        assert_refused(await send(url, policy=PUBLIC_ONLY, resolver=names.resolver()))


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["::1", "127.0.0.1"]]
)
async def test_of_a_name_that_resolves_to_both_kinds_only_the_allowed_address_is_dialled(
    addresses: list[str],
):
    names = Names(**{"both.example": addresses})
    async with receivers_at_one_port("127.0.0.2") as (allowed, refused):
        outcome = await send(
            allowed.url_at("both.example"), policy=ONE_ADDRESS, resolver=names.resolver()
        )

    assert outcome.failure is None
    assert (len(allowed.received), refused.connections) == (1, 0)


@pytest.mark.parametrize("addresses", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])
async def test_nor_is_the_refused_address_dialled_if_the_allowed_one_does_not_answer(
    addresses: list[str],
):
    names = Names(**{"both.example": addresses})
    async with Receiver(address="127.0.0.2") as refused:
        outcome = await send(
            refused.url_at("both.example"), policy=ONE_ADDRESS, resolver=names.resolver()
        )

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error.startswith(f"No connection to both.example:{refused.port}")
    assert (
        " Besides: The host both.example leads to an address that policy refuses; " in outcome.error
    )
    assert "127.0.0.2" not in outcome.error
    assert refused.connections == 0


async def test_a_name_that_moves_to_a_refused_address_is_refused_from_then_on():
    names = Names(**{"moving.example": ["127.0.0.1"]})
    async with receivers_at_one_port("127.0.0.2") as (allowed, refused):
        url = allowed.url_at("moving.example")
        before = await send(url, policy=ONE_ADDRESS, resolver=names.resolver())
        names.addresses["moving.example"] = ["127.0.0.2"]
        after = await send(url, policy=ONE_ADDRESS, resolver=names.resolver())

    assert before.failure is None
    assert_refused(after)
    assert (len(allowed.received), refused.connections) == (1, 0)


async def test_a_connection_kept_to_an_allowed_address_serves_no_other_name():
    names = Names(**{"allowed.example": ["127.0.0.1"], "inside.example": ["127.0.0.2"]})
    async with (
        Receiver() as receiver,
        a_sender(policy=ONE_ADDRESS, resolver=names.resolver()) as sender,
    ):
        await sender.send(a_request(receiver.url_at("allowed.example")))
        outcome = await sender.send(a_request(receiver.url_at("inside.example")))

    assert_refused(outcome)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_refused_address_is_not_followed(code: int):
    async with Receiver() as allowed, Receiver(address="127.0.0.2") as refused:
        allowed.answers = [status(code, headers={"Location": refused.url})]
        outcome = await send(allowed.url, policy=ONE_ADDRESS)

    assert outcome.failure is FailureReason.HTTP_STATUS
    assert refused.connections == 0


async def test_an_allowed_network_is_dialled():
    async with Receiver(address="127.0.0.2") as receiver:
        policy = AddressPolicy.parse("10.0.0.0/8, 127.0.0.2")
        outcome = await send(receiver.url, policy=policy)

    assert outcome.failure is None
