"""An endpoint's certificate is checked, and the sentence says what is wrong with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from tests.support.certificates import DAY, LIFETIME, Authority
from tests.support.names import Names
from tests.support.receiver import Receiver
from tests.support.sending import a_request, a_sender, send, send_in_vain

LONG_AGO = datetime(2021, 5, 3, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def a_peer(talk) -> AsyncIterator[int]:
    """Listen, and let ``talk`` have every connection; yield the port."""
    handlers = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        try:
            await talk(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for one in handlers:
        one.cancel()
    await asyncio.gather(*handlers)


async def test_a_good_certificate_is_accepted_and_the_connection_used_again(authority: Authority):
    async with (
        Receiver(tls=authority.server()) as receiver,
        a_sender(tls=authority.trusted()) as sender,
    ):
        outcomes = [await sender.send(a_request(receiver.url)) for _ in range(2)]

    assert [one.status_code for one in outcomes] == [200, 200]
    assert receiver.connections == 1


async def test_a_certificate_that_has_expired(authority: Authority):
    async with Receiver(tls=authority.server(expires=LONG_AGO)) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The TLS certificate of localhost:{receiver.port} expired on 3 May 2021; renew it."
    )
    assert receiver.received == []


async def test_a_certificate_whose_authority_has_expired(authority: Authority, tmp_path):
    between = Authority(tmp_path, vouching=authority, expires=LONG_AGO)
    async with Receiver(tls=between.server()) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"A certificate that vouches for localhost:{receiver.port} has expired: "
        "Test authority between's, or one above it; let the endpoint send those that are valid now."
    )


async def test_a_certificate_that_is_not_valid_yet(authority: Authority):
    begins = datetime.now(UTC) + DAY
    tls = authority.server(expires=begins + LIFETIME)
    async with Receiver(tls=tls) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The TLS certificate of localhost:{receiver.port} is not valid before "
        f"{begins.day} {begins:%B %Y}; check the clocks of both machines."
    )


async def test_a_certificate_that_nobody_vouches_for(authority: Authority):
    async with Receiver(tls=authority.self_signed()) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The TLS certificate of localhost:{receiver.port} is self-signed, so no authority vouches "
        "for it; use one of a known authority, or make Runhook's system trust it."
    )
    assert receiver.received == []


async def test_a_certificate_of_an_authority_that_the_system_does_not_know(authority: Authority):
    async with Receiver(tls=authority.server()) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The TLS certificate of localhost:{receiver.port} is by an authority that Runhook's "
        "system does not know (Test authority); let the endpoint send all certificates in "
        "between, or make the system trust it."
    )


async def test_a_certificate_without_the_one_in_between(authority: Authority, tmp_path):
    between = Authority(tmp_path, vouching=authority)
    tls = between.server(issuer_is_sent=False)
    async with Receiver(tls=tls) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert "does not know (Test authority between); let the endpoint send all" in outcome.error


async def test_a_certificate_with_the_one_in_between(authority: Authority, tmp_path):
    between = Authority(tmp_path, vouching=authority)
    async with Receiver(tls=between.server()) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is None


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        (["other.example"], "other.example"),
        (["*.other.example", "127.0.0.2"], "*.other.example, 127.0.0.2"),
        ([f"{letter}.example" for letter in "abcde"], "a.example, b.example, c.example and 2 more"),
        (["a\0\n\x1b.example"], "a???.example"),
        (["x" * 200], "x" * 80 + "..."),
    ],
)
async def test_a_certificate_for_another_host(authority: Authority, hosts: list[str], told: str):
    """What it is for is the endpoint's to say, and shown only as far as it does no harm."""
    async with Receiver(tls=authority.server(*hosts)) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The TLS certificate of localhost:{receiver.port} is for {told}, not for localhost; "
        "check the URL, or get another certificate."
    )
    assert receiver.received == []


async def test_a_certificate_for_a_name_where_the_url_has_an_address(authority: Authority):
    async with Receiver(tls=authority.server()) as receiver:
        outcome = await send(receiver.url_at("127.0.0.1"), tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The TLS certificate of 127.0.0.1:{receiver.port} is for localhost, not for 127.0.0.1; "
        "check the URL, or get another certificate."
    )


async def test_the_certificate_must_be_for_the_name_in_the_url_wherever_it_leads(
    authority: Authority,
):
    names = Names(**{"hooks.example": ["127.0.0.1"]})
    async with Receiver(tls=authority.server("hooks.example")) as receiver:
        outcome = await send(
            receiver.url_at("hooks.example"), tls=authority.trusted(), resolver=names.resolver()
        )

    assert outcome.failure is None


async def test_a_port_that_does_not_speak_https():
    async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with a_peer(speak_http) as port:
        outcome = await send(f"https://127.0.0.1:{port}/")

    assert outcome.failure is FailureReason.TLS_FAILED
    # OpenSSL's words differ from one version to another.
    assert outcome.error.startswith(f"The TLS handshake with 127.0.0.1:{port} failed (")
    assert outcome.error.endswith("); does that port speak https?")


async def test_a_port_that_hangs_up_on_the_handshake():
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)

    async with a_peer(hang_up) as port:
        outcome = await send(f"https://127.0.0.1:{port}/")

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The TLS handshake with 127.0.0.1:{port} failed (it hung up); does that port speak https?"
    )


async def test_a_port_that_never_shakes_hands():
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with a_peer(hang) as port:
        outcome, deadline = await send_in_vain(f"https://127.0.0.1:{port}/", AttemptPhase.TLS)

    assert outcome.failure is FailureReason.TIMED_OUT
    assert outcome.error == (
        f"The TLS handshake with 127.0.0.1:{port} did not end within {deadline}; "
        "does that port speak https?"
    )


@pytest.mark.parametrize(
    ("alert", "ending"),
    [
        (
            40,
            (
                "handshake failure); check the endpoint's TLS settings: it may ask for a client "
                "certificate, or know none of our ciphers."
            ),
        ),
        (70, "protocol version); let the endpoint speak TLS 1.2 or newer."),
    ],
)
async def test_a_port_that_refuses_the_handshake(alert: int, ending: str):
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes([0x15, 3, 3, 0, 2, 2, alert]))
        await writer.drain()
        await reader.read()

    async with a_peer(refuse) as port:
        outcome = await send(f"https://127.0.0.1:{port}/")

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error.startswith(f"The TLS handshake with 127.0.0.1:{port} failed (")
    assert outcome.error.endswith(ending)


async def test_a_port_that_speaks_https_where_the_url_says_http(authority: Authority):
    async with Receiver(tls=authority.server()) as receiver:
        outcome = await send(f"http://127.0.0.1:{receiver.port}/")

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert f"127.0.0.1:{receiver.port}" in outcome.error
