"""TLS as a webhook's owner asks for it: a certificate to show, an authority, or no check."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from runhook.domain.deliveries.delivery import DeliveryState
from tests.support.certificates import Authority, name_of, unsigned
from tests.support.receiver import Receiver
from tests.support.scene import Scene, deliver_due


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def client_certificate(authority: Authority) -> dict[str, str]:
    """A certificate that the authority vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.load_pem_x509_certificate(authority.bundle().read_bytes())
    certificate = unsigned(
        name_of("runhook"), root.subject, key, expires=root.not_valid_after_utc
    ).sign(authority._key, hashes.SHA256())
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    }


async def states_at(scene: Scene, tls: ssl.SSLContext, **options: object) -> list[DeliveryState]:
    """Deliver to an endpoint that speaks TLS, to a webhook with these options."""
    async with Receiver(tls=tls) as receiver:
        webhook = await scene.tenant.webhook(
            receiver.url, event_types=["job.run.started"], retry_schedule=[], **options
        )
        await scene.tenant.start(f"run-{receiver.port}")
        await deliver_due(await scene.dispatcher())
    return await scene.tenant.states(webhook)


async def test_an_authority_of_the_webhooks_own_is_trusted(scene: Scene, authority: Authority):
    own = authority.bundle().read_text()

    states = await states_at(scene, authority.server(), ca_certificate=own)

    assert states == [DeliveryState.SUCCEEDED]


async def test_no_other_authority_is_trusted_then(
    scene: Scene, authority: Authority, tmp_path: Path
):
    another = Authority(tmp_path).bundle().read_text()

    states = await states_at(scene, authority.server(), ca_certificate=another)

    assert states == [DeliveryState.FAILED]


@pytest.mark.parametrize(
    ("verify_tls", "state"), [(True, DeliveryState.FAILED), (False, DeliveryState.SUCCEEDED)]
)
async def test_a_certificate_is_not_checked_if_the_webhook_says_so(
    scene: Scene, authority: Authority, *, verify_tls: bool, state: DeliveryState
):
    tls = authority.self_signed("elsewhere.example")

    assert await states_at(scene, tls, verify_tls=verify_tls) == [state]


async def test_an_endpoint_that_asks_for_a_certificate_gets_the_webhooks(
    scene: Scene, authority: Authority
):
    tls = authority.server()
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(authority.bundle())
    own = authority.bundle().read_text()
    shown = client_certificate(authority)

    without = await states_at(scene, tls, ca_certificate=own)
    with_one = await states_at(scene, tls, ca_certificate=own, client_certificate=shown)

    assert without == [DeliveryState.FAILED]
    assert with_one == [DeliveryState.SUCCEEDED]
