"""What the receiver really gets, believed by other people's code: dbt's snippet and the library."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook as PublishedLibrary

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.version import VERSION
from tests.support.receiver import Received
from tests.support.scene import Scene, deliver_due


@pytest.fixture(params=list(PayloadVersion))
async def received(request: pytest.FixtureRequest, scene: Scene) -> tuple[Received, str]:
    """What came in once a run had started, and the webhook's secret."""
    # The published library asks the system's clock whether a delivery is recent.
    scene.clock.moment = datetime.now(UTC)
    receiver = await scene.receiver()
    webhook = await scene.tenant.webhook(receiver.url, name="Köln ☃", payload_version=request.param)
    await scene.tenant.start(job_name='nightly "größte" \\ <run>')

    await deliver_due(await scene.dispatcher())
    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    (only,) = receiver.received
    return only, scene.tenant.secrets[webhook.id].reveal()


async def test_the_published_library_believes_it(received: tuple[Received, str]):
    request, secret = received

    payload = PublishedLibrary(secret).verify(request.body, request.headers)

    assert payload == json.loads(request.body)


async def test_dbts_documented_snippet_believes_it(received: tuple[Received, str]):
    request, secret = received

    # As dbt's page has it, with its names.
    auth_header = request.headers["authorization"]
    app_secret = secret.encode("utf-8")
    signature = hmac.new(app_secret, request.body, hashlib.sha256).hexdigest()

    assert signature == auth_header


async def test_neither_believes_it_once_a_byte_is_changed(received: tuple[Received, str]):
    request, secret = received
    changed = request.body.replace(b"nightly", b"nightlx")

    with pytest.raises(Exception, match="No matching signature found"):
        PublishedLibrary(secret).verify(changed, request.headers)
    signature = hmac.new(secret.encode("utf-8"), changed, hashlib.sha256).hexdigest()
    assert signature != request.headers["authorization"]


async def test_it_is_a_plain_post_of_json_with_its_length(received: tuple[Received, str]):
    request, _ = received

    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.body))
    assert "transfer-encoding" not in request.headers
    assert "expect" not in request.headers


async def test_it_says_who_sends_it(received: tuple[Received, str]):
    request, _ = received

    assert request.headers["user-agent"] == f"Runhook/{VERSION}"


async def test_it_says_nothing_of_itself_that_has_no_use(received: tuple[Received, str]):
    request, secret = received

    assert set(request.headers) == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "authorization",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert secret not in str(request)
