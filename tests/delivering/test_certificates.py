"""An endpoint's certificate is checked, and the sentence says what is wrong with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from runhook.domain.judging import FailureReason
from tests.support.certificates import Authority
from tests.support.names import Names
from tests.support.receiver import Receiver
from tests.support.scene import SHORT
from tests.support.sending import a_request, a_sender, send


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
    tls = authority.server(expires_in=timedelta(seconds=-1))
    async with Receiver(tls=tls) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The certificate of localhost:{receiver.port} was refused: certificate has expired."
    )
    assert receiver.received == []


async def test_a_certificate_that_nobody_vouches_for(authority: Authority):
    async with Receiver(tls=authority.self_signed()) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The certificate of localhost:{receiver.port} was refused: self-signed certificate."
    )
    assert receiver.received == []


async def test_a_certificate_of_an_authority_that_the_system_does_not_know(authority: Authority):
    async with Receiver(tls=authority.server()) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The certificate of localhost:{receiver.port} was refused: "
        "unable to get local issuer certificate."
    )


async def test_a_certificate_for_another_host(authority: Authority):
    async with Receiver(tls=authority.server("other.example")) as receiver:
        outcome = await send(receiver.url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The certificate of localhost:{receiver.port} was refused: "
        "Hostname mismatch, certificate is not valid for 'localhost'."
    )
    assert receiver.received == []


async def test_a_certificate_for_a_name_where_the_url_has_an_address(authority: Authority):
    async with Receiver(tls=authority.server()) as receiver:
        outcome = await send(receiver.url_at("127.0.0.1"), tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert outcome.error == (
        f"The certificate of 127.0.0.1:{receiver.port} was refused: "
        "IP address mismatch, certificate is not valid for '127.0.0.1'."
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
        outcome = await send(f"https://127.0.0.1:{port}/", deadline=SHORT)

    assert outcome.failure is FailureReason.TIMED_OUT
    assert outcome.error == f"No connection to 127.0.0.1:{port} within 2 s."


async def test_a_port_that_speaks_https_where_the_url_says_http(authority: Authority):
    async with Receiver(tls=authority.server()) as receiver:
        outcome = await send(f"http://127.0.0.1:{receiver.port}/")

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert f"127.0.0.1:{receiver.port}" in outcome.error
