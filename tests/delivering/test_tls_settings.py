"""What a webhook asks of TLS: a client certificate, authorities of its own, no check at all."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.tls import TlsSettings
from runhook.outbound.tls import Contexts, make_context
from tests.support.certificates import Authority
from tests.support.receiver import Receiver, hang
from tests.support.sending import a_request, a_sender, send


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def asking(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext:
    """The context of a server that wants a client certificate of the authority's."""
    context = authority.server()
    context.minimum_version = context.maximum_version = request.param
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.bundle())
    return context


@contextmanager
def strict(context: ssl.SSLContext) -> Iterator[str]:
    """Serve in TLS as most servers do, which say why they refuse a handshake; yield the URL.

    asyncio's server hangs up before it has said it.
    """

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://localhost:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


async def send_with(url: str, settings: TlsSettings, **how):
    async with a_sender(**how) as sender:
        return await sender.send(a_request(url, tls=settings))


async def test_an_endpoint_that_asks_for_a_certificate_is_shown_the_webhooks(
    asking: ssl.SSLContext, authority: Authority
):
    certificate, key = authority.client()
    settings = TlsSettings(certificate=certificate, key=key, authorities=authority.pem())
    async with Receiver(tls=asking) as receiver:
        outcome = await send_with(receiver.url, settings)

    assert (outcome.status_code, outcome.failure) == (200, None)


async def test_an_endpoint_that_asks_for_a_certificate_and_gets_none_is_said_to_ask(
    asking: ssl.SSLContext, authority: Authority
):
    with strict(asking) as url:
        outcome = await send(url, tls=authority.trusted())

    assert outcome.failure is FailureReason.TLS_FAILED
    assert "ask for a client certificate" in outcome.error.replace("asks", "ask")


async def test_a_certificate_that_the_endpoint_does_not_accept_is_said_to_be_that(
    asking: ssl.SSLContext, authority: Authority, tmp_path
):
    certificate, key = Authority(tmp_path).client()
    settings = TlsSettings(certificate=certificate, key=key, authorities=authority.pem())
    with strict(asking) as url:
        outcome = await send_with(url, settings)

    assert outcome.failure is FailureReason.TLS_FAILED
    assert "the endpoint does not accept the webhook's client certificate" in outcome.error


async def test_authorities_of_the_webhooks_own_are_trusted_in_place_of_the_systems(
    authority: Authority, tmp_path
):
    settings = TlsSettings(authorities=authority.pem())
    async with (
        Receiver(tls=authority.server()) as known,
        Receiver(tls=Authority(tmp_path).server()) as other,
    ):
        outcomes = [await send_with(one.url, settings) for one in (known, other)]

    assert [one.failure for one in outcomes] == [None, FailureReason.TLS_FAILED]


async def test_any_certificate_is_taken_where_the_webhook_wants_none_checked(authority: Authority):
    async with Receiver(tls=authority.self_signed("other.example")) as receiver:
        outcome = await send_with(receiver.url, TlsSettings(is_verified=False))

    assert outcome.failure is None


async def test_a_connection_is_used_again_for_the_same_settings_only(authority: Authority):
    """What one webhook does not check is checked for another at the same place."""
    loose = TlsSettings(is_verified=False)
    async with (
        Receiver(tls=authority.self_signed()) as receiver,
        a_sender(tls=authority.trusted()) as sender,
    ):
        outcomes = [
            await sender.send(a_request(receiver.url, tls=settings))
            for settings in (loose, loose, TlsSettings(), loose)
        ]

    assert [one.failure for one in outcomes] == [None, None, FailureReason.TLS_FAILED, None]
    assert len(receiver.received) == 3


async def test_a_request_can_have_a_deadline_of_its_own():
    async with Receiver(hang) as receiver, a_sender() as sender:
        outcome = await sender.send(a_request(receiver.url, timeout=timedelta(milliseconds=200)))

    assert outcome.failure is FailureReason.TIMED_OUT
    assert "within 0.2 s" in outcome.error


async def test_requests_that_ask_at_once_for_the_same_settings_share_a_context():
    contexts = Contexts()

    usual, same, unverified = await asyncio.gather(
        contexts.of(TlsSettings()),
        contexts.of(TlsSettings()),
        contexts.of(TlsSettings(is_verified=False)),
    )

    assert usual is same is await contexts.of(TlsSettings())
    assert usual is not unverified


async def test_settings_that_no_context_can_be_made_of_keep_none_from_others():
    contexts = Contexts()
    with pytest.raises(InvalidError):
        await contexts.of(TlsSettings(authorities="none"))

    assert isinstance(await contexts.of(TlsSettings()), ssl.SSLContext)


def test_settings_hide_what_is_secret():
    assert "PRIVATE" not in repr(TlsSettings(key="-----BEGIN PRIVATE KEY-----"))


def test_a_key_is_written_nowhere(authority: Authority, tmp_path, monkeypatch):
    """Python reads certificates from files only."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    certificate, key = authority.client()

    make_context(TlsSettings(certificate=certificate, key=key))

    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_cannot_be_used_is_named(authority: Authority, tmp_path):
    certificate, key = authority.client()
    _, other_key = Authority(tmp_path).client()
    cases = {
        ("tls_certificate", "as PEM"): TlsSettings(certificate="none", key=key),
        ("tls_key", "as PEM"): TlsSettings(certificate=certificate, key="none"),
        ("tls_key", "not the certificate's"): TlsSettings(certificate=certificate, key=other_key),
        ("tls_authorities", "as PEM"): TlsSettings(authorities="none"),
        ("", "too many"): TlsSettings(authorities="x" * 1_000_000),
    }

    for (field, words), settings in cases.items():
        with pytest.raises(InvalidError, match=words) as caught:
            make_context(settings)
        assert caught.value.field == field
