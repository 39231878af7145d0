"""Requests go through the proxy that the environment names, and nothing is dialled beside it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from runhook.domain.deliveries.judging import FailureReason, Outcome
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.network.proxies import Proxies, Proxy
from runhook.outbound.proxy_pauses import ProxyPausedError, ProxyPauses
from tests.support.certificates import Authority
from tests.support.misbehaving import close
from tests.support.names import Names
from tests.support.ports import a_port_where_nobody_listens
from tests.support.proxy import HttpProxy
from tests.support.receiver import Answer, Receiver, hang, raw, status
from tests.support.sending import a_request, a_sender, came_to, let_time_out, send

PUBLIC_ONLY = AddressPolicy()
HOOKS = {"hooks.example": "127.0.0.1"}
NOBODY_KNOWS = Names()
SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


def through(proxy: HttpProxy, *, userinfo: str = "", no_proxy: str = "") -> dict[str, Any]:
    """How to send where the environment names a proxy, which alone knows any name."""
    address = proxy.url.replace("://", f"://{userinfo}")
    environment = {"HTTP_PROXY": address, "HTTPS_PROXY": address, "NO_PROXY": no_proxy}
    return {
        "policy": PUBLIC_ONLY,
        "resolver": NOBODY_KNOWS.resolver(),
        "proxies": Proxies.of(environment),
    }


async def send_through(
    proxy: HttpProxy, url: str, *, userinfo: str = "", no_proxy: str = "", **how: Any
) -> Outcome:
    """Send one request as ``through`` says."""
    return await send(url, **through(proxy, userinfo=userinfo, no_proxy=no_proxy) | how)


async def test_an_http_endpoint_is_asked_by_the_proxy_which_looks_its_name_up():
    async with Receiver() as receiver, HttpProxy(HOOKS) as proxy:
        outcome = await send_through(proxy, receiver.url_at("hooks.example"))

    assert (outcome.status_code, outcome.failure) == (200, None)
    assert [(one.method, one.path) for one in proxy.asked] == [
        ("POST", f"http://hooks.example:{receiver.port}/hook")
    ]
    assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert receiver.received[0].body == a_request("").body


async def test_an_https_endpoint_is_reached_through_a_tunnel_in_which_the_proxy_reads_nothing(
    authority: Authority,
):
    tls = authority.server("hooks.example")
    async with Receiver(tls=tls) as receiver, HttpProxy(HOOKS) as proxy:
        outcome = await send_through(
            proxy, receiver.url_at("hooks.example"), tls=authority.trusted()
        )

    assert (outcome.status_code, outcome.failure) == (200, None)
    [asked] = proxy.asked
    assert (asked.method, asked.path) == ("CONNECT", f"hooks.example:{receiver.port}")
    assert asked.headers.keys() <= {"host", "accept", "accept-encoding", "user-agent"}
    assert len(receiver.received) == 1


async def test_a_proxy_may_itself_be_spoken_to_in_https(authority: Authority):
    tls = authority.server("hooks.example")
    async with (
        Receiver(tls=tls) as receiver,
        HttpProxy(HOOKS, tls=authority.server()) as proxy,
    ):
        outcome = await send_through(
            proxy,
            receiver.url_at("hooks.example"),
            tls=authority.trusted(),
            resolver=Names(localhost=["127.0.0.1"]).resolver(),
        )

    assert (outcome.status_code, outcome.failure) == (200, None)
    assert [one.method for one in proxy.asked] == ["CONNECT"]


@SCHEMES
async def test_a_connection_through_a_proxy_is_used_again(authority: Authority, scheme: str):
    tls = authority.server("hooks.example") if scheme == "https" else None
    async with Receiver(tls=tls) as receiver, HttpProxy(HOOKS, credentials=("me", "x")) as proxy:
        proxies = Proxies.of({f"{scheme}_proxy": f"http://me:x@{proxy.place}"})
        async with a_sender(proxies=proxies, tls=authority.trusted()) as sender:
            request = a_request(receiver.url_at("hooks.example"))
            outcomes = [await sender.send(request) for _ in range(3)]

    assert [one.failure for one in outcomes] == [None] * 3
    assert proxy.connections == 1


@SCHEMES
async def test_a_proxy_gets_the_credentials_it_asks_for_and_the_endpoint_does_not(
    authority: Authority, scheme: str
):
    tls = authority.server("hooks.example") if scheme == "https" else None
    async with (
        Receiver(tls=tls) as receiver,
        HttpProxy(HOOKS, credentials=("me", "p:ä@ss")) as proxy,
    ):
        outcome = await send_through(
            proxy,
            receiver.url_at("hooks.example"),
            userinfo="me:p%3A%C3%A4%40ss@",
            tls=authority.trusted(),
        )

    assert outcome.failure is None
    assert "proxy-authorization" not in receiver.received[0].headers


@SCHEMES
@pytest.mark.parametrize("userinfo", ["", "me:wrong@"])
async def test_a_proxy_that_does_not_get_the_credentials_it_asks_for(scheme: str, userinfo: str):
    async with HttpProxy(credentials=("me", "secret")) as proxy:
        outcome = await send_through(proxy, f"{scheme}://hooks.example:8080/", userinfo=userinfo)

    assert outcome.failure is FailureReason.PROXY_FAILED
    assert outcome.error == (
        f"The proxy {proxy.place} answered 407 when it was asked for hooks.example:8080; "
        "write a valid user:password@ before its host."
    )


async def test_a_proxy_that_refuses_to_go_there():
    async with HttpProxy(answer=status(403)) as proxy:
        outcome = await send_through(proxy, "https://hooks.example/")

    assert outcome.failure is FailureReason.PROXY_FAILED
    assert outcome.error == (
        f"The proxy {proxy.place} answered 403 when it was asked for hooks.example:443; "
        "look at its log and its rules."
    )


@SCHEMES
async def test_a_proxy_that_fails_every_request_is_asked_by_one(scheme: str):
    async with (
        HttpProxy(credentials=("me", "secret")) as proxy,
        a_sender(**through(proxy)) as sender,
    ):
        first = await sender.send(a_request(f"{scheme}://one.example/"))
        second = await sender.send(a_request(f"{scheme}://other.example/"))

    assert len(proxy.asked) == 1
    assert (second.failure, second.is_ours) == (FailureReason.PROXY_FAILED, True)
    assert second.error == first.error


async def test_a_test_of_a_webhook_tries_a_paused_proxy_and_ends_its_pause():
    async with Receiver() as receiver, HttpProxy(HOOKS, credentials=("me", "secret")) as proxy:
        request = a_request(receiver.url_at("hooks.example"))
        async with a_sender(**through(proxy)) as sender:
            refused = await sender.send(request)
            proxy.credentials = None
            test = await sender.send(request, is_test=True)
            accepted = await sender.send(request)

    assert refused.failure is FailureReason.PROXY_FAILED
    assert (test.failure, accepted.failure) == (None, None)


@pytest.mark.parametrize("answer", [status(403), status(502), close])
async def test_a_proxy_that_does_not_come_to_one_endpoint_is_asked_for_the_next(answer: Answer):
    async with HttpProxy(answer=answer) as proxy, a_sender(**through(proxy)) as sender:
        for host in ("one.example", "other.example"):
            await sender.send(a_request(f"https://{host}/"))

    assert len(proxy.asked) == 2


def test_a_paused_proxy_is_tried_by_one_request_when_its_pause_is_over():
    now = 0.0
    pauses = ProxyPauses(timedelta(seconds=30), lambda: now)
    proxy = Proxy(scheme="http", host="proxy.example", port=3128)
    other = Proxy(scheme="http", host="proxy.example", port=3129)
    pauses.begin(proxy, "It is down.")

    now = 29.9
    pauses.check(other)
    with pytest.raises(ProxyPausedError, match=r"^It is down\.$"):
        pauses.check(proxy)
    now = 30.0
    pauses.check(proxy)
    with pytest.raises(ProxyPausedError):
        pauses.check(proxy)
    pauses.end(proxy)
    pauses.check(proxy)


@SCHEMES
async def test_a_proxy_where_nobody_listens(scheme: str):
    with a_port_where_nobody_listens() as port:
        proxies = Proxies.of({f"{scheme}_proxy": f"http://127.0.0.1:{port}"})
        outcome = await send(f"{scheme}://hooks.example/", policy=PUBLIC_ONLY, proxies=proxies)

    assert outcome.failure is FailureReason.PROXY_FAILED
    assert outcome.error == (
        f"No connection to the proxy 127.0.0.1:{port}: connection refused by 127.0.0.1:{port}; "
        "check that it is up, and listens on that port."
    )


async def test_a_proxy_whose_name_has_no_address():
    proxies = Proxies.of({"HTTPS_PROXY": "http://proxy.example:3128"})

    outcome = await send("https://hooks.example/", proxies=proxies, resolver=Names().resolver())

    assert outcome.failure is FailureReason.PROXY_FAILED
    assert outcome.error == (
        "No connection to the proxy proxy.example:3128: its host name has no address "
        "(name or service not known)."
    )


async def test_a_proxy_whose_certificate_is_refused(authority: Authority):
    async with HttpProxy(tls=authority.server("other.example")) as proxy:
        outcome = await send_through(
            proxy,
            "https://hooks.example/",
            tls=authority.trusted(),
            resolver=Names(localhost=["127.0.0.1"]).resolver(),
        )

    assert outcome.failure is FailureReason.PROXY_FAILED
    assert outcome.error.startswith(
        f"The TLS certificate of the proxy {proxy.place} is for other.example, not for localhost;"
    )


@pytest.mark.parametrize("answer", [raw(b"nonsense\r\n\r\n"), close])
async def test_a_proxy_that_is_none(answer):
    async with HttpProxy(answer=answer) as proxy:
        outcome = await send_through(proxy, "https://hooks.example/")

    assert outcome.failure is FailureReason.PROXY_FAILED
    assert outcome.error == (
        f"No connection to the proxy {proxy.place}: "
        "it hung up, or answered what is not HTTP; is it a proxy?"
    )


@pytest.mark.parametrize(
    ("scheme", "phase", "what"),
    [
        (
            "https",
            AttemptPhase.CONNECT,
            "No connection to hooks.example:8080 (by the proxy {}) within {}; look at the",
        ),
        (
            "http",
            AttemptPhase.WAIT,
            "hooks.example:8080 (by the proxy {}) did not answer within {}; let it answer",
        ),
    ],
)
async def test_a_proxy_that_hangs(scheme: str, phase: AttemptPhase, what: str):
    async with HttpProxy(answer=hang) as proxy, a_sender(**through(proxy)) as sender:
        request = a_request(f"{scheme}://hooks.example:8080/")
        outcome, deadline = await let_time_out(sender, request, came_to(phase))

    assert outcome.failure is FailureReason.TIMED_OUT
    assert outcome.error.startswith(what.format(proxy.place, deadline))


async def test_what_is_wrong_with_an_endpoint_behind_a_proxy_is_called_the_endpoints(
    authority: Authority,
):
    async with Receiver(tls=authority.server("other.example")) as receiver, HttpProxy(HOOKS) as it:
        outcome = await send_through(it, receiver.url_at("hooks.example"), tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error.startswith(
        f"The TLS certificate of hooks.example:{receiver.port} (by the proxy {it.place}) is for "
        "other.example, not for hooks.example;"
    )


@pytest.mark.parametrize("host", ["10.0.0.7", "169.254.169.254", "[fd00:ec2::254]", "0x0a000007"])
@SCHEMES
async def test_no_proxy_is_asked_for_an_address_that_policy_refuses(scheme: str, host: str):
    async with HttpProxy() as proxy:
        outcome = await send_through(proxy, f"{scheme}://{host}/")

    assert outcome.failure is FailureReason.ADDRESS_REFUSED
    assert proxy.asked == []


async def test_what_no_proxy_lists_is_dialled_directly_and_guarded():
    names = Names(**{"inside.example": ["127.0.0.1"]})
    async with Receiver() as receiver, HttpProxy() as proxy:
        outcome = await send_through(
            proxy,
            receiver.url_at("inside.example"),
            no_proxy=".example",
            resolver=names.resolver(),
        )

    assert outcome.failure is FailureReason.ADDRESS_REFUSED
    assert (proxy.asked, receiver.connections) == ([], 0)


async def test_loopback_is_dialled_directly_and_guarded():
    async with Receiver() as receiver, HttpProxy() as proxy:
        refused = await send_through(proxy, receiver.url)
        allowed = await send_through(proxy, receiver.url, policy=AddressPolicy.parse("127.0.0.1"))

    assert refused.failure is FailureReason.ADDRESS_REFUSED
    assert allowed.failure is None
    assert proxy.asked == []


async def test_the_address_of_a_proxy_is_allowed_for_the_proxy_alone():
    """The same address, as an endpoint's, is refused."""
    names = Names(**{"inside.example": ["127.0.0.1"]})
    async with Receiver() as receiver, HttpProxy(HOOKS) as proxy:
        through, beside = await asyncio.gather(
            send_through(proxy, receiver.url_at("hooks.example")),
            send_through(
                proxy,
                f"http://inside.example:{proxy.port}/",
                no_proxy="inside.example",
                resolver=names.resolver(),
            ),
        )

    assert through.failure is None
    assert beside.failure is FailureReason.ADDRESS_REFUSED


async def test_a_redirect_that_a_proxy_brings_is_not_followed():
    elsewhere = status(302, headers={"Location": "http://hooks.example/other"})
    async with Receiver(elsewhere) as receiver, HttpProxy(HOOKS) as proxy:
        outcome = await send_through(proxy, receiver.url_at("hooks.example"))

    assert (outcome.status_code, outcome.failure) == (302, FailureReason.HTTP_STATUS)
    assert len(proxy.asked) == 1
