"""What name servers answer, shown with one that speaks DNS: no answer leads to a refused address.

Of this machine's addresses, 127.0.0.1 stands for the public ones and 127.0.0.2 for those inside.
"""

import dns.rcode
import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.network.destinations import AddressPolicy
from tests.support.name_server import Answer, NameServer, addresses, alias, failing, silent
from tests.support.receiver import Receiver, receivers_at_one_port
from tests.support.scene import Scene, deliver_due
from tests.support.sending import send, send_in_vain

OUTSIDE = "127.0.0.1"
INSIDE = "127.0.0.2"
POLICY = AddressPolicy.parse(OUTSIDE)


async def test_a_name_that_moves_inside_is_refused_from_then_on():
    """Rebinding: the name is harmless whenever it is checked, and then it is not."""
    names = NameServer(**{"moving.example": [addresses(OUTSIDE), addresses(INSIDE)]})
    async with names, receivers_at_one_port(INSIDE) as (outside, inside):
        url = outside.url_at("moving.example")
        outcomes = [await send(url, policy=POLICY, resolver=names.resolver()) for _ in range(2)]

    assert [one.failure for one in outcomes] == [None, FailureReason.ADDRESS_REFUSED]
    assert (len(outside.received), inside.connections) == (1, 0)


async def test_the_address_that_was_judged_is_the_one_that_is_dialled():
    """A name is looked up once for an attempt, so that no other answer can come in between."""
    answers = [addresses(OUTSIDE), addresses(INSIDE)]
    names = NameServer(**{"moving.example": answers})
    async with names, receivers_at_one_port(INSIDE) as (outside, inside):
        url = outside.url_at("moving.example")
        outcome = await send(url, policy=POLICY, resolver=names.resolver())

    assert outcome.failure is None
    assert names.look_ups["moving.example"] == 1
    assert (len(outside.received), inside.connections) == (1, 0)


@pytest.mark.parametrize("both", [(OUTSIDE, INSIDE), (INSIDE, OUTSIDE), ("::1", OUTSIDE)])
async def test_of_a_mixed_answer_only_the_allowed_address_is_dialled(both: tuple[str, str]):
    names = NameServer(**{"both.example": [addresses(*both)]})
    async with names, receivers_at_one_port(INSIDE) as (outside, inside):
        url = outside.url_at("both.example")
        outcome = await send(url, policy=POLICY, resolver=names.resolver())

    assert outcome.failure is None
    assert (len(outside.received), inside.connections) == (1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        addresses(INSIDE),
        addresses("::ffff:127.0.0.2"),
        addresses("64:ff9b::127.0.0.2"),
        addresses("0.0.0.0"),
        addresses("169.254.169.254", "fd00:ec2::254"),
        alias("inside.example", addresses(INSIDE)),
        alias("one.example", alias("two.example", addresses(INSIDE))),
        alias("localhost", addresses("127.0.0.53", "::1")),
    ],
    ids=["A", "mapped", "NAT64", "this host", "metadata", "CNAME", "two CNAMEs", "localhost"],
)
async def test_a_name_that_leads_inside_is_refused_however_it_does(answer: Answer):
    names = NameServer(**{"hooks.example": [answer]})
    async with names, Receiver(address=INSIDE) as inside:
        url = inside.url_at("hooks.example")
        outcome = await send(url, policy=POLICY, resolver=names.resolver())

    assert outcome.failure is FailureReason.ADDRESS_REFUSED
    assert inside.connections == 0


async def test_an_alias_of_an_allowed_address_is_followed():
    names = NameServer(**{"hooks.example": [alias("real.example", addresses(OUTSIDE))]})
    async with names, Receiver() as outside:
        url = outside.url_at("hooks.example")
        outcome = await send(url, policy=POLICY, resolver=names.resolver())

    assert outcome.failure is None


@pytest.mark.parametrize("answer", [failing(dns.rcode.NXDOMAIN), addresses()])
async def test_a_name_that_is_not_there_or_has_no_address(answer: Answer):
    async with NameServer(**{"hooks.example": [answer]}) as names:
        outcome = await send("https://hooks.example/", resolver=names.resolver())

    assert outcome.failure is FailureReason.DNS_FAILED
    assert outcome.error == (
        "No connection to hooks.example:443: the host name has no address "
        "(name or service not known); check the URL."
    )


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_name_server_that_cannot_say(code: dns.rcode.Rcode):
    async with NameServer(**{"hooks.example": [failing(code)]}) as names:
        outcome = await send("https://hooks.example/", resolver=names.resolver())

    assert outcome.failure is FailureReason.DNS_FAILED
    assert outcome.error == (
        "No connection to hooks.example:443: no name server could say the host's address "
        "(temporary failure in name resolution); check the domain's name servers, and the "
        "resolver of Runhook's system."
    )


async def test_a_name_server_that_never_answers():
    async with NameServer(**{"hooks.example": [silent]}) as names:
        outcome, deadline = await send_in_vain(
            "https://hooks.example/", AttemptPhase.DNS, resolver=names.resolver()
        )

    assert outcome.failure is FailureReason.TIMED_OUT
    assert outcome.error == (
        "No connection to hooks.example:443: no name server said the host's address "
        f"within {deadline}; "
        "check the domain's name servers, and the resolver of Runhook's system."
    )


async def test_trouble_with_a_name_is_tried_again(scene: Scene):
    receiver = await scene.receiver()
    names = NameServer(**{"hooks.example": [failing(dns.rcode.SERVFAIL), addresses(OUTSIDE)]})
    async with names:
        webhook = await scene.tenant.webhook(
            receiver.url_at("hooks.example"), event_types=["job.run.started"]
        )
        await scene.tenant.start()
        dispatcher = await scene.dispatcher(resolver=names.resolver())
        await deliver_due(dispatcher)
        await scene.skip_to_next_attempt(webhook)
        await deliver_due(dispatcher)

    failures = [one.failure for one in await scene.attempts(webhook)]
    assert failures == [FailureReason.DNS_FAILED, None]
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
