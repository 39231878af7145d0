"""A URL is requested as it was written, of the host that was judged."""

import pytest

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.network.proxies import Proxies
from tests.support.disguises import LOOKALIKES, OLD_FORMS, THIS_NETWORK
from tests.support.names import Names
from tests.support.proxy import HttpProxy
from tests.support.receiver import Receiver
from tests.support.sending import a_request, a_sender, send

PUBLIC_ONLY = AddressPolicy()


@pytest.mark.parametrize(
    ("rest", "target"),
    [
        ("", "/"),
        ("?", "/?"),
        ("?a", "/?a"),
        ("/?", "/?"),
        ("/hook#part", "/hook"),
        ("/A%2fb%2Fc%7E~", "/A%2fb%2Fc%7E~"),
        ("//a//b/../c/./d", "//a//b/../c/./d"),
        ("/a;b=c,d:e@f!$&'()*+", "/a;b=c,d:e@f!$&'()*+"),
        ("/?q=a+b%20c&&=&q", "/?q=a+b%20c&&=&q"),
        ("/?url=https://b.example/%3F?x", "/?url=https://b.example/%3F?x"),
        ("/%", "/%"),
        ('/{"|}`^\\<>', '/{"|}`^\\<>'),
        ("/größe?ä", "/gr%C3%B6%C3%9Fe?%C3%A4"),
    ],
)
async def test_a_url_is_requested_as_it_was_written(rest: str, target: str):
    async with Receiver() as receiver, HttpProxy({"hooks.example": "127.0.0.1"}) as proxy:
        await send(f"http://127.0.0.1:{receiver.port}{rest}")
        await send(
            f"http://Hooks.Example:{receiver.port}{rest}",
            proxies=Proxies.of({"HTTP_PROXY": proxy.url}),
        )

    assert receiver.received[0].path == target
    assert [one.path for one in proxy.asked] == [f"http://hooks.example:{receiver.port}{target}"]


@pytest.mark.parametrize("write", (LOOKALIKES | OLD_FORMS).values(), ids=LOOKALIKES | OLD_FORMS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_proxy_is_asked_for_a_refused_address_in_any_disguise(scheme: str, write):
    async with HttpProxy() as proxy:
        outcome = await send(
            f"{scheme}://{write(THIS_NETWORK)}/",
            policy=PUBLIC_ONLY,
            proxies=Proxies.of({"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url}),
        )

    assert outcome.failure is FailureReason.ADDRESS_REFUSED
    assert proxy.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "metadata.google.internal",
        "METADATA.google.internal.",
        "metadata.goog",
        "[64:ff9b::a9fe:a9fe]",
        "[::ffff:10.0.0.1]",
    ],
)
async def test_no_proxy_is_asked_for_a_clouds_metadata_by_its_names(host: str):
    async with HttpProxy() as proxy:
        outcome = await send(
            f"http://{host}/", policy=PUBLIC_ONLY, proxies=Proxies.of({"HTTP_PROXY": proxy.url})
        )

    assert outcome.failure is FailureReason.ADDRESS_REFUSED
    assert proxy.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "straße.example",
        "a\u200db.example",
        "1\u0660.0.0.1",
        "a%2eb",
        "user@a",
        "a\\b",
        "a b",
        "a\tb",
    ],
)
async def test_no_proxy_is_asked_for_a_host_that_others_may_read_differently(host: str):
    async with HttpProxy() as proxy:
        outcome = await send(
            f"http://{host}/", policy=PUBLIC_ONLY, proxies=Proxies.of({"HTTP_PROXY": proxy.url})
        )

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert proxy.connections == 0


async def test_a_proxy_is_asked_for_the_name_that_was_judged():
    async with HttpProxy() as proxy:
        await send("https://KÖLN.example/", proxies=Proxies.of({"HTTPS_PROXY": proxy.url}))

    assert [one.path for one in proxy.asked] == ["xn--kln-sna.example:443"]


async def test_nobody_is_told_where_an_internal_name_leads():
    names = Names(**{"inside.example": ["10.1.2.3", "fd00::7"]})
    url = "http://inside.example/"
    async with a_sender(policy=PUBLIC_ONLY, resolver=names.resolver()) as sender:
        told = [await sender.look_up(url), (await sender.send(a_request(url))).error]

    refusal = (
        "The host inside.example leads to an address that policy refuses; to allow it, list the "
        "address or its network in RUNHOOK_ALLOW_NETWORKS."
    )
    assert told == [refusal, refusal]
